#!/usr/bin/env bash
# terraform.sh light         format, tests of the logic without providers, and both clouds against mock providers (CI)
# terraform.sh real          the same against the real providers, and checkov; fails if a provider is unavailable
# terraform.sh plans         renews docs/plan-staging-<cloud>.txt: plans without an account, against the mock providers
#
# A mock provider (terraform/schemas) has the schema of the real one, extracted from published packages. Terraform checks every
# argument, type, block and reference against it; it does not know what the real provider rejects beyond types.
# Everything runs in a copy, so that no locks or plugins end up in the checkout.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

# Provider versions used by the checks; terraform/*/versions.tf also allows newer compatible ones.
google_version=8.7.0
hcloud_version=1.68.0
# Their modules on the Go module proxy, with checksums, because the checksum database has neither; their own go.sum pins the rest.
# Go does not accept Google's version tags since the second major version, but accepts commits; this one is 8.0.0.
google_module=github.com/hashicorp/terraform-provider-google@v1.20.1-0.20260828184646-f3721fb45fa3
google_sum=h1:2onI4HYzwHTtekjeWin7ZrO+v7S8TkFyTP+IaS2FcbQ=
google_built=8.0.0
hcloud_module=github.com/hetznercloud/terraform-provider-hcloud@v$hcloud_version
hcloud_sum=h1:rblgvaOLxUQuj0EQD9n8hz5MAcZvxB/bH0bfx/T5A90=

cache="${XDG_CACHE_HOME:-$HOME/.cache}/revalenz/terraform"
clouds=(gcp hetzner)
scratch=

# Some machines configure a CLI file that does not exist; Terraform would warn each time.
if [ -n "${TF_CLI_CONFIG_FILE:-}" ] && [ ! -e "$TF_CLI_CONFIG_FILE" ]; then
  unset TF_CLI_CONFIG_FILE
fi

missing() { # what to do without a program: CI must not go without
  if [ -n "${CI:-}" ]; then die "$1 is not installed"; fi
  echo "skipped: $1 is not installed"
  exit 0
}

copy() {
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  git ls-files -z --cached --others --exclude-standard terraform infra/manifest.json |
    while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done |
    tar --create --null --files-from=- | tar --extract --directory="$scratch"
  export TF_IN_AUTOMATION=1 CHECKPOINT_DISABLE=1
}

# mirrored PROGRAM SOURCE VERSION MIRROR: installs a provider into a filesystem mirror.
mirrored() {
  local program=$1 source=$2 version=$3 mirror=$4 folder
  folder="$mirror/registry.terraform.io/$source/$version/$(go env GOOS)_$(go env GOARCH)"
  mkdir -p "$folder"
  cp "$program" "$folder/terraform-provider-${source#*/}_v$version"
}

# only_from MIRROR: makes Terraform use only providers of this mirror.
only_from() {
  printf 'provider_installation {\n  filesystem_mirror {\n    path = "%s"\n  }\n}\n' "$1" >"$scratch/terraform.rc"
  export TF_CLI_CONFIG_FILE="$scratch/terraform.rc"
}

