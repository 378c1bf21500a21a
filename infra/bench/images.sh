#!/usr/bin/env bash
# Measures size, start-up time and memory of the images built by infra/scripts/images.sh.
# BARE is a folder with the same binaries, to measure them without a container, too. Median of STARTS=5 starts each.
set -euo pipefail
source "$(dirname "$0")/../scripts/lib.sh"

need_rust
command -v podman >/dev/null || die "podman is missing. Run: sudo apt-get install -y --no-install-recommends podman runc"
[ "$(id -u)" = 0 ] || die "Run this as root: it changes the owner of folders to the user of the containers."
build
exec python3 infra/bench/images.py "$(target_dir)/debug"
