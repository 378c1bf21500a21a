#!/usr/bin/env bash
# Property tests of a running backend (make run), generated from its OpenAPI document.
# Set URL, TOKEN (a bearer token), SEED, EXAMPLES and EXCLUDE as needed; by default the cases are the same every time.
# Runs only against this machine, because it sends thousands of malformed requests.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

url=${URL:-http://127.0.0.1:8080}
case "$url" in
  http://127.0.0.1:* | http://localhost:*) ;;
  *) die "$url is not on this machine" ;;
esac

arguments=(
  run "$url/api/openapi.json" --generation-deterministic --seed "${SEED:-1}" --max-examples "${EXAMPLES:-25}"
  --workers 1 --request-timeout 10
  # A schema cannot express that texts are trimmed before their length is checked, or that a category must exist in the tenant: some
  # valid documents get 422, as documented.
  --exclude-checks positive_data_acceptance
)
# Paths of the document that this address does not serve, as a regular expression.
if [ -n "${EXCLUDE:-}" ]; then
  arguments+=(--exclude-path-regex "$EXCLUDE")
fi
if [ -n "${TOKEN:-}" ]; then
  arguments+=(--header "Authorization: Bearer $TOKEN")
fi
schemathesis=$(infra/scripts/tool.sh schemathesis)
config=$PWD/infra/schemathesis.toml
# It stores examples in its working directory.
mkdir -p "$LOCAL_DIR/schemathesis"
cd "$LOCAL_DIR/schemathesis"
exec "$schemathesis" --config-file "$config" "${arguments[@]}"
