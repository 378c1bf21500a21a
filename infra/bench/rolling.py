"""Two instances of each function behind Caddy, restarted one after the other at a steady rate of requests; then the
database goes away and comes back; then forty instances start at once.

RESTARTS of each function (default 50), RATE requests a second (200), AWAY seconds without a database (30), STORM instances (40).
"""

import collections
import http.client
import itertools
import os
import re
import shlex
import shutil
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
# As the proxy of infra/caddy/Caddyfile does it.
BALANCE = "{\n lb_policy round_robin\n lb_try_duration 5s\n lb_try_interval 20ms\n}"


def settings_of(path):
    """What `platform prepare` wrote for a shell."""
    return dict(shlex.split(line)[0].split("=", 1) for line in path.read_text().splitlines())


class Load:
    """RATE requests a second: three readings and a writing in turn, on connections that are kept."""

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


def start(place, name, settings, port):
    return place.start(name, **{**settings, "PORT": str(port), "RUST_LOG": "error"})


def main():
    if not shutil.which("caddy"):
        sys.exit("Caddy is missing; infra/scripts/processes.sh says how to get it")
    with Place(sys.argv[1]) as place:
        subprocess.run([str(place.programs / "platform"), "prepare"], check=True, cwd=ROOT, stdout=subprocess.DEVNULL,
                       env={**place.bare(), "LOCAL_DIR": str(place.local), "PORT": str(place.port)})
        folder = place.local / "processes"
        functions = sorted(path.stem for path in folder.glob("*.env") if path.stem not in ("platform", "clock"))
        routes = (folder / "Caddyfile").read_text()
        instances = {}
        for name in functions:
            settings = settings_of(folder / f"{name}.env")
            ports = [int(settings["PORT"]), free_port()]
            instances[name] = [(port, start(place, name, settings, port)) for port in ports]
            routes = re.sub(rf"reverse_proxy 127\.0\.0\.1:{ports[0]}\n",
                            f"reverse_proxy {' '.join(f'127.0.0.1:{port}' for port in ports)} {BALANCE}\n", routes)
        for name, pair in instances.items():
            for port, process in pair:
                place.until_ready(process, port)
        caddyfile = place.scratch / "Caddyfile"
        caddyfile.write_text(routes)
        with place.log.open("ab") as log:
            caddy = subprocess.Popen(["caddy", "run", "--config", str(caddyfile), "--adapter", "caddyfile"], stdout=log,
                                     stderr=log, start_new_session=True,
                                     env={**place.bare(), "XDG_DATA_HOME": str(place.scratch), "XDG_CONFIG_HOME": str(place.scratch)})
        place.running.append(caddy)
        place.until_ready(caddy, place.port, path="/api/auth/status")

        wrong = rolling(place, instances, folder)
        wrong += database_away(place, instances)
        wrong += storm(place, folder)
    for sentence in wrong:
        print("WRONG:", sentence)
    sys.exit(bool(wrong))


def rolling(place, instances, folder):
    restarted = ("support", "identity")
    with Load(place, place.port) as load:
        time.sleep(1)
        began = time.monotonic()
        for turn in range(RESTARTS):
            for name in restarted:
                port, process = instances[name][turn % 2]
                place.end(process)
                settings = settings_of(folder / f"{name}.env")
                process = start(place, name, settings, port)
                place.until_ready(process, port)
                instances[name][turn % 2] = (port, process)
            time.sleep(0.2)
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


def database_away(place, instances):
    tool = str(place.programs / "local-postgres")
    where = ["--local-dir", str(place.local), "--name", "postgres"]
    wrong, token = [], place.sign_in("expert")
    subprocess.run([tool, "stop", *where], check=True, stderr=subprocess.DEVNULL)
    gone = time.monotonic()
    client, statuses = Client(place.port), collections.Counter()
    while time.monotonic() - gone < AWAY:
        status, _ = client.call("GET", "/api/tickets?limit=1", token)
        statuses[status] += 1
        if not all(answers(port, "/livez") for pair in instances.values() for port, _ in pair):
            wrong.append("a process died with its database")
            break
        time.sleep(0.5)
    if any(answers(port) for pair in instances.values() for port, _ in pair):
        wrong.append("a process says that it is ready without a database")
    subprocess.run([tool, "start", *where], check=True, stderr=subprocess.DEVNULL)
    back, slowest = time.monotonic(), 0.0
    for name, pair in instances.items():
        for port, process in pair:
            place.until_ready(process, port, 30)
            slowest = max(slowest, time.monotonic() - back)
    print(f"database away for {AWAY} s: answers {dict(statuses)}; the last of {2 * len(instances)} processes ready "
          f"{slowest:.2f} s after it was back")
    if slowest > 2:
        wrong.append(f"readiness came back after {slowest:.2f} s")
    return wrong


def storm(place, folder):
    settings = {**settings_of(folder / "support.env"), "REVALENZ_POOL": "2"}
    ports = [free_port() for _ in range(STORM)]
    began = time.monotonic()
    processes = [(port, start(place, "support", settings, port)) for port in ports]
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
    print(f"{STORM} instances at once: all ready after {ready:.2f} s, answers {dict(answered)}, {connections} connections")
    for _, process in processes:
        place.end(process)
    return [] if answered == {200: STORM} else [f"of {STORM} instances these answered: {dict(answered)}"]


if __name__ == "__main__":
    main()
