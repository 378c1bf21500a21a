#!/usr/bin/env bash
# What the images weigh, how soon they answer, and what they keep in memory (infra/scripts/images.sh makes them).
# BARE is a folder with the same programs: then they are started without a container, too. STARTS=5 of each, the middle counts.
set -euo pipefail
source "$(dirname "$0")/../scripts/lib.sh"

need_rust
command -v podman >/dev/null || die "podman is missing. Type: sudo apt-get install -y --no-install-recommends podman runc"
[ "$(id -u)" = 0 ] || die "Containers get folders of their own user: run it as root."
cargo build --workspace --locked
exec python3 infra/bench/images.py "$(target_dir)/debug"
