#!/usr/bin/env bash
# Runs the tests; the cluster that the testkit starts on its first database is stopped whatever happens.
# Arguments go to cargo test: names of tests, or `-p support`.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

need_rust
trap 'stop_cluster "$TEST_CLUSTER"' EXIT
cargo test --workspace --locked "$@"
