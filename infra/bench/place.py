"""A temporary environment for benchmarks and crash tests: a folder, a private cluster and a platform, all removed afterwards."""

import contextlib
import http.client
import json
import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
TENANT = "demo"
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def answers(port, path="/readyz", address="127.0.0.1"):
    """Whether a GET on a new connection returns 200."""
    try:
        with socket.create_connection((address, port), timeout=10) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nhost: {address}:{port}\r\nconnection: close\r\n\r\n".encode())
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def settings_of(path):
    """Reads settings written by `platform prepare`."""
    return dict(shlex.split(line)[0].split("=", 1) for line in path.read_text().splitlines())


class Place:
    """Binaries from `programs` (a folder of the target directory), local files in a separate folder."""

    def __init__(self, programs):
        self.programs = pathlib.Path(programs)
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="revalenz-"))
        self.local = self.scratch / "local"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.running = []
        self.log = self.scratch / "log"
        # Additional settings of every binary.
        self.settings = {}
        self.broker = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.running:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait()
        if self.broker:
            # The script stops the broker at the end of its input.
            self.broker.communicate()
        subprocess.run([str(self.programs / "local-postgres"), "stop", "--local-dir", str(self.local), "--name", "postgres"],
                       check=False, stderr=subprocess.DEVNULL)
        self.forget_cluster()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def forget_cluster(self):
        """For root, the data is outside of the folder (the note says where)."""
        for note in self.local.glob("*.json"):
            with contextlib.suppress(ValueError, AttributeError):
                data = json.loads(note.read_text()).get("data_dir", "")
                if data.startswith("/var/lib/revalenz/"):
                    shutil.rmtree(data, ignore_errors=True)
                    pathlib.Path(data + ".log").unlink(missing_ok=True)

    @staticmethod
    def bare():
        """The environment without variables that select another database or are rejected as unknown."""
        return {name: value for name, value in os.environ.items()
                if name not in ("DATABASE_URL", "PUBLIC_URL", "PORT") and not name.startswith("REVALENZ_")}

    def start(self, program, **settings):
        """Starts a binary; it is stopped with this environment at the latest."""
        environment = {**self.bare(), "LOCAL_DIR": str(self.local), "RUST_LOG": "warn", **self.settings, **settings}
        with self.log.open("ab") as log:
            process = subprocess.Popen([str(self.programs / program)], env=environment, stdout=log, stderr=log,
                                       cwd=ROOT, start_new_session=True)
        self.running.append(process)
        return process

    def prepare(self):
        """Runs `platform prepare`; the settings of each function are then in `processes`."""
        with self.log.open("ab") as log:
            subprocess.run([str(self.programs / "platform"), "prepare"], check=True, cwd=ROOT, stdout=log, stderr=log,
                           env={**self.bare(), "LOCAL_DIR": str(self.local), "PORT": str(self.port)})
        return self.local / "processes"

    def platform(self, wait=120.0, **settings):
        """Starts the platform and waits until it is ready."""
        process = self.start("platform", PORT=str(self.port), **settings)
        self.until_ready(process, self.port, wait)
        return process

    def until_ready(self, process, port, wait=60.0, path="/readyz", address="127.0.0.1"):
        end = time.monotonic() + wait
        while time.monotonic() < end:
            if process.poll() is not None:
                raise RuntimeError(f"it exited at its start:\n{self.log.read_text()[-3000:]}")
            if answers(port, path, address):
                return
            time.sleep(0.005)
        raise RuntimeError(f"it is not ready after {wait} s:\n{self.log.read_text()[-3000:]}")

    def start_broker(self):
        """Starts a private RabbitMQ and uses it as the event bus from now on."""
        command = [str(ROOT / "infra/scripts/broker.sh"), str(self.scratch / "broker")]
        self.broker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        url = self.heard("ready")
        self.settings |= {"REVALENZ_BUS": "rabbitmq", "REVALENZ_AMQP_URL": f"{url}/0"}

    def tell_broker(self, command, word):
        """Sends `stop` or `start` and waits until it is done."""
        self.broker.stdin.write(f"{command}\n")
        self.broker.stdin.flush()
        self.heard(word)

    def heard(self, word):
        line = self.broker.stdout.readline().strip()
        if not line.startswith(word):
            raise RuntimeError(f"RabbitMQ answered {line!r}, expected {word}")
        return line.removeprefix(word).strip()

    def end(self, process, how=signal.SIGTERM):
        process.send_signal(how)
        process.wait()
        self.running.remove(process)

    def demo(self):
        return json.loads((self.local / "demo.json").read_text())["tenants"][TENANT]

    def sign_in(self, person, port=None):
        """Returns an access token."""
        one = self.demo()["users"][person]
        body = json.dumps({"tenant": TENANT, "email": one["email"], "password": one["password"]}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{port or self.port}/api/auth/login", body,
                                         {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)["access_token"]

    def admin_url(self, database="postgres"):
        made = subprocess.run([str(self.programs / "local-postgres"), "url", "--local-dir", str(self.local),
                               "--name", "postgres", "--database", database],
                              check=True, capture_output=True, text=True)
        return made.stdout.strip()

    def sql(self, text, **variables):
        """Runs SQL as an administrator who sees all rows; returns lines of fields."""
        command = ["psql", self.admin_url(), "-XqAt", "-F", "\t", "-v", "ON_ERROR_STOP=1"]
        for name, value in variables.items():
            command += ["-v", f"{name}={value}"]
        made = subprocess.run(command, input=text, check=True, capture_output=True, text=True)
        return [line.split("\t") for line in made.stdout.splitlines()]


def processor_seconds(pid):
    """User and system time of a process and of its exited children."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return sum(int(field) for field in fields[11:15]) / TICKS


def resident_megabytes(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def children(pid):
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            text = entry.read_text()
            if int(text.rsplit(") ", 1)[1].split()[1]) == pid:
                found.append(int(entry.parent.name))
    return found


def database_seconds(postmaster):
    """CPU time of the whole cluster."""
    total = processor_seconds(postmaster)
    for child in children(postmaster):
        with contextlib.suppress(OSError):
            total += processor_seconds(child)
    return total


class Client:
    """A keep-alive connection that reconnects after a failure."""

    def __init__(self, port, timeout=15):
        self.port, self.timeout, self.connection = port, timeout, None

    def call(self, method, path, token, body=None, headers=None):
        """Returns status and document; raises `OSError` or `HTTPException` if the server is down."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
        named = {"authorization": f"Bearer {token}", **(headers or {})}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            named["content-type"] = "application/json"
        try:
            self.connection.request(method, path, data, named)
            answer = self.connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            self.connection = None
            raise
        return answer.status, json.loads(text) if text else None
