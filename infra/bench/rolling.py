"""Restarts two instances of each function behind Caddy one after the other under constant load; then stops and starts the
database; then starts forty instances at once. The proxy uses infra/caddy/Caddyfile, and each
name has two addresses as between containers (127.0.0.1 and 127.0.0.2, which macOS does not have).

RESTARTS of each function (default 50), RATE requests a second (200), AWAY seconds without a database (30), STORM instances (40).
"""

import collections
import http.client
import itertools
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

from place import ROOT, Client, Place, answers, free_port

RESTARTS = int(os.environ.get("RESTARTS") or 50)
RATE = int(os.environ.get("RATE") or 200)
AWAY = int(os.environ.get("AWAY") or 30)
STORM = int(os.environ.get("STORM") or 40)
WORKERS = 20
ADDRESSES = ("127.0.0.1", "127.0.0.2")


def settings_of(path):
    """Reads settings written by `platform prepare`."""
    return dict(shlex.split(line)[0].split("=", 1) for line in path.read_text().splitlines())


class Names(threading.Thread):
    """A DNS server (RFC 1035): every name has all addresses, in rotating order."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.place = f"127.0.0.1:{self.socket.getsockname()[1]}"

    def run(self):
        for turn in itertools.count():
            query, client = self.socket.recvfrom(512)
            # One question: name, type, class. The rest is an option that the response may omit.
            end = query.index(b"\0", 12) + 5
            kind = int.from_bytes(query[end - 4:end - 2], "big")
            addresses = [ADDRESSES[(turn // 2 + step) % len(ADDRESSES)] for step in range(len(ADDRESSES))] if kind == 1 else []
            answers = b"".join(b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + socket.inet_aton(address) for address in addresses)
            head = query[:2] + b"\x81\x80\0\1" + len(addresses).to_bytes(2, "big") + b"\0\0\0\0"
            self.socket.sendto(head + query[12:end] + answers, client)


class Load:
    """Sends RATE requests per second: three reads, then a write, on keep-alive connections."""

    def __init__(self, place, port):
        self.place, self.port = place, port
        self.stop = threading.Event()
        self.statuses = collections.Counter()
        self.failures, self.refusals = collections.Counter(), collections.Counter()
        self.acknowledged = []
        self.token = place.sign_in("expert", port)
        self.threads = [threading.Thread(target=self.work, args=(number,), daemon=True) for number in range(WORKERS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def work(self, number):
        client = Client(self.port)
        due = time.monotonic() + number / RATE
        for turn in itertools.count():
            if self.stop.is_set():
                return
            time.sleep(max(0.0, due - time.monotonic()))
            due += WORKERS / RATE
            try:
                if turn % 4 == 3:
                    status, answer = client.call("POST", "/api/tickets", self.token, {"title": f"rolling {number} {turn}"})
                    if status == 201:
                        self.acknowledged.append(answer["id"])
                else:
                    status, answer = client.call("GET", "/api/tickets?limit=5" if turn % 2 else "/api/users?limit=5", self.token)
                self.statuses[status] += 1
                if status >= 400:
                    self.refusals[f"{status} {answer['title']}"] += 1
            except (OSError, http.client.HTTPException) as error:
                self.failures[type(error).__name__] += 1

    def failed(self):
        return sum(self.failures.values()) + sum(count for status, count in self.statuses.items() if status >= 400)


def start(place, name, settings, address):
    return place.start(name, **{**settings, "REVALENZ_ADDRESS": address, "REVALENZ_LINGER": "3", "RUST_LOG": "warn"})


def proxy(place, folder, ports):
    """Caddy as on a server, but with our resolver and a separate port for each function."""
    names = Names()
    names.start()
    text = (ROOT / "infra/caddy/Caddyfile").read_text()
    text = re.sub(r"reverse_proxy (\w+):8080 ", lambda found: f"reverse_proxy {found[1]}:{ports[found[1]]} ", text)
    text = text.replace("dial_timeout 2s", f"dial_timeout 2s\n\t\t\t\tresolvers udp/{names.place}")
    caddyfile = place.scratch / "Caddyfile"
    caddyfile.write_text(text)
    settings = {"REVALENZ_HOST": f"http://127.0.0.1:{place.port}", "REVALENZ_OPERATOR": "operator@example.org",
                "REVALENZ_CADDY_OPTIONS": "auto_https off",
                "XDG_DATA_HOME": str(place.scratch), "XDG_CONFIG_HOME": str(place.scratch)}
    with place.log.open("ab") as log:
        caddy = subprocess.Popen(["caddy", "run", "--config", str(caddyfile), "--adapter", "caddyfile"], stdout=log,
                                 stderr=log, start_new_session=True, env={**place.bare(), **settings})
    place.running.append(caddy)
    place.until_ready(caddy, place.port, path="/api/auth/status")


def main():
    if not shutil.which("caddy"):
        sys.exit("Caddy is missing; see infra/scripts/processes.sh")
    with Place(sys.argv[1]) as place:
        subprocess.run([str(place.programs / "platform"), "prepare"], check=True, cwd=ROOT, stdout=subprocess.DEVNULL,
                       env={**place.bare(), "LOCAL_DIR": str(place.local), "PORT": str(place.port)})
        folder = place.local / "processes"
        functions = sorted(path.stem for path in folder.glob("*.env") if path.stem not in ("platform", "clock"))
        instances, ports = {}, {}
        for name in functions:
            settings = settings_of(folder / f"{name}.env")
            ports[name] = int(settings["PORT"])
            instances[name] = [start(place, name, settings, address) for address in ADDRESSES]
        ports["platform"] = ports["identity"]
        for name, pair in instances.items():
            for process, address in zip(pair, ADDRESSES):
                place.until_ready(process, ports[name], address=address)
        proxy(place, folder, ports)

        wrong = rolling(place, instances, ports, folder)
        wrong += database_away(place, instances, ports)
        wrong += storm(place, folder)
    for sentence in wrong:
        print("WRONG:", sentence)
    sys.exit(bool(wrong))


def rolling(place, instances, ports, folder):
    restarted = ("support", "identity")

    def restart(name, which):
        place.end(instances[name][which])
        process = start(place, name, settings_of(folder / f"{name}.env"), ADDRESSES[which])
        instances[name][which] = process
        place.until_ready(process, ports[name], address=ADDRESSES[which])

    with Load(place, place.port) as load:
        time.sleep(1)
        began = time.monotonic()
        for turn in range(RESTARTS):
            at_once = [threading.Thread(target=restart, args=(name, turn % 2)) for name in restarted]
            for thread in at_once:
                thread.start()
            for thread in at_once:
                thread.join()
        took = time.monotonic() - began
    sent = sum(load.statuses.values()) + sum(load.failures.values())
    kept = {row[0] for row in place.sql("select ticket_id from support.tickets where title like 'rolling %'")}
    lost = set(load.acknowledged) - kept
    print(f"{RESTARTS} rolling restarts of each of {', '.join(restarted)} in {took:.0f} s: {sent} requests "
          f"({sent / took:.0f} a second), {load.failed()} failed {dict(load.failures)} "
          f"{dict(load.refusals)}, "
          f"{len(load.acknowledged)} writings acknowledged, {len(lost)} lost")
    wrong = []
    if load.failed():
        wrong.append(f"{load.failed()} requests failed during rolling restarts")
    if lost:
        wrong.append(f"{len(lost)} acknowledged writings are lost")
    return wrong


def database_away(place, instances, ports):
    tool = str(place.programs / "local-postgres")
    where = ["--local-dir", str(place.local), "--name", "postgres"]
    wrong, token = [], place.sign_in("expert")
    subprocess.run([tool, "stop", *where], check=True, stderr=subprocess.DEVNULL)
    gone = time.monotonic()
    client, statuses = Client(place.port), collections.Counter()
    while time.monotonic() - gone < AWAY:
        status, _ = client.call("GET", "/api/tickets?limit=1", token)
        statuses[status] += 1
        if not all(answers(ports[name], "/livez", address) for name in instances for address in ADDRESSES):
            wrong.append("a process died with its database")
            break
        time.sleep(0.5)
    if any(answers(ports[name], address=address) for name in instances for address in ADDRESSES):
        wrong.append("a process says that it is ready without a database")
    subprocess.run([tool, "start", *where], check=True, stderr=subprocess.DEVNULL)
    back, slowest = time.monotonic(), 0.0
    for name, pair in instances.items():
        for process, address in zip(pair, ADDRESSES):
            place.until_ready(process, ports[name], 30, address=address)
            slowest = max(slowest, time.monotonic() - back)
    print(f"database down for {AWAY} s: responses {dict(statuses)}; the last of {2 * len(instances)} processes ready "
          f"{slowest:.2f} s after it was back")
    if slowest > 2:
        wrong.append(f"readiness came back after {slowest:.2f} s")
    return wrong


def storm(place, folder):
    settings = {**settings_of(folder / "support.env"), "REVALENZ_POOL": "2"}
    ports = [free_port() for _ in range(STORM)]
    began = time.monotonic()
    processes = [(port, start(place, "support", {**settings, "PORT": str(port)}, ADDRESSES[0])) for port in ports]
    for port, process in processes:
        place.until_ready(process, port)
    ready = time.monotonic() - began
    token = place.sign_in("expert")
    answered = collections.Counter()

    def ask(port):
        answered[Client(port).call("GET", "/api/tickets?limit=1", token)[0]] += 1

    threads = [threading.Thread(target=ask, args=(port,)) for port in ports]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    connections = place.sql("select count(*) from pg_stat_activity where usename = 'rvz_support_login'")[0][0]
    print(f"{STORM} instances at once: all ready after {ready:.2f} s, responses {dict(answered)}, {connections} connections")
    for _, process in processes:
        place.end(process, signal.SIGKILL)
    return [] if answered == {200: STORM} else [f"of {STORM} instances these answered: {dict(answered)}"]


if __name__ == "__main__":
    main()
