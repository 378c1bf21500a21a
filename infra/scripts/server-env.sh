#!/usr/bin/env bash
# Writes infra/server.env, once: passwords and the master key of a server, made by chance. What exists is never changed,
# because the database and everything sealed depend on it; only what is missing is added.
#   server-env.sh HOST OPERATOR_MAIL SMTP_URL
set -euo pipefail
source "$(dirname "$0")/lib.sh"

[ $# = 3 ] || die "usage: server-env.sh api.example.org operator@example.org smtps://user:password@mail.example.org"
command -v openssl >/dev/null || die "openssl is missing. Type: sudo apt-get install -y openssl"
file=infra/server.env
umask 077
touch "$file"

add() { grep -q "^$1=" "$file" || printf '%s=%s\n' "$1" "$2" >>"$file"; }

add REVALENZ_HOST "$1"
add REVALENZ_OPERATOR "$2"
add REVALENZ_SMTP_URL "$3"
add REVALENZ_MAIL_FROM "no-reply@$1"
add REVALENZ_MASTER_KEY "1:$(openssl rand -base64 32)"
# Every password that infra/compose.yaml asks for.
while read -r name; do
  add "$name" "$(openssl rand -hex 24)"
done < <(grep -o 'PASSWORD_[A-Z_]*' infra/compose.yaml | sort -u)
say "$file is there. Keep a copy where the server can't lose it: without REVALENZ_MASTER_KEY nobody signs in again."
