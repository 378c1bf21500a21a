#!/usr/bin/env bash
# On a server: brings what infra/server.env says (a new REVALENZ_VERSION, another setting) to the containers, without a
# request failing. Each function in turn gets a second container; when that says that it is ready, the first one is stopped,
# which lingers until the proxy has left it. One that does not get ready is removed again, and everything stays as it was.
#   server-roll.sh [docker compose's own options, such as --env-file server.env]
# Runs in the folder of compose.yaml.
set -euo pipefail

compose() { docker compose "${options[@]}" "$@"; }
say() { printf '%s\n' "$*" >&2; }
options=("$@")

# What may be there twice: whatever is made of our images and answers. The relay first: it brings an announcement to those who
# listen as it knows them. One that doesn't know a new kind of event yet would mark it as delivered, to nobody.
rolled=$(compose config --format json | jq -r '.services | to_entries | sort_by(.key != "relay")[]
  | select(.value.labels["revalenz.rolled"] == "true") | .key')

# ready CONTAINER: asked from inside, by the proxy's own wget.
ready() {
  local address
  address=$(docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$1")
  for _ in $(seq "${TRIES:-60}"); do
    compose exec -T caddy wget -q -T 2 -O /dev/null "http://$address:8080/readyz" && return
    sleep 0.5
  done
  return 1
}

# The database first. What serves knows nothing of the additions, and does not mind them.
case " $(compose config --services | tr '\n' ' ') " in
  *" migrate "*) compose up --detach --wait postgres && compose run --rm --no-deps -T migrate ;;
esac

for service in $rolled; do
  before=$(compose ps --quiet "$service")
  if [ -z "$before" ]; then
    compose up --detach --no-deps "$service"
    continue
  fi
  # shellcheck disable=SC2086 # one word a container
  running=$(set -- $before && echo $#)
  compose up --detach --no-deps --no-recreate --scale "$service=$((2 * running))" "$service"
  after=$(compose ps --quiet "$service" | grep -vxF "$before")
  for container in $after; do
    if ! ready "$container"; then
      docker logs --tail 20 "$container" >&2 || true
      # shellcheck disable=SC2086
      docker rm --force $after >/dev/null
      say "$service does not get ready; nothing of it was changed, what comes after it neither"
      exit 1
    fi
  done
  # shellcheck disable=SC2086
  docker stop $before >/dev/null && docker rm $before >/dev/null
  say "$service is new"
done

# The rest, which stands alone: what has not changed is not touched.
scales=()
for service in $rolled; do
  scales+=(--scale "$service=$(compose ps --quiet "$service" | wc -l)")
done
compose up --detach --remove-orphans "${scales[@]}"
