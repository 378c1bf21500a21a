#!/usr/bin/env bash
# Stops the local servers and removes LOCAL_DIR. Root's data is outside of it; the notes in LOCAL_DIR say where.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

infra/scripts/stop.sh
for note in "$LOCAL_DIR"/*.json; do
  [ -e "$note" ] || continue
  data=$(sed -n 's/.*"data_dir": "\(.*\)".*/\1/p' "$note")
  case "$data" in
    /var/lib/revalenz/*/*) rm -rf -- "$data" "$data.log" ;;
  esac
done
rm -rf -- "$LOCAL_DIR"
say "removed $LOCAL_DIR"
