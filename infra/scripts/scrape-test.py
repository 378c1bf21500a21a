"""Runs a real Prometheus with the configuration of the server against every function as a process, and checks that all targets are
up, all rules evaluate, and all metrics in rules and dashboards exist. Also checks the log format on Cloud Run.

scrape-test.py PROGRAMS PROMETHEUS
"""

import datetime
import json
import pathlib
import re
import subprocess
import sys
import time
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench"))
from place import ROOT, Client, Place, free_port, settings_of  # noqa: E402

OBSERVABILITY = ROOT / "infra/observability"
# Metrics that appear only after an event that this test does not cause.
RARE = {"events_parked_total", "events_retried_total", "events_unreachable_total", "http_requests_shed_total", "job_runs_total"}
WORDS = set("abs absent and avg bool by count group_left group_right histogram_quantile ignoring increase max min max_over_time "
            "min_over_time offset on or rate sum topk unless without".split())
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def metrics_of(expression):
    """Returns the metric names in PromQL."""
    text = re.sub(r'"[^"]*"', "", expression)
    text = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\b(by|on|ignoring|without)\s*\([^)]*\)", " ", text)
    return {name for name in re.findall(r"(?<![\w:$])[a-z_:][a-zA-Z0-9_:]*", text) if name not in WORDS}


def expressions():
    """Returns each metric name with its location."""
    for path in sorted((OBSERVABILITY / "rules").glob("*.yml")):
        for line in path.read_text().splitlines():
            if found := re.match(r"\s+expr: (.*)", line):
                yield path.name, found[1]
    for path in sorted((OBSERVABILITY / "grafana/dashboards").glob("*.json")):
        for found in re.findall(r'"expr":\s*("(?:[^"\\]|\\.)*")', path.read_text()):
            yield path.name, json.loads(found)


class Prometheus:
    def __init__(self, port):
        self.port = port

    def ask(self, path, **query):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    def query(self, expression):
        return [(one["metric"], float(one["value"][1])) for one in self.ask("query", query=expression)["result"]]


