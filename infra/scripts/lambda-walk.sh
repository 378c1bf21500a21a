#!/usr/bin/env bash
# Runs functions on cargo-lambda's emulator of AWS Lambda: from sign-in to a ticket, with both event formats of API Gateway.
# PROGRAMS is a folder with other binaries than the debug build.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

tool=$(infra/scripts/tool.sh cargo-lambda)
if [ -z "${PROGRAMS:-}" ]; then
  need_rust
  build
  PROGRAMS="$(target_dir)/debug"
fi
exec python3 infra/scripts/lambda-walk.py "$PROGRAMS" "$tool"
