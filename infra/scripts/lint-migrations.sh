#!/usr/bin/env bash
# Checks that migrations are safe beside the running release: names, the introduction of each file, and squawk's rules
# (no rewrite or scan under an exclusive lock, constraints NOT VALID first, indexes on existing tables concurrently).
# To disable a rule for the next statement, give the reason in the line above:
#   -- The release before last stopped reading it.
#   -- squawk-ignore ban-drop-column
set -euo pipefail
source "$(dirname "$0")/lib.sh"

shopt -s nullglob
failed=0
seen=
in_transaction=()
alone=()

complain() {
  say "$1"
  failed=1
}

for file in migrations/*.sql; do
  name=$(basename "$file")
  if ! [[ $name =~ ^[0-9]{14}_[a-z]+__[a-z0-9_]+\.sql$ ]]; then
    complain "$file: the name must be YYYYMMDDHHMMSS_<context>__<what>.sql, lower-case"
  fi
  version=${name%%_*}
  if [ "$version" = "$seen" ]; then
    complain "$file: another migration has the same time; each version must be its own"
  fi
  seen=$version

  # sqlx runs a file outside a transaction if this is its first line.
  lines=$(head -n 2 "$file")
  paragraph=${lines%%$'\n'*}
  if [ "$paragraph" = "-- no-transaction" ]; then
    alone+=("$file")
    paragraph=${lines#*$'\n'}
  else
    in_transaction+=("$file")
  fi
  if ! [[ $paragraph =~ ^--\ [A-Za-z] ]]; then
    complain "$file: begins with a paragraph of comment: why, what is not stored, what happens to existing rows"
  fi
done

if [ ${#in_transaction[@]} -gt 0 ] || [ ${#alone[@]} -gt 0 ]; then
  squawk=$(infra/scripts/tool.sh squawk)
  if [ ${#in_transaction[@]} -gt 0 ]; then
    "$squawk" --config infra/squawk.toml --assume-in-transaction "${in_transaction[@]}" || failed=1
  fi
  if [ ${#alone[@]} -gt 0 ]; then
    "$squawk" --config infra/squawk.toml --no-assume-in-transaction "${alone[@]}" || failed=1
  fi
fi
exit "$failed"
