#!/usr/bin/env bash
# hetzner-secrets.sh [FILE]: prints what /etc/revalenz/secrets.env of every server has to hold, a line each. With FILE, an
# earlier output, only what is missing there is made: a function that came since gets its password, all else stays.
#   infra/scripts/hetzner-secrets.sh | ssh root@SERVER 'umask 077; cat > /etc/revalenz/secrets.env'
# It needs DATA_ADDRESS, where PostgreSQL and RabbitMQ are (terraform output data_address). Nothing is written to a disk here.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

: "${DATA_ADDRESS:?the private address of the data server}"
command -v openssl >/dev/null || die "openssl is missing"
command -v jq >/dev/null || die "jq is missing"
before=${1:+$(cat "$1")}

# kept NAME: the value that an earlier output gave it.
kept() { sed -n "s/^$1=//p" <<<"$before"; }

# once NAME MAKER...: the earlier value, or a new one.
once() {
  local name=$1 value
  shift
  value=$(kept "$name")
  [ -n "$value" ] || value=$("$@")
  printf '%s=%s\n' "$name" "$value"
}

password() { openssl rand -hex 32; }
master_key() { printf '1:%s' "$(openssl rand -base64 32)"; }

passwords='{}'
once REVALENZ_MASTER_KEY master_key
administrator=$(once POSTGRES_PASSWORD password)
printf '%s\n' "$administrator"
printf 'MIGRATE_DATABASE_URL=postgres://postgres:%s@%s:5432/revalenz\n' "${administrator#*=}" "$DATA_ADDRESS"
bus=$(once RABBITMQ_PASSWORD password)
printf '%s\n' "$bus"
printf 'REVALENZ_AMQP_URL=amqp://revalenz:%s@%s:5672/%%2f\n' "${bus#*=}" "$DATA_ADDRESS"
once S3_ACCESS_KEY printf replace-me
once S3_SECRET_KEY printf replace-me
while read -r function; do
  variable=$(printf '%s' "$function" | tr '[:lower:]' '[:upper:]')_DATABASE_URL
  url=$(kept "$variable")
  if [ -z "$url" ]; then
    url=$(printf 'postgres://rvz_%s_login:%s@%s:5432/revalenz' "$function" "$(password)" "$DATA_ADDRESS")
  fi
  printf '%s=%s\n' "$variable" "$url"
  secret=$(sed -E 's#^postgres://[^:]+:([^@]+)@.*#\1#' <<<"$url")
  # Through a pipe: arguments of programs can be read by everybody on the machine.
  passwords=$(printf '%s\n%s\n' "$passwords" "$secret" | jq --raw-input --slurp --compact-output --arg function "$function" \
    'split("\n") | (.[0] | fromjson) + {($function): .[1]}')
done < <(jq --raw-output '.functions[].name' infra/manifest.json)
printf 'REVALENZ_LOGIN_PASSWORDS=%s\n' "$passwords"
