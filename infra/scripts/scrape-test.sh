#!/usr/bin/env bash
# A real Prometheus reads every function as a process; what rules and dashboards speak of must be there. PROGRAMS is a folder
# with other programs than the debug build.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

prometheus=$(infra/scripts/tool.sh prometheus)
if [ -z "${PROGRAMS:-}" ]; then
  need_rust
  cargo build --workspace --locked
  PROGRAMS="$(target_dir)/debug"
fi
exec python3 infra/scripts/scrape-test.py "$PROGRAMS" "$prometheus"
