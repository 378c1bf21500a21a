#!/usr/bin/env bash
# openapi.sh [FILE]: lints the OpenAPI document with the recommended rules of Spectral and Redocly. Fails on errors and warnings.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

document=$PWD/${1:-docs/openapi.json}
spectral=$(infra/scripts/tool.sh spectral)/.bin/spectral
redocly=$(infra/scripts/tool.sh redocly)/.bin/redocly
"$spectral" lint "$document" --ruleset infra/spectral.yaml --fail-severity warn
"$redocly" lint "$document" --config infra/redocly.yaml --format stylish --max-problems 50 2>&1 | tee "$LOCAL_DIR/redocly"
! grep -q ' warning ' "$LOCAL_DIR/redocly"
