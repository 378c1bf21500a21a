#!/usr/bin/env bash
# Uploads and downloads 2 GB through a function as a process of its own and looks at its memory. SHARE=5 takes a twentieth.
# PROFILE=dev uses the debug build that is there anyway.
set -euo pipefail
source "$(dirname "$0")/../scripts/lib.sh"

need_rust
unset DATABASE_URL
profile=${PROFILE:-dev}
cargo build --workspace --locked --bins --profile "$profile"
if [ "$profile" = dev ]; then
  profile=debug
fi
exec python3 infra/bench/files.py "$(target_dir)/$profile" "${SHARE:-100}"
