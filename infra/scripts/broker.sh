#!/usr/bin/env bash
# broker.sh FOLDER [VHOSTS]: runs a private RabbitMQ on free ports, with its own node name, data, cookie and epmd, never the
# system's service. Prints `ready URL` when it accepts connections (append the name of a virtual host, 0 to VHOSTS - 1, to the URL).
# Then it reads commands from standard input: `stop` and `start`, answered with `stopped` and `ready URL`. At the end of the input it
# stops and removes the folder, so nothing is left if the caller dies. `broker.sh --install` only installs RabbitMQ.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

folder=${1:?usage: broker.sh FOLDER [VHOSTS]}
vhosts=${2:-1}

# The server itself: Debian's /usr/sbin/rabbitmq-server is a wrapper that changes the user and drops our settings.
find_server() {
  local candidate
  for candidate in /usr/lib/rabbitmq/bin/rabbitmq-server /opt/homebrew/opt/rabbitmq/sbin/rabbitmq-server \
    /usr/local/opt/rabbitmq/sbin/rabbitmq-server; do
    if [ -x "$candidate" ]; then
      echo "$candidate"
      return
    fi
  done
  return 1
}

if ! server=$(find_server); then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing rabbitmq-server"
    # At this run level the package does not start its service.
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends rabbitmq-server >/dev/null
    server=$(find_server)
  else
    die "RabbitMQ is missing. Run: $([ "$(uname)" = Darwin ] && echo 'brew install rabbitmq' || echo 'sudo apt-get install -y rabbitmq-server')"
  fi
fi

[ "$folder" != --install ] || exit 0

mkdir -p "$folder"/{home,data,log}
folder=$(cd "$folder" && pwd)
read -r port dist_port epmd_port secret < <(python3 - "$folder" "$vhosts" <<'PYTHON'
import base64, hashlib, json, os, secrets, socket, sys

folder, vhosts = sys.argv[1], [str(n) for n in range(int(sys.argv[2]))]
sockets = [socket.socket() for _ in range(3)]
for one in sockets:
    one.bind(("127.0.0.1", 0))
secret, salt = secrets.token_hex(16), secrets.token_bytes(4)
hashed = base64.b64encode(salt + hashlib.sha256(salt + secret.encode()).digest()).decode()
with open(f"{folder}/definitions.json", "w") as file:
    json.dump({
        "users": [{"name": "revalenz", "password_hash": hashed, "tags": "administrator",
                   "hashing_algorithm": "rabbit_password_hashing_sha256"}],
        "vhosts": [{"name": name} for name in vhosts],
        "permissions": [{"user": "revalenz", "vhost": name, "configure": ".*", "write": ".*", "read": ".*"}
                        for name in vhosts],
    }, file)
with open("infra/rabbitmq/revalenz.conf") as file:
    ours = file.read()
for name, text in {"broker.conf": f"{ours}load_definitions = {folder}/definitions.json\n", "plugins": "[].\n",
                   "environment": "", "home/.erlang.cookie": secrets.token_hex(16)}.items():
    with open(f"{folder}/{name}", "w") as file:
        file.write(text)
os.chmod(f"{folder}/home/.erlang.cookie", 0o400)
print(*(one.getsockname()[1] for one in sockets), secret)
PYTHON
)

export HOME="$folder/home" ERL_EPMD_PORT=$epmd_port ERL_EPMD_ADDRESS=127.0.0.1
export RABBITMQ_NODENAME="revalenz-$port@localhost" RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT=$port
export RABBITMQ_DIST_PORT=$dist_port RABBITMQ_MNESIA_BASE="$folder/data" RABBITMQ_LOG_BASE="$folder/log"
export RABBITMQ_CONFIG_FILE="$folder/broker.conf" RABBITMQ_CONF_ENV_FILE="$folder/environment"
export RABBITMQ_ENABLED_PLUGINS_FILE="$folder/plugins"
url="amqp://revalenz:$secret@127.0.0.1:$port"
pid=

answers() { python3 - "$port" <<'PYTHON'; }
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 2) as one:
    one.settimeout(5)
    one.sendall(b"AMQP\x00\x00\x09\x01")
    sys.exit(0 if one.recv(1) == b"\x01" else 1)
PYTHON

start() {
  "$server" </dev/null >>"$folder/log/console" 2>&1 &
  pid=$!
  until answers 2>/dev/null; do
    kill -0 "$pid" 2>/dev/null || { tail -n 40 "$folder/log/console" >&2; die "RabbitMQ exited at its start"; }
    sleep 0.2
  done
  echo "ready $url"
}

stop() {
  [ -z "$pid" ] || { kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; }
  pid=
}

finish() {
  trap - EXIT INT TERM HUP
  stop
  epmd -port "$epmd_port" -kill >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap finish EXIT
trap 'exit 143' INT TERM HUP

start
while read -r command; do
  case "$command" in
    stop) stop && echo stopped ;;
    start) start ;;
    *) die "broker.sh: unknown command $command; available: stop, start" ;;
  esac
done
