#!/usr/bin/env bash
# Writes every file that our own programs generate; with --check only compares, and fails if one is stale; with --list only
# prints their names.
# One line a file: where it lies | the program in target/debug and its arguments, which prints it.
# The document of each function is added below. .sqlx is not among them: prepare-sqlx.sh.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

# The registry first: it is compiled into the programs that print the others.
generated='
infra/registry.json             | platform registry
infra/manifest.json             | platform manifest
infra/compose.yaml              | platform compose
infra/caddy/Caddyfile           | platform caddyfile
infra/observability/prometheus.yml | platform prometheus
docs/openapi.json               | platform openapi
docs/permissions.md             | platform permissions
docs/problems.md                | platform problems
docs/events.md                  | platform events
docs/asyncapi.json              | platform asyncapi
docs/schema.md                  | platform schema
docs/data-map.md                | platform data-map
'

check=${1:-}
case "$check" in
  "" | --check | --list) ;;
  *) die "usage: generate.sh [--check | --list]" ;;
esac

need_rust
build
programs="$(target_dir)/debug"
for name in $("$programs/platform" functions); do
  generated+="functions/$name/openapi.json | platform openapi $name"$'\n'
done
if [ "$check" = --list ]; then
  printf '%s' "$generated" | sed 's/ *|.*//' | grep .
  exit
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

stale=0
while IFS='|' read -r file program; do
  file=$(echo "$file" | xargs)
  [ -n "$file" ] || continue
  read -ra words <<<"$program"
  "$programs/${words[0]}" "${words[@]:1}" >"$scratch/fresh"
  if [ -z "$check" ]; then
    mkdir -p "$(dirname "$file")"
    cmp -s "$scratch/fresh" "$file" && continue
    cp "$scratch/fresh" "$file"
    [ "$file" != infra/registry.json ] || build
  elif ! diff -u --label "$file" --label "$file (fresh)" "$file" "$scratch/fresh" >"$scratch/difference"; then
    head -n 40 "$scratch/difference" >&2
    say "$file is stale"
    stale=1
  fi
done <<<"$generated"

[ "$stale" = 0 ] || die "Renew the generated files: make prepare"
