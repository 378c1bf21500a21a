#!/usr/bin/env bash
# Adds a small function to a copy of the repository, as docs/adding-a-function.md describes, and tests it there.
# Fails if that takes more than four places outside the function's folder. Prints lines and seconds.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

need_rust
checkout=$PWD
template=$PWD/infra/scripts/new-function
CARGO_TARGET_DIR=$(target_dir)
export CARGO_TARGET_DIR
nextest=$(infra/scripts/tool.sh cargo-nextest)
copy=$(mktemp -d)
# Cargo takes what was built in the copy for this checkout's own, which has the same paths below its root.
finish() {
  cd "$checkout"
  rm -rf "$copy"
  cargo clean --workspace --quiet
}
trap finish EXIT
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
  if [ -e "$file" ]; then printf '%s\0' "$file"; fi
done | tar --create --null --files-from=- | tar --extract --directory="$copy"
cd "$copy"
git init -q
git add -A
git -c user.name=test -c user.email=test@example.org commit -q -m before

# The folder, then the four places.
cp -r "$template/shelf" functions/
cp "$template"/*.sql migrations/
sed -i 's|^relay = { path = "functions/relay" }|&\nshelf = { path = "functions/shelf" }|' Cargo.toml
sed -i 's|^sqlx.workspace = true|shelf.workspace = true\n&|' functions/platform/Cargo.toml
sed -i 's|^    &relay::CONTEXT,|&\n    \&shelf::CONTEXT,|' functions/platform/src/functions.rs
sed -i 's#^| \[relay\].*#&\n| [shelf](functions/shelf/README.md) | books | /books |#' README.md
by_hand=$(git status --porcelain --untracked-files=all | sed 's/^...//' | grep -v '^functions/shelf/')

began=$SECONDS
cargo metadata --format-version 1 --offline >/dev/null
infra/scripts/prepare-sqlx.sh
infra/scripts/generate.sh
infra/scripts/generate.sh --check
"$nextest" nextest run --workspace --locked ${FEATURES:+--features "$FEATURES"} -E 'package(shelf) | package(platform)'

# Everything else that changed was generated.
generated=$(infra/scripts/generate.sh --list)
others=$(git status --porcelain --untracked-files=all | sed 's/^...//' | grep -vE '^(functions/shelf/|\.sqlx/|Cargo\.lock$)' |
  grep -vxF "$generated" | grep -vxF "$by_hand" || true)
[ -z "$others" ] || die "changed without being generated: $others"
# The platform's list and its manifest are one place: the second only names the crate of the first.
places=$(printf '%s\n' "$by_hand" | sed 's|^functions/platform/.*|functions/platform|' | sort -u)
say "places edited by hand outside functions/shelf:" "$places"
[ "$(wc -l <<<"$places")" -le 4 ] || die "A function must need at most four places"
lines=$(cat functions/shelf/src/*.rs | wc -l)
say "$lines lines in src; generated and tested in $((SECONDS - began)) s"
