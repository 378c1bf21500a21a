#!/usr/bin/env bash
# Builds the workspace and runs every function as its own process behind Caddy, the only address for clients.
# `platform prepare` prepares the database and demo like `make run`, and writes the settings of each process to LOCAL_DIR/processes.
# Takes the same settings as `make run`. Ctrl-C stops all processes; when one exits, all are stopped.
# RUNNER is a command prefix for each binary (containers.sh); it gets the settings in its environment.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

need_rust
if ! command -v caddy >/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing caddy"
    apt-get install -y --no-install-recommends caddy >/dev/null
  else
    die "Caddy is missing. Run: $([ "$(uname)" = Darwin ] && echo 'brew install caddy' || echo 'sudo apt-get install -y caddy')"
  fi
fi
build
programs="$(target_dir)/debug"
folder="$LOCAL_DIR/processes"
"$programs/platform" prepare

names=()
pids=()

# Stop the proxy first, so that it routes no request to a stopped process.
finish() {
  trap - EXIT INT TERM HUP
  local index
  for ((index = ${#pids[@]} - 1; index >= 0; index--)); do
    kill "${pids[index]}" 2>/dev/null || true
  done
  # Each stops within ten seconds, after open requests and work in progress.
  wait
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# start NAME PROGRAM [ARGUMENT...]: runs it with the settings of NAME, without those of the platform.
start() {
  local name=$1
  shift
  (
    while read -r variable; do
      unset "$variable"
    done < <(compgen -v REVALENZ_)
    unset DATABASE_URL K_SERVICE
    if [ -f "$folder/$name.env" ]; then
      set -a
      # shellcheck disable=SC1090
      source "$folder/$name.env"
    fi
    exec "$@"
  ) &
  names+=("$name")
  pids+=($!)
}

# port NAME: prints its port.
port() { sed -n "s/^PORT='\(.*\)'$/\1/p" "$folder/$1.env"; }

alive() {
  local index
  for index in "${!pids[@]}"; do
    kill -0 "${pids[index]}" 2>/dev/null || {
      wait "${pids[index]}" || true
      die "${names[index]} exited; stopping all processes"
    }
  done
}

for file in "$folder"/*.env; do
  name=$(basename "$file" .env)
  case "$name" in
    platform) start platform ${RUNNER:+"$RUNNER"} "$programs/platform" pages ;;
    clock) start clock ${RUNNER:+"$RUNNER"} "$programs/platform" clock ;;
    *) start "$name" ${RUNNER:+"$RUNNER"} "$programs/$name" ;;
  esac
done

# The pages report the readiness of all functions.
until curl -fsS -o /dev/null "http://127.0.0.1:$(port platform)/readyz" 2>/dev/null; do
  alive
  sleep 0.2
done

mkdir -p "$LOCAL_DIR/caddy"
XDG_DATA_HOME="$LOCAL_DIR/caddy" XDG_CONFIG_HOME="$LOCAL_DIR/caddy" \
  start caddy caddy run --config "$folder/Caddyfile" --adapter caddyfile

say
say "Processes, reachable from this machine only:"
for file in "$folder"/*.env; do
  name=$(basename "$file" .env)
  [ "$name" != clock ] || continue
  say "$(printf '  %-15s http://127.0.0.1:%s' "$name" "$(port "$name")")"
done
say "Ctrl-C stops all of them; PostgreSQL keeps running until \`make stop\`."

while true; do
  alive
  # In the background, because bash handles signals only after a foreground command.
  sleep 1 &
  wait $! || true
done
