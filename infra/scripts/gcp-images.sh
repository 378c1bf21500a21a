#!/usr/bin/env bash
# Pushes the images of all functions in the manifest and of the migrations, built by infra/scripts/images.sh, and writes their
# digests to IMAGES. Later steps use only digests, because a tag can be moved.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

: "${REGISTRY:?host/project/repository}" "${TAG:?a tag that was never given}" "${IMAGES:?the file to write}"

# The builder's image has neither jq nor python: names are on lines of their own, indented by two levels.
functions=$(sed -n '/^  "functions": \[/,/^  \]/s/^      "name": "\([a-z0-9]*\)",$/\1/p' infra/manifest.json)
[ -n "$functions" ] || die "infra/manifest.json lists no functions"

: >"$IMAGES.new"
for function in $functions migrate; do
  image=$REGISTRY/$function:$TAG
  docker push --quiet "$image" >/dev/null
  digest=$(docker inspect --format '{{index .RepoDigests 0}}' "$image")
  printf '%s %s\n' "$function" "$digest" >>"$IMAGES.new"
  say "$function: $digest"
done
mv "$IMAGES.new" "$IMAGES"
