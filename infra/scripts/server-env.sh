#!/usr/bin/env bash
# Writes infra/server.env: random passwords and the master key of a server. Existing values are never changed, because the database
# and all encrypted data depend on them; only missing ones are added.
#   server-env.sh HOST OPERATOR_MAIL SMTP_URL
set -euo pipefail
source "$(dirname "$0")/lib.sh"

[ $# = 3 ] || die "usage: server-env.sh api.example.org operator@example.org smtps://user:password@mail.example.org"
command -v openssl >/dev/null || die "openssl is missing. Run: sudo apt-get install -y openssl"
file=infra/server.env
umask 077
touch "$file"

add() { grep -q "^$1=" "$file" || printf '%s=%s\n' "$1" "$2" >>"$file"; }

add REVALENZ_HOST "$1"
add REVALENZ_OPERATOR "$2"
add REVALENZ_SMTP_URL "$3"
add REVALENZ_MAIL_FROM "no-reply@$1"
add REVALENZ_MASTER_KEY "1:$(openssl rand -base64 32)"
# Every password used by infra/compose.yaml.
while read -r name; do
  add "$name" "$(openssl rand -hex 24)"
done < <(grep -o 'PASSWORD_[A-Z_]*' infra/compose.yaml | sort -u)
say "$file is complete. Store a copy outside the server: without REVALENZ_MASTER_KEY no one can sign in."
