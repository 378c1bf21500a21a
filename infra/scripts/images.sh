#!/usr/bin/env bash
# Compiles every binary once, statically, and builds an image for each.
#   images.sh [NAME...]           images of these, or of all: functions, platform, migrate
# TAG (default latest) and REGISTRY (default localhost/revalenz) name the images; ENGINE is buildah, docker or podman (default: the
# first one found). Builds are reproducible: paths of the machine are removed, times are those of the commit.
# FEATURES adds cargo features, such as relay/gcp,files/gcp. PROGRAMS is a folder with binaries to use instead of compiling.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

names=("$@")
if [ ${#names[@]} = 0 ]; then
  while read -r name; do names+=("$name"); done < <(jq -r '.functions[].name' infra/manifest.json)
  names+=(platform migrate)
fi

committed=$(git log -1 --format=%ct)

# Compiles into $1, without local paths in the binaries.
compile() {
  need_rust
  local target home=${CARGO_HOME:-$HOME/.cargo} feature name
  target="$(uname -m)-unknown-linux-musl"
  rustup target list --installed 2>/dev/null | grep -qx "$target" || rustup target add "$target"
  if ! command -v musl-gcc >/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
      say "installing musl-tools"
      apt-get install -y --no-install-recommends musl-tools >/dev/null
    else
      die "musl-gcc is missing. Run: sudo apt-get install -y musl-tools"
    fi
  fi
  # A constant time for C code: the commit's time would force a rebuild for each commit.
  export SOURCE_DATE_EPOCH=0
  export CC_x86_64_unknown_linux_musl=musl-gcc CC_aarch64_unknown_linux_musl=musl-gcc SQLX_OFFLINE=true
  export CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_LINKER=$PWD/infra/scripts/link-small.sh
  export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=$CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_LINKER
  export RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=$PWD=/revalenz --remap-path-prefix=$home=/cargo"
  local cargo=(cargo build --profile image --target "$target" --workspace --locked)
  "${cargo[@]}" --bins
  cp "${names[@]/#/$(target_dir)/$target/image/}" "$1"
  # Separately and last: cargo unifies features of packages that are built together, and some are heavy.
  local features=${FEATURES:-}
  for feature in ${features//,/ }; do
    name=${feature%%/*}
    "${cargo[@]}" --features "$feature" --bin "$name"
    cp "$(target_dir)/$target/image/$name" "$1"
  done
}

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
for bundle in /etc/ssl/certs/ca-certificates.crt /etc/ssl/cert.pem; do
  [ -f "$bundle" ] && cp -L "$bundle" "$context/ca-certificates.crt" && break
done
[ -f "$context/ca-certificates.crt" ] || die "no CA certificates found. Run: sudo apt-get install -y ca-certificates"
cp infra/manifest.json "$context/"
mkdir "$context/objects"
if [ -n "${PROGRAMS:-}" ]; then
  cp "${names[@]/#/$PROGRAMS/}" "$context"
else
  compile "$context"
fi
touch --date="@$committed" "$context"/*

engine=${ENGINE:-$(for one in buildah docker podman; do command -v "$one" >/dev/null && echo "$one" && break; done)}
for name in "${names[@]}"; do
  image="${REGISTRY:-localhost/revalenz}/$name:${TAG:-latest}"
  build=(--build-arg "FUNCTION=$name" -f infra/Dockerfile "$context")
  case "$engine" in
    # The build runs no program, so it needs no isolation and works unprivileged inside a container.
    buildah) buildah bud --quiet --isolation chroot --timestamp "$committed" -t "$image" "${build[@]}" >/dev/null ;;
    podman) podman build --quiet --timestamp "$committed" -t "$image" "${build[@]}" >/dev/null ;;
    # BuildKit (needed for COPY --chmod) takes the image's time from this argument; folders inside keep the build time.
    docker) DOCKER_BUILDKIT=1 docker build --quiet --build-arg "SOURCE_DATE_EPOCH=$committed" -t "$image" "${build[@]}" >/dev/null ;;
    *) die "no container engine found. Run: sudo apt-get install -y buildah" ;;
  esac
  say "$(printf '%-40s %5.1f MB' "$image" "$(stat -c %s "$context/$name" | awk '{print $1 / 1e6}')")"
done
