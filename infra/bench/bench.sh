#!/usr/bin/env bash
# Builds with the release profile, runs the benchmarks (see bench.py), and updates the numbers in docs/performance.md.
# PROFILE=measured builds in a third of the time, without link-time optimisation.
set -euo pipefail
source "$(dirname "$0")/../scripts/lib.sh"

need_rust
pgbench=$(command -v pgbench || find /usr/lib/postgresql -name pgbench 2>/dev/null | sort | tail -1)
[ -z "$pgbench" ] || PATH=$PATH:$(dirname "$pgbench")
profile=${PROFILE:-release}
build --bins --profile "$profile"
exec python3 infra/bench/bench.py "$(target_dir)/$profile" --profile "$profile" --write \
  --seconds "${SECONDS_EACH:-8}" --pool "${POOL:-16}"
