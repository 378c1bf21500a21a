#!/usr/bin/env bash
# Builds the workspace and runs the platform: every function in one process.
# Uses the built binary, because `cargo run -p` unifies features differently and rebuilds everything.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

need_rust
build
exec "$(target_dir)/debug/platform" "$@"
