#!/usr/bin/env bash
# Like processes.sh, but runs each function in a container of its image (built by images.sh), restricted as in infra/compose.yaml:
# read-only, no capabilities, little memory. Caddy and PostgreSQL stay processes, and everything uses the host network, so the
# compose network is not tested here. TAG and REGISTRY as for images.sh.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

command -v podman >/dev/null || die "podman is missing. Run: sudo apt-get install -y --no-install-recommends podman runc"
[ "$(id -u)" = 0 ] || die "Run this as root: it changes the owner of the folders of files and mails to the user of the containers."
RUNNER=infra/scripts/in-container.sh exec infra/scripts/processes.sh
