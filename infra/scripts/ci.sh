#!/usr/bin/env bash
# ci.sh [landing|full|list|STEP...]: checks the code base, cheapest first; stops at the first failure.
#   landing  what every change must pass (make ci)
#   full     the same and the long proofs: required before a deployment (make ci-full, cloudbuild.yaml)
#   STEP     one or more steps by name
#   list     names the steps
# WITHOUT="STEP ..." leaves steps out where another place runs them.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

# One selection of features for every build, test and program: with Google's services.
export FEATURES=${FEATURES:-relay/gcp,blob/gcp,files/gcp}

# tier | name | what it shows. A long proof is in `full` because it takes minutes, or because a smaller test in `landing` finds
# most of what it finds.
steps='
landing | format        | Rust code is formatted
landing | shell         | shellcheck passes on every script
landing | vocabulary    | no retired word, no import cycle, imperative operation summaries
landing | migrations    | squawk passes; landed migrations are unchanged
landing | dependencies  | cargo-deny: bans, licenses, sources
landing | build         | programs and tests compile
landing | lints         | clippy without warnings; .sqlx matches queries and migrations; the default features compile
landing | generated     | generated files are fresh
landing | tools         | the programs that tests start are installed
landing | tests         | every test
landing | served        | the platform serves its document; a few generated requests for each operation
landing | processes     | sign-in, ticket and revocation with each function in a process of its own
full    | google-lints  | clippy on the code behind the features of Google
full    | openapi       | the OpenAPI document passes the recommended rules of Spectral and Redocly
full    | asyncapi      | the document of events passes the published validator
full    | new-function  | a function is added in four places, and works
full    | terraform     | both clouds against stand-ins of the providers
full    | roll-out      | the roll-out on Google Cloud against a stand-in of gcloud
full    | server-roll-out | the roll-out on a server
full    | alarm-rules   | Prometheus rules fire when they must
full    | schemathesis  | more generated requests for each operation
full    | schemathesis-processes | the same with functions as processes
full    | lambda        | functions on AWS Lambda, in the runtime stand-in
full    | chaos         | the platform is killed under load; nothing is lost or doubled
full    | chaos-rabbitmq | the same over RabbitMQ
full    | large-file    | uploads and downloads with flat memory
'

run_format() { cargo fmt --all -- --check; }

run_shell() {
  local shellcheck
  shellcheck=$(infra/scripts/tool.sh shellcheck)
  git ls-files -z --cached --others --exclude-standard -- '*.sh' .ci/run | xargs -0 "$shellcheck" --external-sources --source-path=SCRIPTDIR
}

run_vocabulary() {
  infra/scripts/words.sh
  python3 infra/scripts/import-cycles.py
}

run_migrations() { infra/scripts/lint-migrations.sh; }

# Advisories need a database that CI has no access to: Cloud Build asks for them.
run_dependencies() { "$(infra/scripts/tool.sh cargo-deny)" --locked check bans licenses sources; }

run_build() {
  build
  "$(infra/scripts/tool.sh cargo-nextest)" nextest run --workspace --locked --features "$FEATURES" --no-run
}

run_lints() { infra/scripts/prepare-sqlx.sh --check; }

run_generated() { infra/scripts/generate.sh --check; }

# A test whose tool is missing passes without a result: on a laptop, not here.
run_tools() {
  local tool
  for tool in aiosmtpd chromium clamd moto_server rabbitmq-server tus-js-client; do
    infra/scripts/tool.sh "$tool" >/dev/null || die "$tool is not available, and tests need it"
  done
}

# An example in a crate that runs none would prove nothing.
examples_run() {
  local crate
  grep -lx 'doctest = false' functions/*/Cargo.toml shared/*/Cargo.toml | while read -r crate; do
    ! grep -rnE '^\s*//[/!] ```(rust)?$' "$(dirname "$crate")/src" || die "$crate has doctest = false"
  done
}

# The closing line adds up tests and documentation examples.
run_tests() {
  local output status=0
  examples_run
  output=$(mktemp)
  { infra/scripts/test.sh && cargo test --doc --workspace --locked --features "$FEATURES"; } 2>&1 | tee "$output" || status=$?
  awk '
    / tests? run: / { for (i = 1; i < NF; i++) { if ($(i + 1) ~ /^passed/) passed += $i; if ($(i + 1) ~ /^(failed|timed)/) failed += $i } }
    /^test result:/ { passed += $4; failed += $6 }
    END { printf "\n%d passed, %d failed\n", passed, failed }' "$output" | tee "$LOCAL_DIR/tests-summary"
  rm -f "$output"
  return "$status"
}

run_served() { EXAMPLES=1 infra/scripts/served.sh; }
run_processes() { EXAMPLES=0 infra/scripts/served.sh processes; }

run_google-lints() { cargo clippy --workspace --all-targets --locked --features "$FEATURES" -- -D warnings; }
run_openapi() { infra/scripts/openapi.sh; }
run_asyncapi() { infra/scripts/asyncapi.sh; }
run_terraform() { infra/scripts/terraform.sh light; }
run_roll-out() { infra/scripts/gcp-deploy-test.sh; }
run_server-roll-out() { infra/scripts/server-roll-test.sh; }

run_alarm-rules() {
  local promtool
  promtool=$(infra/scripts/tool.sh promtool)
  "$promtool" check config infra/observability/prometheus.yml
  "$promtool" test rules infra/observability/rules.test.yml
}

run_schemathesis() { EXAMPLES=8 infra/scripts/served.sh; }
run_schemathesis-processes() { EXAMPLES=2 infra/scripts/served.sh processes; }
run_new-function() { infra/scripts/new-function.sh; }

run_lambda() { infra/scripts/lambda-walk.sh; }
# A small share; `make chaos` is all of it.
run_chaos() { SHARE=4 infra/bench/chaos.sh; }
run_chaos-rabbitmq() { BUS=rabbitmq AWAY=5 SHARE=4 infra/bench/chaos.sh; }
run_large-file() { SHARE=5 infra/bench/files.sh; }

# names [TIER]: the steps of a tier, or all.
names() { awk -F '|' -v tier="${1:-}" 'NF == 3 { gsub(/ /, "", $1); gsub(/ /, "", $2); if (tier == "" || $1 == tier) print $2 }' <<<"$steps"; }

times=()
current=
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
  # The line that a caller reads last.
  [ ! -s "$LOCAL_DIR/tests-summary" ] || cat "$LOCAL_DIR/tests-summary"
}

case "${1:-landing}" in
  list)
    printf '%s' "$steps"
    exit
    ;;
  landing) read -r -d '' -a chosen < <(names landing) || true ;;
  full) read -r -d '' -a chosen < <(names) || true ;;
  *) chosen=("$@") ;;
esac

for name in "${chosen[@]}"; do
  declare -F "run_$name" >/dev/null || die "$name is not a step; infra/scripts/ci.sh list names them"
done
need_rust
mkdir -p "$LOCAL_DIR"
rm -f "$LOCAL_DIR/tests-summary"
trap finish EXIT
for name in "${chosen[@]}"; do
  [[ " ${WITHOUT:-} " != *" $name "* ]] || continue
  current=$name
  printf '\n== %s\n' "$name"
  began=$SECONDS
  "run_$name"
  times+=("$(printf '%5d s  %s' $((SECONDS - began)) "$name")")
  current=
done
