"""Measures size, start-up time in a container, and memory of each image. Prints a Markdown table.

images.py PROGRAMS: a folder with the binaries that prepare the environment (the debug build). TAG and REGISTRY as for images.sh.
"""

import http.client
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

from place import ROOT, Client, Place, free_port, resident_megabytes, settings_of

STARTS = int(os.environ.get("STARTS") or 5)
REQUESTS = 100
# A list from the database for a signed-in user; other functions are asked for readiness.
ASKED = {"identity": "/api/users?limit=20", "tenancy": "/api/features", "support": "/api/tickets?limit=20", "files": "/api/files"}
LIMITS = {"files": 25, "relay": 25, "platform": None}
RUNNER = str(ROOT / "infra/scripts/in-container.sh")


def image(name):
    return f"{os.environ.get('REGISTRY') or 'localhost/revalenz'}/{name}:{os.environ.get('TAG') or 'latest'}"


def megabytes(name):
    return int(subprocess.run(["podman", "image", "inspect", "--format", "{{.Size}}", image(name)],
                              check=True, capture_output=True, text=True).stdout) / 1e6


def milliseconds_until(port, path, began, process):
    while True:
        if process.poll() is not None:
            sys.exit("a container exited at its start")
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return (time.monotonic() - began) * 1000
        # A connection to a closed port of the ephemeral range may connect to itself.
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(0.001)


def start(place, name, settings):
    """Returns the process, and the times to the first response and to the first database response."""
    environment = {**place.bare(), **settings, **{key: os.environ[key] for key in ("TAG", "REGISTRY") if key in os.environ}}
    port = int(settings["PORT"])
    with place.log.open("ab") as log:
        began = time.monotonic()
        process = subprocess.Popen([RUNNER, name], env=environment, stdout=log, stderr=log, cwd=ROOT, start_new_session=True)
    place.running.append(process)
    alive = milliseconds_until(port, "/healthz", began, process)
    return process, alive, milliseconds_until(port, "/readyz", began, process)


def program_of(name):
    """Returns the process of the only container of this image."""
    listed = subprocess.run(["podman", "ps", "--no-trunc", "--filter", f"ancestor={image(name)}", "--format", "{{.Pid}}"],
                            check=True, capture_output=True, text=True).stdout.split()
    if len(listed) != 1:
        sys.exit(f"{len(listed)} containers of {name} are running; stop all others")
    return int(listed[0])


def bare_start(name, settings, place):
    """Measures the same binary without a container: exec to the first response."""
    folder = pathlib.Path(os.environ["BARE"])
    port = free_port()
    times = []
    for _ in range(STARTS * 2):
        began = time.monotonic()
        process = subprocess.Popen([str(folder / name)], env={**place.bare(), **settings, "PORT": str(port)}, cwd=ROOT,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        alive = milliseconds_until(port, "/healthz", began, process)
        times.append((alive, milliseconds_until(port, "/readyz", began, process)))
        process.kill()
        process.wait()
    return [statistics.median(column) for column in zip(*times)]


def main():
    with Place(sys.argv[1]) as place:
        folder = place.prepare()
        names = [one["name"] for one in json.loads((ROOT / "infra/manifest.json").read_text())["functions"]]
        token, rows = None, []
        for name in names:
            settings = settings_of(folder / f"{name}.env") | {"RUST_LOG": "warn"}
            starts = []
            for turn in range(STARTS):
                process, alive, ready = start(place, name, settings)
                starts.append((alive, ready))
                if turn + 1 < STARTS:
                    place.end(process)
            port = int(settings["PORT"])
            if name == "identity":
                token = place.sign_in("admin", port)
            pid = program_of(name)
            idle = resident_megabytes(pid)
            client = Client(port)
            path = ASKED.get(name, "/readyz")
            for _ in range(REQUESTS):
                status, document = client.call("GET", path, token)
                if status != 200:
                    sys.exit(f"{name} answers {status} {document}")
            after = resident_megabytes(pid)
            if name != "identity":
                place.end(process)
            alive, ready = (statistics.median(column) for column in zip(*starts))
            bare = [f"{value:.0f}" for value in bare_start(name, settings, place)] if os.environ.get("BARE") else ["", ""]
            rows.append([name, f"{megabytes(name):.1f}", str(LIMITS.get(name, 15)), f"{alive:.0f}", f"{ready:.0f}", *bare, f"{idle:.0f}", f"{after:.0f}"])
        for name in ("platform", "migrate"):
            limit = LIMITS.get(name, 15)
            rows.append([name, f"{megabytes(name):.1f}", str(limit or ""), "", "", "", "", "", ""])
        for process in list(place.running):
            place.end(process)
    print("| image | MB | limit | `podman run` to /healthz, ms | to the first database response, ms | binary alone, ms | to the database, ms "
          f"| resident, MB | after {REQUESTS} requests, MB |")
    print("|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
