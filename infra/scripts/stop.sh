#!/usr/bin/env bash
# Stops every cluster that has a note in LOCAL_DIR.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

for note in "$LOCAL_DIR"/*.lock; do
  if [ -e "$note" ]; then
    stop_cluster "$(basename "$note" .lock)"
  fi
done
