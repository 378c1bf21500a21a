#!/usr/bin/env bash
# Builds the workspace and runs the platform: every function in one process.
# The built binary rather than `cargo run -p`, which would unify features anew and build everything again.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

need_rust
cargo build --workspace --locked
exec "$(target_dir)/debug/platform" "$@"
