#!/usr/bin/env bash
# gcp-deploy.sh migrate     runs the migrations of the new image
# gcp-deploy.sh deploy      creates new revisions of all functions without traffic, checks that each is ready, then moves the
#                           traffic of one function after the other; moves everything back on the first failure
# gcp-deploy.sh roll-back FUNCTION REVISION    moves all traffic of one function to an existing revision
#
# Called by the pipeline (cloudbuild.yaml) or an operator. PROJECT PROJECT_NUMBER REGION PREFIX select the target; IMAGES is a file
# with a line `<function> <image@sha256:...>` for each function and one for `migrate`.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

: "${PROJECT:?the id of the project}" "${REGION:?where it runs}" "${PREFIX:?what every name begins with}"
command -v gcloud >/dev/null || die "gcloud is missing"

cloud_run() { gcloud run "$@" --project "$PROJECT" --region "$REGION" --quiet; }

image_of() { awk -v name="$1" '$1 == name { print $2 }' "${IMAGES:?a file with a line for each image}"; }
# The relay first: it delivers events to the subscriptions it knows. An old relay would mark a new event type as delivered without
# delivering it.
functions() {
  awk '$1 == "relay" { print $1 }' "${IMAGES:?a file with a line for each image}"
  awk '$1 != "migrate" && $1 != "relay" { print $1 }' "$IMAGES"
}

# Digests only: a tag can be moved to an image that was not tested.
by_digest() {
  local image
  image=$(image_of "$1")
  [[ "$image" =~ @sha256:[0-9a-f]{64}$ ]] || die "$1 has no image by digest"
  echo "$image"
}

# ready FUNCTION [TAG]: checks readiness, including database and migrations, from the private network, the only one with access.
ready() {
  local host="$PREFIX-$1-${PROJECT_NUMBER:?the number of the project}.$REGION.run.app"
  cloud_run jobs execute "$PREFIX-smoke" --wait \
    --args="--fail,--silent,--show-error,--retry,5,--retry-all-errors,--max-time,15,https://${2:+$2---}$host/readyz" >/dev/null
}

# Prints the current traffic in the format of update-traffic.
traffic() {
  cloud_run services describe "$PREFIX-$1" --format json |
    python3 -c 'import json, sys
print(",".join("%s=%d" % (one["revisionName"], one["percent"]) for one in json.load(sys.stdin)["status"]["traffic"] if one.get("percent")))'
}

shift_to() { cloud_run services update-traffic "$PREFIX-$1" --to-revisions "$2" >/dev/null; }

migrate() {
  local image
  image=$(by_digest migrate)
  cloud_run jobs update "$PREFIX-migrate" --image "$image" >/dev/null
  cloud_run jobs execute "$PREFIX-migrate" --wait >/dev/null || die "the migrations failed; nothing was deployed (logs of the job $PREFIX-migrate)"
  say "migrated"
}

# Moves everything back, the last first. Reports failures and continues with the others.
back() {
  local index
  for ((index = ${#moved[@]} - 1; index >= 0; index--)); do
    if shift_to "${moved[index]%% *}" "${moved[index]#* }"; then
      say "${moved[index]%% *}: back to ${moved[index]#* }"
    else
      say "${moved[index]%% *}: NOT MOVED BACK. By hand: gcp-deploy.sh roll-back ${moved[index]%%=*}"
    fi
  done
}

deploy() {
  local function image revision before
  # Check all names before anything changes.
  for function in $(functions); do
    by_digest "$function" >/dev/null
  done
  fresh=()
  for function in $(functions); do
    image=$(image_of "$function")
    cloud_run services update "$PREFIX-$function" --image "$image" --no-traffic --tag next >/dev/null || die "$function: the new revision does not start; no traffic was moved"
    revision=$(cloud_run services describe "$PREFIX-$function" --format 'value(status.latestCreatedRevisionName)')
    ready "$function" next || die "$function: $revision is not ready; no traffic was moved"
    fresh+=("$function $revision")
    say "$function: $revision is ready"
  done
  moved=()
  for one in "${fresh[@]}"; do
    function=${one%% *}
    revision=${one#* }
    before=$(traffic "$function")
    [ "$before" != "$revision=100" ] || continue
    moved+=("$function $before")
    if ! shift_to "$function" "$revision=100" || ! ready "$function"; then
      say "$function: $revision fails under traffic"
      back
      exit 1
    fi
    say "$function: $revision serves, replacing $before"
  done
}

case "${1:-}" in
  migrate) migrate ;;
  deploy) deploy ;;
  roll-back)
    [ $# = 3 ] || die "usage: gcp-deploy.sh roll-back FUNCTION REVISION"
    shift_to "$2" "$3=100"
    say "$2: $3 serves"
    ;;
  *) die "usage: gcp-deploy.sh migrate|deploy|roll-back" ;;
esac
