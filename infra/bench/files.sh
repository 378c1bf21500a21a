#!/usr/bin/env bash
# Uploads and downloads 2 GB through a separate function process and checks its memory. SHARE=5 transfers 5 % of it.
# PROFILE=dev uses the debug build.
set -euo pipefail
source "$(dirname "$0")/../scripts/lib.sh"

need_rust
unset DATABASE_URL
profile=${PROFILE:-dev}
build --bins --profile "$profile"
if [ "$profile" = dev ]; then
  profile=debug
fi
exec python3 infra/bench/files.py "$(target_dir)/$profile" "${SHARE:-100}"
