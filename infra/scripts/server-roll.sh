#!/usr/bin/env bash
# On a server: applies changes in infra/server.env (a new REVALENZ_VERSION, another setting) without failing a request. For each
# function in turn, starts a second container, waits until it is ready, and stops the first, which keeps answering until the proxy
# no longer uses it. A container that does not become ready is removed again.
#   server-roll.sh [options of docker compose, such as --env-file server.env]
# Runs in the folder of compose.yaml.
set -euo pipefail

compose() { docker compose "${options[@]}" "$@"; }
say() { printf '%s\n' "$*" >&2; }
options=("$@")

# Services that may run twice: those of our images that answer requests. The relay first: it delivers events to the subscriptions it
# knows. An old relay would mark a new event type as delivered without delivering it.
rolled=$(compose config --format json | jq -r '.services | to_entries | sort_by(.key != "relay")[]
  | select(.value.labels["revalenz.rolled"] == "true") | .key')

# ready CONTAINER: checks readiness from inside the network, with the proxy's wget.
ready() {
  local address
  address=$(docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$1")
  for _ in $(seq "${TRIES:-60}"); do
    compose exec -T caddy wget -q -T 2 -O /dev/null "http://$address:8080/readyz" && return
    sleep 0.5
  done
  return 1
}

# Migrate first: running functions ignore what a migration adds.
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
      say "$service does not become ready; it and the services after it are unchanged"
      exit 1
    fi
  done
  # shellcheck disable=SC2086
  docker stop $before >/dev/null && docker rm $before >/dev/null
  say "$service is new"
done

# All other services; unchanged ones are not restarted.
scales=()
for service in $rolled; do
  scales+=(--scale "$service=$(compose ps --quiet "$service" | wc -l)")
done
compose up --detach --remove-orphans "${scales[@]}"