def configuration(ports, folder):
    """The server's configuration, with addresses instead of names and a short interval."""
    text = (OBSERVABILITY / "prometheus.yml").read_text()
    whole = json.loads(text[text.index("{"):])
    whole["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    whole["rule_files"] = [str(OBSERVABILITY / "rules/*.yml")]
    jobs = {job["job_name"] for job in whole["scrape_configs"]} - {"rabbitmq"}
    if jobs != set(ports):
        sys.exit(f"Prometheus is configured for {sorted(jobs)}, running are {sorted(ports)}")
    whole["scrape_configs"] = [{"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]} for name, port in ports.items()]
    path = folder / "prometheus.yml"
    path.write_text(json.dumps(whole))
    return path


def start(place, prometheus):
    folder = place.prepare()
    ports, processes = {}, []
    for path in sorted(folder.glob("*.env")):
        if path.stem in ("platform", "clock"):
            continue
        settings = settings_of(path)
        if path.stem == "support":
            settings |= {"K_SERVICE": "support", "GOOGLE_CLOUD_PROJECT": "a-project", "RUST_LOG": "info"}
        ports[path.stem] = int(settings["PORT"])
        log = (place.scratch / f"{path.stem}.log").open("wb")
        process = subprocess.Popen([str(place.programs / path.stem)], env={**place.bare(), **settings}, stdout=log, stderr=log, cwd=ROOT,
                                   start_new_session=True)
        place.running.append(process)
        processes.append((process, ports[path.stem]))
    port = free_port()
    config = configuration(ports, place.scratch)
    with place.log.open("ab") as log:
        process = subprocess.Popen([prometheus, f"--config.file={config}", f"--storage.tsdb.path={place.scratch / 'tsdb'}",
                                    f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log, start_new_session=True)
    place.running.append(process)
    for one, listening in processes:
        place.until_ready(one, listening)
    place.until_ready(process, port, path="/-/ready")
    return ports, Prometheus(port)


def requests(place, ports):
    """Causes each kind of metric: sign-in, write (with an event and a mail), read, error."""
    token = place.sign_in("customer", ports["identity"])
    client = Client(ports["support"])
    headers = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    made = client.call("POST", "/api/v1/tickets", token, {"title": "Scraped"}, headers)
    if made[0] != 201:
        sys.exit(f"creating a ticket returned {made}")
    # Repeated over time: a rate needs two samples.
    for _ in range(3):
        client.call("GET", "/api/v1/tickets", token, headers=headers)
        time.sleep(1)
    client.call("GET", "/api/v1/tickets/nothing", token, headers=headers)


def check_metrics(prometheus, ports):
    wrong = []
    wanted = {}
    for place, expression in expressions():
        for name in metrics_of(expression):
            wanted.setdefault(name, place)
    end = time.monotonic() + 20
    while True:
        up = {metric["job"]: value for metric, value in prometheus.query("up")}
        there = set(prometheus.ask("label/__name__/values"))
        missing = set(wanted) - there - RARE
        if up == dict.fromkeys(ports, 1.0) and not missing or time.monotonic() > end:
            break
        time.sleep(0.2)
    if up != dict.fromkeys(ports, 1.0):
        wrong.append(f"not every function is up: {up}")
    wrong += [f"{wanted[name]} speaks of {name}, which nobody tells" for name in sorted(missing)]
    source = "".join(path.read_text() for folder in ("functions", "shared") for path in (ROOT / folder).glob("*/src/**/*.rs"))
    wrong += [f"{wanted[name]} speaks of {name}, which nobody counts" for name in sorted(set(wanted) & RARE) if f'"{name}"' not in source]
    for name in ports:
        pool = {metric["state"]: value for metric, value in prometheus.query(f'db_pool_connections{{job="{name}"}}')}
        limit = [value for _, value in prometheus.query(f'db_pool_limit{{job="{name}"}}')]
        if set(pool) != {"idle", "in_use"} or not limit or not 0 < sum(pool.values()) <= limit[0]:
            wrong.append(f"the pool of {name}: {pool} of {limit}")
    rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
    wrong += [f"{rule['name']}: {rule.get('lastError')}" for rule in rules if rule["health"] == "err"]
    wrong += [f"{rule['name']} sounds: {rule['alerts']}" for rule in rules if rule.get("state") == "firing"]
    print(f"{len(ports)} functions are up, {len(there)} metrics exist, {len(wanted)} are in use, {len(rules)} rules evaluate; "
          f"only after something happened: {', '.join(sorted(set(wanted) & RARE - there))}")
    return wrong


def check_lines(place):
    """Cloud Logging's special fields: https://cloud.google.com/logging/docs/structured-logging."""
    wrong, traced = [], 0
    lines = (place.scratch / "support.log").read_text().splitlines()
    for text in lines:
        try:
            line = json.loads(text)
            datetime.datetime.fromisoformat(re.sub(r"\.(\d{6})\d*Z", r".\1+00:00", line["time"]))
            place_of = line["logging.googleapis.com/sourceLocation"]
            good = line["severity"] in ("DEBUG", "INFO", "WARNING", "ERROR") and isinstance(line["message"], str) \
                and isinstance(place_of["file"], str) and place_of["line"].isdigit()
            if line["message"] == "request":
                request = line["httpRequest"]
                good = good and isinstance(request["status"], int) and request["requestMethod"] and isinstance(request["requestUrl"], str) \
                    and re.fullmatch(r"\d+\.\d+s", request["latency"])
            if "logging.googleapis.com/trace" in line:
                traced += 1
                good = good and line["logging.googleapis.com/trace"] == f"projects/a-project/traces/{TRACE}" \
                    and line["logging.googleapis.com/spanId"] == "00f067aa0ba902b7" and line["logging.googleapis.com/trace_sampled"] is True
        except (ValueError, KeyError, TypeError):
            good = False
        if not good:
            wrong.append(f"no line for Cloud Logging: {text}")
    if traced < 3:
        wrong.append(f"{traced} of {len(lines)} lines say their trace")
    print(f"{len(lines)} lines in Cloud Logging's format, {traced} of them with the same trace")
    return wrong


def main():
    with Place(sys.argv[1]) as place:
        ports, prometheus = start(place, sys.argv[2])
        requests(place, ports)
        wrong = check_metrics(prometheus, ports) + check_lines(place)
    for sentence in wrong:
        print("WRONG:", sentence)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
