#!/usr/bin/env bash
# What processes.sh does, with each function in a container of its image (images.sh makes them), as restricted as in
# infra/compose.yaml: nothing to write on, no rights, little memory. Caddy and PostgreSQL stay processes, and all share the
# network of this machine: what one compose network does is the one thing that is not tried here.
# TAG and REGISTRY as for images.sh.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

command -v podman >/dev/null || die "podman is missing. Type: sudo apt-get install -y --no-install-recommends podman runc"
[ "$(id -u)" = 0 ] || die "The folders of files and mails are given to the user of the containers: run it as root."
RUNNER=infra/scripts/in-container.sh exec infra/scripts/processes.sh
