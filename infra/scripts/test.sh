#!/usr/bin/env bash
# Runs the tests; the cluster that the testkit starts on its first database is stopped at the end.
# Arguments go to nextest: names of tests, or `-E 'package(support)'`.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

need_rust
trap 'stop_cluster "$TEST_CLUSTER"' EXIT
nextest=$(infra/scripts/tool.sh cargo-nextest)
"$nextest" nextest run --workspace --locked ${FEATURES:+--features "$FEATURES"} "$@"
