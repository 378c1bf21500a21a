"""Benchmarks one function with wrk, and pgbench with the same SQL in the same run; writes docs/performance.md."""

import argparse
import datetime
import json
import os
import pathlib
import platform as machine
import re
import resource
import shutil
import statistics
import subprocess
import sys
import threading
import time

from place import Client, Place, ROOT, answers, database_seconds, free_port, processor_seconds, resident_megabytes

HERE = pathlib.Path(__file__).parent
TICKET = "('00000000-0000-7000-8000-' || :n)::uuid"
FUNCTIONS = ("identity", "tenancy", "support", "notifications", "relay")
# Mixed load of the product goal: requests per minute; the p95 must stay below 20 ms.
STEADY_A_MINUTE = 10_000


def columns():
    """Returns the columns and joins that the function selects, read from its source so that they stay equal."""
    source = (ROOT / "functions/support/src/store/tickets.rs").read_text()
    return re.search(r'const COLUMNS: &str = "(.*?)";', source, re.S)[1]


def scripts(folder, tenant):
    """pgbench's scripts: the bare query, and the same query in a tenant transaction."""
    numbered = "\\set n random(100000000000, 100000099999)\n"
    get = f"select {columns()} where t.tenant_id = '{tenant}' and t.ticket_id = {TICKET} and t.deleted_at is null;\n"
    page = (f"select t.created_at::text as sort_value, {columns()} where t.tenant_id = '{tenant}' and t.deleted_at is null "
            "order by t.created_at desc, t.ticket_id desc limit 21;\n")
    begin, commit = f"begin;\nset local app.tenant_id = '{tenant}';\n", "commit;\n"
    # The bare query runs without row-level security, with a login that sees all rows.
    texts = {
        "get, bare query": numbered + get.replace("\n", " ") + "\n",
        "get, transaction": numbered + begin + get.replace("\n", " ") + "\n" + commit,
        "list, transaction": begin + page.replace("\n", " ") + "\n" + commit,
    }
    made = {}
    for index, (name, text) in enumerate(texts.items()):
        made[name] = folder / f"{index}.sql"
        made[name].write_text(text)
    return made


def pgbench(script, url, connections, seconds, postmaster):
    """Returns transactions per second, and CPU time of server and pgbench per transaction."""
    before, own = database_seconds(postmaster), resource.getrusage(resource.RUSAGE_CHILDREN)
    made = subprocess.run(["pgbench", "-n", "-M", "prepared", "-c", str(connections), "-j", "1", "-T", str(seconds),
                           "-f", str(script), url], capture_output=True, text=True, check=False)
    if made.returncode:
        sys.exit(made.stderr)
    # The postmaster has the CPU time of an exited process only after it has reaped it.
    time.sleep(0.5)
    after, own_after = database_seconds(postmaster), resource.getrusage(resource.RUSAGE_CHILDREN)
    rate = float(re.search(r"tps = ([\d.]+)", made.stdout)[1])
    count = int(re.search(r"transactions actually processed: (\d+)", made.stdout)[1])
    client = own_after.ru_utime + own_after.ru_stime - own.ru_utime - own.ru_stime
    return {"rate": rate, "client_us": client / count * 1e6, "database_us": (after - before) / count * 1e6}


def wrk(load, port, token, connections, seconds, pid, postmaster):
    """Result of one load, with CPU time of function and database per request."""
    function, database = processor_seconds(pid), database_seconds(postmaster)
    environment = {**os.environ, "LOAD": load, "TOKEN": token}
    made = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(HERE / "load.lua"),
                           f"http://127.0.0.1:{port}"], capture_output=True, text=True, env=environment, check=True)
    result = json.loads(made.stdout.strip().splitlines()[-1])
    count = max(result["requests"], 1)
    return {**result, "rate": result["requests"] / result["seconds"],
            "function_us": (processor_seconds(pid) - function) / count * 1e6,
            "database_us": (database_seconds(postmaster) - database) / count * 1e6,
            "resident": resident_megabytes(pid)}


