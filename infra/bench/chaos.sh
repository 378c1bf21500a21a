#!/usr/bin/env bash
# Kills the platform at random moments under load and looks for what was lost or doubled. SHARE=5 for a quick look,
# SEED=n for other moments, BUS=rabbitmq over RabbitMQ. PROFILE=dev uses the debug build that is there anyway.
set -euo pipefail
source "$(dirname "$0")/../scripts/lib.sh"

need_rust
command -v psql >/dev/null || PATH=$PATH:$(find /usr/lib/postgresql /opt/homebrew/opt -name psql -printf '%h\n' 2>/dev/null | tail -1)
profile=${PROFILE:-dev}
cargo build --workspace --locked --bins --profile "$profile"
if [ "$profile" = dev ]; then
  profile=debug
fi
exec python3 infra/bench/chaos.py "$(target_dir)/$profile"
