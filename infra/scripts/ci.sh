#!/usr/bin/env bash
# Everything that must be green before a change lands, cheapest first; stops at the first failure.
# CI and a developer's laptop run the same script.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

times=()
current=

step() {
  current=$1
  shift
  printf '\n== %s\n' "$current"
  local began=$SECONDS
  "$@"
  times+=("$(printf '%5d s  %s' $((SECONDS - began)) "$current")")
  current=
}

finish() {
  local status=$?
  stop_cluster "$TEST_CLUSTER" || true
  printf '\n'
  [ ${#times[@]} -eq 0 ] || printf '%s\n' "${times[@]}"
  if [ -n "$current" ]; then
    printf 'failed: %s\n' "$current"
  elif [ "$status" = 0 ]; then
    printf '%5d s  in all\n' "$SECONDS"
  fi
}
trap finish EXIT

shell_scripts() {
  local shellcheck
  shellcheck=$(infra/scripts/tool.sh shellcheck)
  git ls-files -z --cached --others --exclude-standard -- '*.sh' .ci/run | xargs -0 "$shellcheck" --external-sources --source-path=SCRIPTDIR
}

# Advisories need a database that CI has no access to: Cloud Build asks for them.
dependencies() {
  "$(infra/scripts/tool.sh cargo-deny)" --locked check bans licenses sources
}

# That they parse, and that each sounds when it must and only then.
alarm_rules() {
  local promtool
  promtool=$(infra/scripts/tool.sh promtool)
  "$promtool" check config infra/observability/prometheus.yml
  "$promtool" test rules infra/observability/rules.test.yml
}

# The sum at the end: cargo prints one line for each of dozens of test programs.
tests() {
  local output
  output=$(mktemp)
  cargo test --workspace --locked 2>&1 | tee "$output"
  awk '/^test result:/ { passed += $4; failed += $6 } END { printf "\n%d passed, %d failed\n", passed, failed }' "$output"
  rm -f "$output"
}

# A test that can't have its tool passes without having looked: on a laptop, not here.
tools_of_tests() {
  local tool
  for tool in aiosmtpd chromium clamd moto_server tus-js-client; do
    infra/scripts/tool.sh "$tool" || die "$tool can't be had, and tests want it"
  done
}

google() {
  local -a own=(cargo test --locked -p relay -p blob -p files --features "relay/gcp,blob/gcp,files/gcp")
  "${own[@]}" --lib --test api --test contract -- pubsub gcs
}

need_rust
step "format" cargo fmt --all -- --check
step "shell scripts" shell_scripts
step "terraform" infra/scripts/terraform.sh light
step "roll-out" infra/scripts/gcp-deploy-test.sh
step "roll-out on a server" infra/scripts/server-roll-test.sh
step "migrations" infra/scripts/lint-migrations.sh
step "dependencies" dependencies
step "checked queries" infra/scripts/prepare-sqlx.sh --check
step "lints" cargo clippy --workspace --all-targets --locked -- -D warnings
step "generated files" infra/scripts/generate.sh --check
step "alarm rules" alarm_rules
step "served document" infra/scripts/served.sh
step "functions as processes" env EXAMPLES=2 infra/scripts/served.sh processes
step "functions on Lambda" infra/scripts/lambda-walk.sh
# A small share; `make chaos` is all of it.
step "killed under load" env SHARE=4 infra/bench/chaos.sh
step "a large file" env SHARE=5 infra/bench/files.sh
step "killed under load, over RabbitMQ" env BUS=rabbitmq AWAY=5 SHARE=4 infra/bench/chaos.sh
step "tools of tests" tools_of_tests
step "tests" tests
# The one place where the crates of Google are compiled: once for both of its services.
step "Pub/Sub and Cloud Storage" google
