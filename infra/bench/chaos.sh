#!/usr/bin/env bash
# Kills the platform at random moments under load and looks for lost or duplicated data. SHARE=5 for a quick run,
# SEED=n for other moments, BUS=rabbitmq over RabbitMQ. PROFILE=dev uses the debug build.
set -euo pipefail
source "$(dirname "$0")/../scripts/lib.sh"

need_rust
command -v psql >/dev/null || PATH=$PATH:$(find /usr/lib/postgresql /opt/homebrew/opt -name psql -printf '%h\n' 2>/dev/null | tail -1)
profile=${PROFILE:-dev}
build --bins --profile "$profile"
if [ "$profile" = dev ]; then
  profile=debug
fi
exec python3 infra/bench/chaos.py "$(target_dir)/$profile"
