# What the scripts share. Sourced, never run: `source "$(dirname "$0")/lib.sh"`.
# shellcheck shell=bash

# Every script works from the root of the repository, wherever it was called.
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

# Absolute, because tests run in the folder of their crate.
LOCAL_DIR=${LOCAL_DIR:-.local}
case "$LOCAL_DIR" in
  /*) ;;
  *) LOCAL_DIR=$PWD/$LOCAL_DIR ;;
esac
export LOCAL_DIR

# The cluster of tests and generated files (the testkit says the same name); `make run` has its own.
# shellcheck disable=SC2034
TEST_CLUSTER=test-postgres

say() { printf '%s\n' "$*" >&2; }

die() {
  say "$*"
  exit 1
}

need_rust() {
  command -v cargo >/dev/null ||
    die "Rust is missing. Install rustup (macOS: brew install rustup; elsewhere: your package manager, or https://rustup.rs), open a new terminal, then try again."
  command -v cc >/dev/null ||
    die "A C compiler is missing. Type: $([ "$(uname)" = Darwin ] && echo 'xcode-select --install' || echo 'sudo apt-get install -y build-essential')"
}

# Where cargo puts what it builds: CARGO_TARGET_DIR, a setting of the user, or ./target.
target_dir() {
  cargo metadata --format-version 1 --no-deps --offline | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'
}

# build [ARGUMENT...]: builds the workspace. Always all of it: another selection of packages unifies features differently and
# builds every dependency again. FEATURES adds some (ci.sh: Google's services).
build() {
  cargo build --workspace --locked ${FEATURES:+--features "$FEATURES"} "$@"
}

# The programs of the database.
build_database_tools() { build --bin local-postgres --bin migrate; }

local_postgres() { "$(target_dir)/debug/local-postgres" "$@" --local-dir "$LOCAL_DIR"; }

# Stops one cluster; quietly does nothing when there is none or nothing was built yet.
stop_cluster() {
  local program
  program="$(target_dir)/debug/local-postgres"
  if [ -x "$program" ] && [ -d "$LOCAL_DIR" ]; then
    "$program" stop --local-dir "$LOCAL_DIR" --name "$1"
  fi
}
