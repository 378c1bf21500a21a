#!/usr/bin/env bash
# Compiles every program once, statically, and puts each into an image of its own.
#   images.sh [NAME...]           images of these, or of all: functions, platform, migrate
# TAG (default latest), REGISTRY (default localhost/revalenz) name them; ENGINE is buildah, docker or podman, whichever is
# there. The same commit gives the same programs: paths of the machine are taken out, times are those of the commit.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

need_rust
machine=$(uname -m)
target="$machine-unknown-linux-musl"
rustup target list --installed 2>/dev/null | grep -qx "$target" || rustup target add "$target"
if ! command -v musl-gcc >/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing musl-tools"
    apt-get install -y --no-install-recommends musl-tools >/dev/null
  else
    die "musl-gcc is missing. Type: sudo apt-get install -y musl-tools"
  fi
fi

names=("$@")
if [ ${#names[@]} = 0 ]; then
  while read -r name; do names+=("$name"); done < <(jq -r '.functions[].name' infra/manifest.json)
  names+=(platform migrate)
fi

home=${CARGO_HOME:-$HOME/.cargo}
export CC_x86_64_unknown_linux_musl=musl-gcc CC_aarch64_unknown_linux_musl=musl-gcc SQLX_OFFLINE=true
export RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=$PWD=/revalenz --remap-path-prefix=$home=/cargo"
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
cargo build --profile image --target "$target" --workspace --bins --locked ${FEATURES:+--features "$FEATURES"}

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
for bundle in /etc/ssl/certs/ca-certificates.crt /etc/ssl/cert.pem; do
  [ -f "$bundle" ] && cp -L "$bundle" "$context/ca-certificates.crt" && break
done
[ -f "$context/ca-certificates.crt" ] || die "no certificates of authorities are on this machine. Type: sudo apt-get install -y ca-certificates"
cp infra/manifest.json "$context/"
mkdir "$context/objects"
for name in "${names[@]}"; do
  cp "$(target_dir)/$target/image/$name" "$context/"
done

engine=${ENGINE:-$(for one in buildah docker podman; do command -v "$one" >/dev/null && echo "$one" && break; done)}
for name in "${names[@]}"; do
  image="${REGISTRY:-localhost/revalenz}/$name:${TAG:-latest}"
  case "$engine" in
    # A build that starts no program needs no isolation, and works without privileges inside a container.
    buildah) buildah bud --quiet --isolation chroot --timestamp "$SOURCE_DATE_EPOCH" --build-arg "FUNCTION=$name" -t "$image" -f infra/Dockerfile "$context" >/dev/null ;;
    docker | podman) "$engine" build --quiet --build-arg "FUNCTION=$name" -t "$image" -f infra/Dockerfile "$context" >/dev/null ;;
    *) die "no engine for images is here. Type: sudo apt-get install -y buildah" ;;
  esac
  say "$(printf '%-40s %5.1f MB' "$image" "$(stat -c %s "$context/$name" | awk '{print $1 / 1e6}')")"
done
