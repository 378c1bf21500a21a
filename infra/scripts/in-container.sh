#!/usr/bin/env bash
# in-container.sh PROGRAM [ARGUMENT...]: runs the image of that name instead of the binary, with the settings of the environment.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

name=$(basename "$1")
shift
image="${REGISTRY:-localhost/revalenz}/$name:${TAG:-latest}"
# Same as x-function in infra/compose.yaml.
run=(
  run --rm --network host
  --read-only --user 65532:65532 --cap-drop all --security-opt no-new-privileges
  --memory 256m --pids-limit 200 --stop-timeout 12
)
# For machines where containers cannot raise limits or without systemd, such as a container that runs containers.
podman=(podman)
run+=(--ulimit "nofile=$(ulimit -Hn):$(ulimit -Hn)" --ulimit nproc=4096:4096)
[ -d /run/systemd/system ] || podman+=(--runtime runc --cgroup-manager cgroupfs)

# lend FOLDER: mounts it at the same path and changes its owner to the container's user.
lend() {
  mkdir -p "$1"
  chown -R 65532:65532 "$1"
  run+=(--volume "$1:$1")
}
[ -z "${REVALENZ_OBJECTS_FOLDER:-}" ] || lend "$REVALENZ_OBJECTS_FOLDER"
[ -z "${REVALENZ_MAIL_FOLDER:-}" ] || lend "$REVALENZ_MAIL_FOLDER"
# The pages show the demo accounts and captured mail.
if [ "$name" = platform ] && [ -f "$LOCAL_DIR/demo.json" ]; then
  chown 65532:65532 "$LOCAL_DIR/demo.json"
  lend "$LOCAL_DIR/outbox"
  run+=(--volume "$LOCAL_DIR/demo.json:$LOCAL_DIR/demo.json:ro")
fi
[ -z "${REVALENZ_MANIFEST:-}" ] || export REVALENZ_MANIFEST=/infra/manifest.json

# Passed through the environment, so that no secret appears in the process list.
for setting in PORT LOCAL_DIR PUBLIC_URL DATABASE_URL RUST_LOG $(compgen -v REVALENZ_); do
  [ -z "${!setting:-}" ] || run+=(--env "$setting")
done
exec "${podman[@]}" "${run[@]}" "$image" "$@"
