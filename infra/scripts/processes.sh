#!/usr/bin/env bash
# Builds the workspace and runs every function as a process of its own behind Caddy, the one address for clients.
# `platform prepare` does all that `make run` does before it serves, and leaves in LOCAL_DIR/processes what each is told.
# The same settings as for `make run`. Ctrl-C stops all of them; when one ends, all end.
# RUNNER is put in front of each program (containers.sh); it finds the settings in its environment.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

need_rust
if ! command -v caddy >/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing caddy"
    apt-get install -y --no-install-recommends caddy >/dev/null
  else
    die "Caddy is missing. Type: $([ "$(uname)" = Darwin ] && echo 'brew install caddy' || echo 'sudo apt-get install -y caddy')"
  fi
fi
cargo build --workspace --locked
programs="$(target_dir)/debug"
folder="$LOCAL_DIR/processes"
"$programs/platform" prepare

names=()
pids=()

# The proxy first, so that nobody is sent to a process that is gone.
finish() {
  trap - EXIT INT TERM HUP
  local index
  for ((index = ${#pids[@]} - 1; index >= 0; index--)); do
    kill "${pids[index]}" 2>/dev/null || true
  done
  # Each comes to its end within ten seconds: open requests, work under way.
  wait
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# start NAME PROGRAM [ARGUMENT...]: with the settings of NAME, and with none that were meant for the platform.
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

# port NAME: where it listens.
port() { sed -n "s/^PORT='\(.*\)'$/\1/p" "$folder/$1.env"; }

alive() {
  local index
  for index in "${!pids[@]}"; do
    kill -0 "${pids[index]}" 2>/dev/null || {
      wait "${pids[index]}" || true
      die "${names[index]} ended, and so do all"
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

# The pages ask every function whether it is ready.
until curl -fsS -o /dev/null "http://127.0.0.1:$(port platform)/readyz" 2>/dev/null; do
  alive
  sleep 0.2
done

mkdir -p "$LOCAL_DIR/caddy"
XDG_DATA_HOME="$LOCAL_DIR/caddy" XDG_CONFIG_HOME="$LOCAL_DIR/caddy" \
  start caddy caddy run --config "$folder/Caddyfile" --adapter caddyfile

say
say "Processes, each reachable from this machine alone:"
for file in "$folder"/*.env; do
  name=$(basename "$file" .env)
  [ "$name" != clock ] || continue
  say "$(printf '  %-15s http://127.0.0.1:%s' "$name" "$(port "$name")")"
done
say "Ctrl-C stops all of them; PostgreSQL keeps running until \`make stop\`."

while true; do
  alive
  # In the background, because a signal has to wait for what runs in the foreground.
  sleep 1 &
  wait $! || true
done
