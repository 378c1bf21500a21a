#!/usr/bin/env bash
# Tests server-roll.sh with a fake docker that keeps containers in files: a successful roll-out, a new container that does not get
# ready, a failing migration, a new service, and two containers of each service.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

scratch=$(mktemp -d)
finish() {
  local status=$?
  [ "$status" = 0 ] || cat "$scratch/log" >&2
  rm -rf "$scratch"
}
trap finish EXIT
mkdir "$scratch/bin"
cat >"$scratch/bin/docker" <<'PRETEND'
#!/usr/bin/env bash
# running/<service>-<number>: containers and their version. BAD: a service that never gets ready.
set -eu
printf '%s\n' "$*" >>"$WORLD/calls"
cd "$WORLD/running"
make() { echo "$VERSION" >"$1-$(($(cat ../last) + 1))" && echo $(($(cat ../last) + 1)) >../last; }
case "$*" in
  "compose config --format json") jq -n '{services: {
    a: {labels: {"revalenz.rolled": "true"}}, b: {labels: {"revalenz.rolled": "true"}}, migrate: {}, caddy: {},
    relay: {labels: {"revalenz.rolled": "true"}}}}' ;;
  "compose config --services") printf '%s\n' a b migrate caddy relay ;;
  "compose up --detach --wait postgres") ;;
  "compose run --rm --no-deps -T migrate") [ -z "${BAD_MIGRATION:-}" ] ;;
  "compose ps --quiet "*) ls | grep "^$4-" || true ;;
  "compose up --detach --no-deps --no-recreate --scale "*)
    while [ "$(ls | grep -c "^$8-")" -lt "${7#*=}" ]; do make "$8"; done ;;
  "compose up --detach --no-deps "*) make "$5" ;;
  "compose up --detach --remove-orphans "*) ;;
  "inspect --format "*) echo "$4" ;;
  "compose exec -T caddy wget "*) case "$*" in *"//${BAD:-nothing}-"*) exit 1 ;; esac ;;
  "logs "*) ;;
  "stop "*) ;;
  "rm --force "*) shift 2 && rm "$@" ;;
  "rm "*) shift && rm "$@" ;;
  *) exit 9 ;;
esac
PRETEND
chmod +x "$scratch/bin/docker"

# Starts with the given number of containers of version 1 for each service.
world() {
  rm -rf "${scratch:?}/home"
  mkdir -p "$scratch/home/running"
  for number in $(seq "$1"); do
    for name in a b relay; do echo 1 >"$scratch/home/running/$name-$number"; done
  done
  echo 10 >"$scratch/home/last"
}
run() { env WORLD="$scratch/home" PATH="$scratch/bin:$PATH" VERSION=2 TRIES=2 "$@" infra/scripts/server-roll.sh >>"$scratch/log" 2>&1; }
runs() { (cd "$scratch/home/running" && for one in *; do printf '%s:%s ' "${one%-*}" "$(cat "$one")"; done); }
expect() { [ "$2" = "$3" ] || die "$1: $2 instead of $3"; }

world 1
run env
expect "a roll-out" "$(runs)" "a:2 b:2 relay:2 "
expect "the new one before the old one goes" "$(grep -nE 'wget|stop' "$scratch/home/calls" | sed 's/.*\(wget\|stop\).*/\1/' | tr '\n' ' ')" "wget stop wget stop wget stop "
expect "the relay first" "$(sed -n 's/^stop \([a-z]*\)-.*/\1/p' "$scratch/home/calls" | tr '\n' ' ')" "relay a b "

world 2
run env
expect "two of each" "$(runs)" "a:2 a:2 b:2 b:2 relay:2 relay:2 "
grep -q -- '--remove-orphans --scale relay=2 --scale a=2 --scale b=2' "$scratch/home/calls" || die "the second containers would have been removed"

world 1
if run env BAD=b; then die "a container that does not get ready was rolled out"; fi
expect "not ready" "$(runs)" "a:2 b:1 relay:2 "

world 1
if run env BAD_MIGRATION=1; then die "a failed migration passed"; fi
expect "a failed migration" "$(runs)" "a:1 b:1 relay:1 "

world 1
rm "$scratch/home/running/b-1"
run env
expect "one that was not there" "$(runs)" "a:2 b:2 relay:2 "
say "server-roll.sh: 5 scenarios passed"
