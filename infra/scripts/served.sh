#!/usr/bin/env bash
# Starts the whole platform as `make run` does, in a folder and on a port of its own, signs in, opens a ticket, then lets
# schemathesis try the document that it serves. Leaves nothing running.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

need_rust
# A database of its own, whatever the caller works with.
unset DATABASE_URL
cargo build --workspace --locked
scratch=$(mktemp -d)
export LOCAL_DIR="$scratch/local"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
base="http://127.0.0.1:$port"

PORT=$port RUST_LOG=warn "$(target_dir)/debug/platform" >"$scratch/log" 2>&1 &
platform=$!
finish() {
  kill "$platform" 2>/dev/null || true
  wait "$platform" 2>/dev/null || true
  stop_cluster postgres || true
  rm -rf "$scratch"
}
trap finish EXIT

for _ in $(seq 300); do
  curl -fsS -o /dev/null "$base/readyz" 2>/dev/null && [ -f "$LOCAL_DIR/demo.json" ] && break
  kill -0 "$platform" 2>/dev/null || { cat "$scratch/log" >&2; die "the platform ended"; }
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

TOKEN=$(demo tenants.demo.api_key) URL=$base EXAMPLES=${EXAMPLES:-8} infra/scripts/schemathesis.sh
if grep -E 'ERROR|panic' "$scratch/log" >&2; then
  die "the platform logged errors"
fi
