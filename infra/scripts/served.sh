#!/usr/bin/env bash
# served.sh [platform|processes|containers]: starts the backend as `make run` or as `make processes` does, or with a container
# for each function (of images that are there), in a folder and on ports of its own, signs in, opens a ticket, takes rights
# away in one function and waits until another refuses, then lets schemathesis try the document that is served. Leaves nothing
# running.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

how=${1:-platform}
# How many seconds what was taken away may still be good, at most (decisions.md 10: they are remembered for 15).
remembered=20

need_rust
# A database of its own, whatever the caller works with.
unset DATABASE_URL
build
scratch=$(mktemp -d)
export LOCAL_DIR="$scratch/local"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
base="http://127.0.0.1:$port"

case "$how" in
  platform) command=("$(target_dir)/debug/platform") ;;
  processes | containers) command=("infra/scripts/$how.sh") ;;
  *) die "usage: served.sh [platform|processes|containers]" ;;
esac
PORT=$port RUST_LOG=warn "${command[@]}" >"$scratch/log" 2>&1 &
platform=$!
finish() {
  kill "$platform" 2>/dev/null || true
  wait "$platform" 2>/dev/null || true
  stop_cluster postgres || true
  rm -rf "$scratch"
}
trap finish EXIT

for _ in $(seq 900); do
  curl -fsS -o /dev/null "$base/readyz" 2>/dev/null && [ -f "$LOCAL_DIR/demo.json" ] && break
  kill -0 "$platform" 2>/dev/null || { cat "$scratch/log" >&2; die "the backend ended"; }
  sleep 0.2
done

# A field of .local/demo.json.
demo() { python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); [d := d[k] for k in sys.argv[2].split(".")]; print(d)' "$LOCAL_DIR/demo.json" "$1"; }

# A request that must answer with the wanted status; prints the body.
ask() {
  local wanted=$1 status
  shift
  status=$(curl -sS -o "$scratch/body" -w '%{http_code}' -H 'content-type: application/json' "$@")
  [ "$status" = "$wanted" ] || { cat "$scratch/body" >&2; die "$status instead of $wanted: ${*: -1}"; }
  cat "$scratch/body"
}

field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

sign_in() {
  local people="tenants.$1.users.$2"
  ask 200 -d "{\"tenant\": \"$1\", \"email\": \"$(demo "$people.email")\", \"password\": \"$(demo "$people.password")\"}" \
    "$base/api/auth/login" | field access_token
}

customer=$(sign_in demo customer)
stranger=$(sign_in other admin)
ticket=$(ask 201 -H "authorization: Bearer $customer" -d '{"title": "It does not work"}' "$base/api/tickets" | field id)
ask 201 -H "authorization: Bearer $customer" -d '{"content": "Still not"}' "$base/api/tickets/$ticket/comments" >/dev/null
ask 200 -H "authorization: Bearer $customer" "$base/api/tickets/$ticket/history" >/dev/null
ask 404 -H "authorization: Bearer $stranger" "$base/api/tickets/$ticket" >/dev/null
ask 200 "$base/" >/dev/null
ask 200 "$base/docs" >/dev/null
say "signed in, opened, commented and read a ticket; the other tenant saw none of it"

python3 infra/scripts/sign-in-walk.py "$base"

# What only the platform itself calls needs its secret, and no proxy leads there, however the path is written.
status() { curl -sS --path-as-is -o /dev/null -w '%{http_code}' "$@"; }
if [ "$how" != platform ]; then
  for path in /internal/events /internal/dead-letters /INTERNAL/events /api/v1/auth/../../../internal/events \
    /api/v1/auth/%2e%2e/%2e%2e/%2e%2e/internal/events //internal/events /metrics; do
    [ "$(status -X POST "$base$path")" = 404 ] || die "$path is not 404 from outside"
  done
  say "nothing internal is reached from outside"
fi

# gone WANTED WHAT CURL-ARGUMENTS: until the request is refused so.
gone() {
  local wanted=$1 what=$2 began=$SECONDS
  shift 2
  until [ "$(status "$@")" = "$wanted" ]; do
    [ $((SECONDS - began)) -le "$remembered" ] || die "$what was not seen within $remembered s"
    sleep 0.2
  done
  say "$what: support answers $wanted after $((SECONDS - began)) s"
}

# Each has used its right in support a moment ago, so that it is remembered there.
admin=$(sign_in demo admin)
person() { echo "$base/api/users/$(demo "tenants.demo.users.$1.id")"; }
change() { ask 200 -X PATCH -H "authorization: Bearer $admin" -H 'if-match: *' -d "$2" "$(person "$1")" >/dev/null; }
tickets="$base/api/tickets"
leaver=$(sign_in demo customer2)
disabled=$(sign_in demo expert2)
demoted=$(sign_in demo manager)
first=$(ask 200 -H "authorization: Bearer $demoted" "$tickets?limit=1" | python3 -c 'import json, sys; print(json.load(sys.stdin)["items"][0]["id"])')
ask 200 -H "authorization: Bearer $leaver" "$tickets" >/dev/null
ask 200 -H "authorization: Bearer $disabled" "$tickets" >/dev/null
ask 200 -H "authorization: Bearer $demoted" "$tickets/$first" >/dev/null
ask 204 -X POST -H "authorization: Bearer $leaver" "$base/api/auth/logout" >/dev/null
elsewhere=$(sign_in demo expert)
ask 200 -H "authorization: Bearer $elsewhere" "$tickets" >/dev/null
ask 204 -X POST -H "authorization: Bearer $(sign_in demo expert)" "$base/api/auth/logout?all=true" >/dev/null
change expert2 '{"status": "disabled"}'
change manager '{"role": "customer"}'
gone 401 "a logout" -H "authorization: Bearer $leaver" "$tickets"
gone 401 "a logout from all devices" -H "authorization: Bearer $elsewhere" "$tickets"
gone 401 "a disabled person" -H "authorization: Bearer $disabled" "$tickets"
gone 404 "a lesser role" -H "authorization: Bearer $demoted" "$tickets/$first"

[ "${EXAMPLES:-8}" != 0 ] || exit 0
export EXCLUDE=
[ "$how" = platform ] || EXCLUDE='^/internal/'
TOKEN=$(demo tenants.demo.api_key) URL=$base EXAMPLES=${EXAMPLES:-8} infra/scripts/schemathesis.sh
if grep -E 'ERROR|panic' "$scratch/log" >&2; then
  die "the backend logged errors"
fi