def steady(port, token, seconds):
    """Sends a fixed number of requests per minute, on schedule, regardless of earlier ones (open loop)."""
    import random
    took, refused, lock = [], [], threading.Lock()
    begin = time.monotonic() + 0.2
    total = STEADY_A_MINUTE * seconds // 60
    turn = iter(range(total))

    def work(seed):
        chance, client = random.Random(seed), Client(port)
        while True:
            with lock:
                number = next(turn, None)
            if number is None:
                return
            due = begin + number * 60 / STEADY_A_MINUTE
            time.sleep(max(0.0, due - time.monotonic()))
            one = chance.randrange(100)
            if one < 80:
                asked = "GET", f"/api/tickets/00000000-0000-7000-8000-1000000{chance.randrange(100_000):05}"
            elif one < 95:
                asked = "GET", "/api/tickets?limit=20"
            else:
                asked = "POST", "/api/tickets"
            body = {"title": "Measured"} if asked[0] == "POST" else None
            try:
                status, _ = client.call(*asked, token, body)
            except OSError:
                status = 0
            took.append((time.monotonic() - due) * 1000)
            if status not in (200, 201):
                refused.append(status)

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(16)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    parts = statistics.quantiles(took, n=100)
    return {"requests": total, "rate": total / (time.monotonic() - begin), "p50": parts[49], "p95": parts[94], "p99": parts[98],
            "refused": len(refused), "broken": 0, "late": 0}


class Functions:
    """Runs the functions' binaries against the cluster of the platform."""

    def __init__(self, place):
        self.place = place
        self.urls = {}
        for function in FUNCTIONS:
            place.sql(f"alter role rvz_{function}_login password 'bench'")
            self.urls[function] = re.sub(r"//[^@]*@", f"//rvz_{function}_login:bench@", place.admin_url())

    def start(self, function, pool):
        port = free_port()
        settings = {
            "PORT": str(port), "DATABASE_URL": self.urls[function], "PUBLIC_URL": self.place.url,
            "REVALENZ_MASTER_KEY": (self.place.local / "master.key").read_text().strip(),
            "REVALENZ_POOL": str(pool), "REVALENZ_TRUSTED_PROXIES": "0", "RUST_LOG": "warn",
        }
        if function == "notifications":
            settings["REVALENZ_MAIL_FOLDER"] = str(self.place.local / "outbox")
        if function == "relay":
            manifest = self.place.scratch / "manifest.json"
            manifest.write_text('{"subscriptions": []}')
            settings |= {"REVALENZ_MANIFEST": str(manifest), "REVALENZ_FUNCTION_URLS": "{}"}
        return self.place.start(function, **settings), port

    def cold_start(self, function, times):
        """Returns milliseconds from exec to the first database response, and idle memory after a second."""
        took = []
        for _ in range(times):
            began = time.monotonic()
            process, port = self.start(function, 4)
            while not answers(port):
                if process.poll() is not None or time.monotonic() - began > 20:
                    sys.exit(f"{function} does not start:\n{self.place.log.read_text()[-2000:]}")
                time.sleep(0.0005)
            took.append((time.monotonic() - began) * 1000)
            idle = resident_megabytes(process.pid)
            self.place.end(process)
        return {"median": statistics.median(took), "least": min(took), "idle": idle}


def measure(options):
    with Place(options.programs) as place:
        print("starting a platform, loading 100,000 tickets", flush=True)
        platform = place.platform()
        token = place.sign_in("admin")
        demo = place.demo()
        tenant = demo["id"]
        place.sql((HERE / "tickets.sql").read_text(), tenant=tenant, requester=demo["users"]["customer"]["id"])
        idle_platform = resident_megabytes(platform.pid)
        place.end(platform)
        # Created by the platform; the first line of the file is the postmaster's pid.
        note = json.loads((place.local / "postgres.json").read_text())
        postmaster = int(pathlib.Path(note["data_dir"], "postmaster.pid").read_text().splitlines()[0])
        place.sql("checkpoint")

        functions = Functions(place)
        starts = {function: functions.cold_start(function, options.starts) for function in FUNCTIONS
                  if (place.programs / function).exists()}
        print(json.dumps(starts), flush=True)

        made = scripts(place.scratch, tenant)
        login, admin = functions.urls["support"], place.admin_url()
        process, port = functions.start("support", options.pool)
        place.until_ready(process, port)
        results, beside = {}, {}
        seconds = options.seconds

        def run(name, load, connections):
            results[name] = wrk(load, port, token, connections, seconds, process.pid, postmaster)
            print(name, json.dumps(results[name]), flush=True)

        def compare(name, url):
            beside[name] = pgbench(made[name], url, options.pool, seconds, postmaster)
            print("pgbench", name, json.dumps(beside[name]), flush=True)

        wrk("get", port, token, 64, 1, process.pid, postmaster)
        for _ in range(options.rounds):
            # In parallel, best of several, because other load on the machine varies.
            earlier, earlier_beside = dict(results), dict(beside)
            compare("get, bare query", admin)
            run("get", "get", 64)
            compare("get, transaction", login)
            run("list", "list", 64)
            compare("list, transaction", login)
            for kept, now in ((earlier, results), (earlier_beside, beside)):
                for name, old in kept.items():
                    if old["rate"] > now[name]["rate"]:
                        now[name] = old
        run("create", "create", 64)
        run("mixed", "mixed", 64)
        run("mixed, 1,000 connections", "mixed", 1000)
        results["mixed, 10,000 a minute"] = steady(port, token, max(seconds, 10))
        after = resident_megabytes(process.pid)
        place.end(process)
        return report(options, starts, results, beside, idle_platform, after)


