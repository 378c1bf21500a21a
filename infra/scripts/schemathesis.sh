#!/usr/bin/env bash
# Property tests of a backend that runs already (make run), generated from the OpenAPI document it serves.
# URL, TOKEN (a bearer token), SEED, EXAMPLES and EXCLUDE choose; by default the same cases every time.
# Only ever against this machine: it sends thousands of malformed requests.
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
  # A schema can't say that texts are trimmed before they are measured, or that a category must be the tenant's: some valid
  # documents are refused with 422, as documented.
  --exclude-checks positive_data_acceptance
)
# Paths of the document that this address does not serve: a regular expression.
if [ -n "${EXCLUDE:-}" ]; then
  arguments+=(--exclude-path-regex "$EXCLUDE")
fi
if [ -n "${TOKEN:-}" ]; then
  arguments+=(--header "Authorization: Bearer $TOKEN")
fi
schemathesis=$(infra/scripts/tool.sh schemathesis)
# It remembers examples in the folder it runs in.
mkdir -p "$LOCAL_DIR/schemathesis"
cd "$LOCAL_DIR/schemathesis"
exec "$schemathesis" "${arguments[@]}"
