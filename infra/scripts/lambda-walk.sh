#!/usr/bin/env bash
# Functions as AWS Lambda runs them, in cargo-lambda's stand-in for the runtime: from sign-in to a ticket, with events of both
# kinds of API Gateway. PROGRAMS is a folder with other programs than the debug build.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

tool=$(infra/scripts/tool.sh cargo-lambda)
if [ -z "${PROGRAMS:-}" ]; then
  need_rust
  cargo build --workspace --locked
  PROGRAMS="$(target_dir)/debug"
fi
exec python3 infra/scripts/lambda-walk.py "$PROGRAMS" "$tool"