# Built once for each version of its source.
stand_ins() {
  local state folder
  state=$(cat terraform/schemas/*.go terraform/schemas/*.json terraform/schemas/go.sum - <<<"$google_version $hcloud_version" | openssl sha256 | tail -c 17)
  folder="$cache/stand-in-$state"
  if [ ! -d "$folder" ]; then
    say "building the mock providers (once, takes minutes)"
    (cd terraform/schemas && GOFLAGS=-buildvcs=false go build -o "$scratch/stand-in" .)
    mirrored "$scratch/stand-in" hashicorp/google "$google_version" "$folder.new"
    mirrored "$scratch/stand-in" hetznercloud/hcloud "$hcloud_version" "$folder.new"
    mv "$folder.new" "$folder"
  fi
  only_from "$folder"
}

# Removes the version constraint, for the mock provider.
initialised() { terraform -chdir="$scratch/terraform/$1" init -upgrade -backend=false -input=false -no-color "${@:2}"; }

logic() {
  local module
  for module in terraform/modules/*/; do
    module=${module%/}
    initialised "${module#terraform/}" >/dev/null
    echo "$module"
    terraform -chdir="$scratch/$module" test -no-color
  done
}

valid() { # against whichever providers were chosen
  local cloud
  for cloud in "${clouds[@]}"; do
    echo "terraform/$cloud"
    initialised "$cloud" >/dev/null
    terraform -chdir="$scratch/terraform/$cloud" validate -no-color
    terraform -chdir="$scratch/terraform/$cloud" test -no-color
  done
}

# plan CLOUD ENVIRONMENT FILE: plans with an empty state, so that everything is created.
plan() {
  printf 'terraform {\n  backend "local" {}\n}\n' >"$scratch/terraform/$1/override.tf"
  terraform -chdir="$scratch/terraform/$1" init -reconfigure -input=false -no-color >/dev/null
  terraform -chdir="$scratch/terraform/$1" plan -input=false -no-color -var-file="environments/$2.tfvars" -out="$3"
  rm "$scratch/terraform/$1/override.tf"
}

# plan_text CLOUD: the plan of staging, without values that are known only after applying.
plan_text() {
  echo "# The plan of an empty staging environment (terraform/$1, environments/staging.tfvars), made by infra/scripts/terraform.sh"
  echo "# plans: by Terraform itself, without an account, against a stand-in for the provider (terraform/schemas). What is known"
  echo "# only after applying is left out. Example values: projects, domains, addresses."
  plan "$1" staging "$scratch/plan" | grep -vE '\(known after apply\)$|^(Saved the plan|To perform exactly|    terraform apply|─)' | cat -s
}

fresh_plans() {
  local cloud
  for cloud in "${clouds[@]}"; do
    plan_text "$cloud" | diff -u "docs/plan-staging-$cloud.txt" - ||
      die "docs/plan-staging-$cloud.txt is stale; run infra/scripts/terraform.sh plans"
  done
}

# Checks plans instead of sources, so that computed values are included.
rules() {
  local checkov cloud files=()
  checkov=$(infra/scripts/tool.sh checkov)
  for cloud in "${clouds[@]}"; do
    plan "$cloud" production "$scratch/plan" >/dev/null
    terraform -chdir="$scratch/terraform/$cloud" show -json "$scratch/plan" >"$scratch/$cloud.json"
    files+=(--file "$scratch/$cloud.json")
  done
  "$checkov" --config-file terraform/checkov.yaml "${files[@]}"
}

# Proves that the check detects an error.
finds_mistakes() {
  local file=$scratch/terraform/gcp/modules/scheduler/main.tf output
  sed -i.kept 's/attempt_deadline/attempts_deadline/' "$file"
  if output=$(terraform -chdir="$scratch/terraform/gcp" validate -no-color 2>&1) || ! grep -q attempts_deadline <<<"$output"; then
    die "a misspelt argument was not detected"
  fi
  mv "$file.kept" "$file"
}

from_registry() {
  local cloud
  for cloud in "${clouds[@]}"; do
    initialised "$cloud" >"$scratch/init.log" 2>&1 || return 1
  done
}

# from_proxy SOURCE VERSION MODULE SUM MIRROR: builds a provider from the published source after checking its checksum.
from_proxy() {
  local source=$1 version=$2 module=$3 sum=$4 mirror=$5 told folder
  [ ! -d "$mirror/registry.terraform.io/$source/$version" ] || return 0
  say "building $module (hcloud takes two minutes, google ten on two cores)"
  if ! told=$(cd "$scratch" && GOWORK=off GONOSUMDB=${module%@*} go mod download -json "$module"); then
    echo "$told" >&2
    return 1
  fi
  if [ "$(field Sum "$told")" != "$sum" ]; then
    say "checksum is $(field Sum "$told"), expected $sum"
    return 1
  fi
  folder="$scratch/${source#*/}"
  cp -R "$(field Dir "$told")" "$folder"
  chmod -R u+w "$folder"
  (cd "$folder" && GOWORK=off GOFLAGS="-p=1 -buildvcs=false -mod=readonly" nice -n 19 go build -o "$scratch/built" .) || return 1
  mirrored "$scratch/built" "$source" "$version" "$mirror.new"
  mkdir -p "$mirror/registry.terraform.io/$source"
  mv "$mirror.new/registry.terraform.io/$source/$version" "$mirror/registry.terraform.io/$source/$version"
}

field() { # NAME JSON
  sed -n "s/^[[:space:]]*\"$1\": \"\(.*\)\",*$/\1/p" <<<"$2"
}

# Sets `clouds` to those with an available provider, and `refused` to the others.
real_providers() {
  local mirror="$cache/providers"
  refused=()
  from_registry && return
  say "The provider registry does not respond:"
  grep -A 6 'Error' "$scratch/init.log" >&2 || true
  command -v go >/dev/null || die "Go is not installed either, so the providers cannot be built. NOTHING WAS CHECKED AGAINST THE REAL PROVIDERS."
  clouds=()
  if from_proxy hetznercloud/hcloud "$hcloud_version" "$hcloud_module" "$hcloud_sum" "$mirror"; then
    clouds+=(hetzner)
  else
    refused+=("hetzner, because $hcloud_module cannot be built (see above)")
  fi
  if from_proxy hashicorp/google "$google_built" "$google_module" "$google_sum" "$mirror"; then
    clouds+=(gcp)
  else
    refused+=("gcp, because $google_module cannot be built (see above)")
  fi
  only_from "$mirror"
}

# Reports clearly what was not checked.
nothing_refused() {
  [ ${#refused[@]} -gt 0 ] || return 0
  say
  say "NOT CHECKED AGAINST ITS REAL PROVIDER:"
  printf '  %s\n' "${refused[@]}" >&2
  die "terraform.sh light checks against mock providers. Run this with access to the registry before the first apply."
}

case "${1:-}" in
  light)
    command -v terraform >/dev/null || missing terraform
    terraform fmt -check -recursive -diff terraform
    command -v go >/dev/null || missing go
    copy
    logic
    stand_ins
    valid
    fresh_plans
    finds_mistakes
    ;;
  real)
    command -v terraform >/dev/null || die "terraform is not installed"
    copy
    # Keeps the configuration of a machine with its own mirror.
    chosen=${TF_CLI_CONFIG_FILE:-}
    stand_ins
    rules
    unset TF_CLI_CONFIG_FILE
    [ -z "$chosen" ] || export TF_CLI_CONFIG_FILE=$chosen
    real_providers
    valid
    nothing_refused
    finds_mistakes
    ;;
  plans)
    copy
    stand_ins
    for cloud in "${clouds[@]}"; do
      plan_text "$cloud" >"docs/plan-staging-$cloud.txt"
    done
    ;;
  *) die "usage: terraform.sh light|real|plans" ;;
esac
