#!/usr/bin/env bash
# Rolling restarts behind Caddy without a failed request, a database outage, and many instances at once.
# RESTARTS=5 AWAY=5 for a quick run. PROFILE=dev uses the debug build.
set -euo pipefail
source "$(dirname "$0")/../scripts/lib.sh"

need_rust
command -v psql >/dev/null || PATH=$PATH:$(find /usr/lib/postgresql /opt/homebrew/opt -name psql -printf '%h\n' 2>/dev/null | tail -1)
profile=${PROFILE:-dev}
build --bins --profile "$profile"
if [ "$profile" = dev ]; then
  profile=debug
fi
exec python3 infra/bench/rolling.py "$(target_dir)/$profile"
