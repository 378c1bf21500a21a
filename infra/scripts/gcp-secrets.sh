#!/usr/bin/env bash
# gcp-secrets.sh fill NAME      generates the value of a secret that has none; changes no existing value
# gcp-secrets.sh rotate NAME    generates a new value beside the old one (see docs/operations.md)
# gcp-secrets.sh move NAME      keeps login and password but sets another DATABASE_ADDRESS, after a restore
#
# NAME: master-key, migrate-database-url, login-passwords, <function>-database-url, or <function>-s3-access-key (both halves). Terraform calls `fill` for each; an
# operator sets the same variables (terraform output has them all): PROJECT PREFIX FUNCTIONS, and for addresses of the
# database DATABASE_INSTANCE DATABASE_ADDRESS DATABASE DATABASE_OPTIONS. Values are never passed as arguments, where every user of the
# machine could read them, and never written to disk.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

usage() { die "usage: gcp-secrets.sh fill|rotate|move master-key|migrate-database-url|login-passwords|<function>-database-url|<function>-s3-access-key"; }

[ $# = 2 ] || usage
what=$1
name=$2
case "$what" in fill | rotate | move) ;; *) usage ;; esac
: "${PROJECT:?the id of the project}" "${PREFIX:?what every name begins with}"
for program in gcloud curl jq openssl; do
  command -v "$program" >/dev/null || die "$program is missing"
done

has_value() {
  [ -n "$(gcloud secrets versions list "$PREFIX-$1" --project "$PROJECT" --filter state=ENABLED --limit 1 --format 'value(name)')" ]
}
read_value() { gcloud secrets versions access latest --secret "$PREFIX-$1" --project "$PROJECT"; }
add_value() { gcloud secrets versions add "$PREFIX-$1" --project "$PROJECT" --data-file=- >/dev/null; }

# Letters and digits only, so that it needs no quoting.
new_password() { openssl rand -hex 32; }

database_url() { # LOGIN PASSWORD
  : "${DATABASE_ADDRESS:?its private address}" "${DATABASE:?its name}" "${DATABASE_OPTIONS:?how its connections are encrypted}"
  printf 'postgres://%s:%s@%s:5432/%s?%s' "$1" "$2" "$DATABASE_ADDRESS" "$DATABASE" "$DATABASE_OPTIONS"
}

password_of() { sed -E 's#^postgres://[^:]+:([^@]+)@.*#\1#'; }

# Cloud SQL's built-in administrator. The token and the password go through pipes.
set_admin_password() { # PASSWORD
  : "${DATABASE_INSTANCE:?the name of the instance}"
  local answer
  answer=$(
    printf '%s' "$1" | jq --raw-input --slurp '{name: "postgres", password: .}' |
      curl --silent --show-error --fail-with-body --request PUT --header 'content-type: application/json' --data-binary @- \
        --config <(printf 'header = "authorization: Bearer %s"\n' "$(gcloud auth print-access-token)") \
        "https://sqladmin.googleapis.com/v1/projects/$PROJECT/instances/$DATABASE_INSTANCE/users?name=postgres"
  ) || die "the administrator's password could not be set: $answer"
  gcloud sql operations wait "$(jq --raw-output .name <<<"$answer")" --project "$PROJECT" --quiet >/dev/null
}

new_master_key() {
  local old newest
  if [ "$what" = rotate ] && has_value master-key; then
    # Keeps the newest active key beside the new one; older keys are dropped.
    old=$(read_value master-key)
    newest=${old%%,*}
    printf '%s:%s,%s' $(((${newest%%:*} + 1) % 256)) "$(openssl rand -base64 32)" "$newest"
  else
    printf '1:%s' "$(openssl rand -base64 32)"
  fi
}

login_passwords() {
  local function
  for function in ${FUNCTIONS:?names of all functions}; do
    read_value "$function-database-url" | password_of | jq --raw-input --arg function "$function" '{($function): .}'
  done | jq --slurp --compact-output --join-output add
}

# Computed from all functions each time; written only if it has changed.
if [ "$name" = login-passwords ]; then
  wanted=$(login_passwords)
  if ! has_value login-passwords || [ "$(read_value login-passwords)" != "$wanted" ]; then
    printf '%s' "$wanted" | add_value login-passwords
    say "$PREFIX-login-passwords: a new version"
  fi
  exit
fi

if [ "$what" = fill ] && has_value "$name"; then
  exit
fi
if [ "$what" = move ]; then
  [[ "$name" = *-database-url ]] || die "move supports database URLs only"
  old=$(read_value "$name")
  login=${old#postgres://}
  database_url "${login%%:*}" "$(password_of <<<"$old")" | add_value "$name"
  say "$PREFIX-$name: at $DATABASE_ADDRESS"
  exit
fi
case "$name" in
  *-s3-access-key)
    # The secret half is shown only once; store it first, so that no access key is stored without it.
    key=$(gcloud storage hmac create "$PREFIX-${name%-s3-access-key}@$PROJECT.iam.gserviceaccount.com" --project "$PROJECT" --format json)
    jq --join-output .secret <<<"$key" | add_value "${name%-access-key}-secret-key"
    value=$(jq --join-output '.metadata.accessId // .metadata.access_id // .accessId // .access_id' <<<"$key")
    ;;
  master-key) value=$(new_master_key) ;;
  migrate-database-url)
    password=$(new_password)
    set_admin_password "$password"
    value=$(database_url postgres "$password")
    ;;
  *-database-url)
    function=${name%-database-url}
    # The migration job creates logins of this name.
    value=$(database_url "rvz_${function}_login" "$(new_password)")
    ;;
  *) usage ;;
esac
printf '%s' "$value" | add_value "$name"
say "$PREFIX-$name: a new version"