def report(options, starts, results, beside, idle_platform, after):
    transaction, bare = beside["get, transaction"], beside["get, bare query"]
    listed = beside["list, transaction"]
    rows = [("get by id / same transaction in pgbench", results["get"]["rate"] / transaction["rate"], "≥ 0.35"),
            ("get by id / bare query in pgbench", results["get"]["rate"] / bare["rate"], "≥ 0.12"),
            ("list of 20 / same transaction in pgbench", results["list"]["rate"] / listed["rate"], "")]
    lines = ["| load | requests/s | p50 ms | p95 ms | p99 ms | errors | function µs | database µs |", "|---|---|---|---|---|---|---|---|"]
    for name, one in results.items():
        errors = one["refused"] + one["broken"] + one["late"]
        lines.append(f"| {name} | {one['rate']:,.0f} | {one['p50']:.1f} | {one['p95']:.1f} | {one['p99']:.1f} | {errors} | "
                     + " | ".join(f"{one[key]:.0f}" if key in one else "" for key in ("function_us", "database_us")) + " |")
    for name, one in beside.items():
        lines.append(f"| pgbench: {name} | {one['rate']:,.0f} | | | | 0 | {one['client_us']:.0f} (pgbench) | {one['database_us']:.0f} |")
    lines += ["", "| ratio in this run | is | floor |", "|---|---|---|"]
    lines += [f"| {name} | {value:.2f} | {floor} |" for name, value, floor in rows]
    lines += ["", "| process | exec to first answer from the database, ms (least) | resident idle, MB |", "|---|---|---|"]
    lines += [f"| {name} | {one['median']:.1f} ({one['least']:.1f}) | {one['idle']:.1f} |" for name, one in starts.items()]
    lines += [f"| platform, all of them | | {idle_platform:.1f} |",
              f"| support, after all loads | | {after:.1f} |"]
    return "\n".join(lines), rows, results, starts


def processor():
    info = pathlib.Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.*)", info.read_text()) if info.exists() else None
    return found[1] if found else machine.machine()


def write(options, table):
    """Writes the measured part of docs/performance.md; the part after the mark is written by hand."""
    path = ROOT / "docs/performance.md"
    mark = "<!-- measured above -->"
    kept = path.read_text().split(mark, 1)[1] if path.exists() and mark in path.read_text() else "\n"
    load = os.getloadavg()[2]
    command = f"SECONDS_EACH={options.seconds} POOL={options.pool} PROFILE={options.profile} make bench"
    path.write_text(f"""# Performance

Measured from outside with wrk on one tenant of 100,000 tickets, one function with {options.pool} database connections, beside
pgbench with {options.pool} connections and the same SQL in the same run. Function, database and load generator share the machine, so
requests a second are lower bounds; the ratios are what to compare.

`{command}`, {datetime.date.today().isoformat()}, {processor()}, {os.cpu_count()} cores, PostgreSQL on the same machine,
load average before and during the run {load:.1f}.

{table}

{mark}{kept}""")


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("programs")
    parse.add_argument("--profile", default="release")
    parse.add_argument("--seconds", type=int, default=8)
    parse.add_argument("--pool", type=int, default=16)
    parse.add_argument("--rounds", type=int, default=2)
    parse.add_argument("--starts", type=int, default=9)
    parse.add_argument("--write", action="store_true")
    options = parse.parse_args()
    for program in ("wrk", "pgbench"):
        if not shutil.which(program):
            sys.exit(f"{program} is missing: apt-get install -y wrk postgresql-contrib")
    table, ratios, results, starts = measure(options)
    print(table)
    if options.write:
        write(options, table)
    below = [name for name, value, floor in ratios if floor and value < float(floor[2:])]
    steady_one = results["mixed, 10,000 a minute"]
    many = results["mixed, 1,000 connections"]
    below += ["p95 at 10,000 a minute"] * (steady_one["p95"] >= 20)
    below += ["errors at 10,000 a minute"] * (steady_one["refused"] > 0)
    below += ["errors with 1,000 connections"] * (many["refused"] + many["broken"] + many["late"] > 0)
    below += [f"{name} idle" for name, one in starts.items() if one["idle"] >= 20]
    below += [f"start of {name}" for name, one in starts.items() if one["median"] >= 25]
    if below:
        sys.exit("below the floor: " + ", ".join(below))


main()
