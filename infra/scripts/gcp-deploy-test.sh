#!/usr/bin/env bash
# Tests gcp-deploy.sh with a fake gcloud that keeps traffic in files: a successful roll-out, a new revision that is not ready, one
# that fails under traffic, a failing migration, an image without a digest.
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
cat >"$scratch/bin/gcloud" <<'PRETEND'
#!/usr/bin/env bash
# serves/<service>: the serving revision. BAD: part of a URL whose check fails. calls: all calls.
set -eu
printf '%s\n' "$*" >>"$FAKE_STATE/calls"
case "$2 $3" in
  "jobs update") ;;
  "jobs execute")
    [ "$4" != "${BAD_JOB:-}" ] || exit 1
    case "$*" in *"${BAD:-nothing}"*) exit 1 ;; esac
    ;;
  "services update") echo "$4-new" >"$FAKE_STATE/created/$4" ;;
  "services describe")
    case "$*" in
      *latestCreatedRevisionName*) cat "$FAKE_STATE/created/$4" ;;
      *) printf '{"status": {"traffic": [{"revisionName": "%s", "percent": 100}, {"revisionName": "x", "tag": "next"}]}}' "$(cat "$FAKE_STATE/serves/$4")" ;;
    esac
    ;;
  "services update-traffic") echo "${6%=100}" >"$FAKE_STATE/serves/$4" ;;
  *) exit 9 ;;
esac
PRETEND
chmod +x "$scratch/bin/gcloud"
digest=sha256:$(printf '0%.0s' {1..64})

# Starts with a, b and the relay serving their first revisions.
world() {
  rm -rf "${scratch:?}/home"
  mkdir -p "$scratch/home/serves" "$scratch/home/created"
  for name in a b relay; do echo "p-$name-old" >"$scratch/home/serves/p-$name"; done
  printf '%s i/%s@%s\n' a a "$digest" b b "$digest" relay relay "$digest" migrate migrate "$digest" >"$scratch/images"
}
run() {
  env FAKE_STATE="$scratch/home" PATH="$scratch/bin:$PATH" PROJECT=p PROJECT_NUMBER=7 REGION=r PREFIX=p IMAGES="$scratch/images" "$@" 2>>"$scratch/log"
}
serves() { cat "$scratch/home/serves/p-$1"; }
expect() { [ "$2" = "$3" ] || die "$1: $2 instead of $3"; }

world
run infra/scripts/gcp-deploy.sh migrate
run infra/scripts/gcp-deploy.sh deploy
expect "a roll-out" "$(serves a) $(serves b)" "p-a-new p-b-new"
expect "asked before traffic" "$(grep -c 'next---p-.*-7.r.run.app/readyz' "$scratch/home/calls")" 3
expect "the relay first" "$(sed -n 's/.*update-traffic p-\([a-z]*\) .*/\1/p' "$scratch/home/calls" | tr '\n' ' ')" "relay a b "

world
if BAD=next---p-b run infra/scripts/gcp-deploy.sh deploy; then die "a revision that is not ready was rolled out"; fi
expect "not ready" "$(serves a) $(serves b)" "p-a-old p-b-old"

world
if BAD=https://p-b run infra/scripts/gcp-deploy.sh deploy; then die "a revision that failed under traffic kept its traffic"; fi
expect "not well under traffic" "$(serves a) $(serves b) $(serves relay)" "p-a-old p-b-old p-relay-old"

world
if BAD_JOB=p-migrate run infra/scripts/gcp-deploy.sh migrate; then die "a failed migration passed"; fi
expect "a failed migration" "$(serves a) $(serves b)" "p-a-old p-b-old"

world
sed 's/^b .*/b i\/b:latest/' "$scratch/images" >"$scratch/images.new" && mv "$scratch/images.new" "$scratch/images"
if run infra/scripts/gcp-deploy.sh deploy; then die "an image without a digest was deployed"; fi
expect "without a digest nothing is touched" "$(cat "$scratch/home/calls" 2>/dev/null)" ""

world
run infra/scripts/gcp-deploy.sh roll-back a p-a-older
expect "back by hand" "$(serves a)" p-a-older
say "gcp-deploy.sh: 6 scenarios passed"
