#!/usr/bin/env bash
# Runs a real Prometheus against every function as a process and checks that all metrics in rules and dashboards exist. PROGRAMS is a
# folder with other binaries than the debug build.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

prometheus=$(infra/scripts/tool.sh prometheus)
if [ -z "${PROGRAMS:-}" ]; then
  need_rust
  build
  PROGRAMS="$(target_dir)/debug"
fi
exec python3 infra/scripts/scrape-test.py "$PROGRAMS" "$prometheus"
