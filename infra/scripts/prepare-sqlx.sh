#!/usr/bin/env bash
# Writes .sqlx: what PostgreSQL says about every checked query, so that builds need no database.
# With --check only compares, and fails if they differ or clippy warns.
#
# The query macros write these files themselves when they are compiled with a database (sqlx-cli does nothing else).
# Cargo does not know that they depend on the database, so the crates with queries are touched first.
# The db crate has no checked queries: its programs make the database that the others are checked against.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

check=${1:-}
case "$check" in
  "" | --check) ;;
  *) die "usage: prepare-sqlx.sh [--check]" ;;
esac

need_rust
scratch=$(mktemp -d)
touched=()

# A mere check puts the times back, so that the next build does not compile everything again.
finish() {
  # The count first: bash before 4.4 (macOS) calls an empty array unset.
  if [ -n "$check" ] && [ ${#touched[@]} -gt 0 ]; then
    for index in "${!touched[@]}"; do
      touch -r "$scratch/time.$index" "${touched[$index]}"
    done
  fi
  rm -rf "$scratch"
}
trap finish EXIT

build_database_tools
url=$(local_postgres fresh --name "$TEST_CLUSTER" --disposable --database prepare_sqlx)
DATABASE_URL=$url "$(target_dir)/debug/migrate"

# The roots of all targets of all crates that contain a query macro.
shopt -s nullglob
macros='\bquery(_as|_scalar|_file|_file_as|_file_scalar)?(_unchecked)?!'
while read -r crate; do
  for root in "$crate"/src/{lib,main}.rs "$crate"/src/bin/*.rs "$crate"/{tests,benches,examples}/{*,*/main}.rs; do
    if [ -f "$root" ]; then
      touch -r "$root" "$scratch/time.${#touched[@]}"
      touched+=("$root")
      touch "$root"
    fi
  done
done < <({ grep -rlE --include='*.rs' "$macros" functions shared || true; } | cut -d/ -f1,2 | sort -u)

mkdir "$scratch/sqlx"
# Clippy rather than check: one pass compiles, lints and describes the queries. Without FEATURES, which shows that the default
# set compiles.
SQLX_OFFLINE=false DATABASE_URL=$url SQLX_OFFLINE_DIR="$scratch/sqlx" \
  cargo clippy --workspace --all-targets --locked -- ${check:+-D warnings}

if [ -n "$check" ]; then
  if ! diff -rN .sqlx "$scratch/sqlx" >"$scratch/difference"; then
    head -n 60 "$scratch/difference" >&2
    die ".sqlx does not say what the queries and migrations say. Renew it: make prepare"
  fi
else
  rm -rf .sqlx
  mv "$scratch/sqlx" .sqlx
  say ".sqlx holds $(find .sqlx -name 'query-*.json' | wc -l | tr -d ' ') queries"
fi
