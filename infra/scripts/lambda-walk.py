"""Tests functions on an AWS Lambda emulator: from sign-in to a ticket and its file, with events of HTTP APIs (2.0) and
REST APIs (1.0). The same binary runs as a server; both must give the same responses.

lambda-walk.py PROGRAMS CARGO-LAMBDA
"""

import base64
import concurrent.futures
import gzip
import http.client
import json
import pathlib
import socket
import subprocess
import sys
import time
import urllib.parse
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench"))
from place import TENANT, Place, free_port, settings_of  # noqa: E402

FUNCTIONS = ("identity", "support", "files")
STAGE = "prod"
# Headers that differ between responses, and headers that only a server sends.
PASSING = {"x-request-id", "date", "content-length", "connection", "transfer-encoding", "ratelimit", "ratelimit-policy"}
# Starts like text but is not valid UTF-8: a byte order mark followed by Latin-1.
ODD = b"\xef\xbb\xbfGr\xfc\xdfe aus dem S\xfcden\r\n"


def fail(sentence):
    raise SystemExit(f"lambda-walk: {sentence}")


def check(right, sentence):
    if not right:
        fail(sentence)


class Answer:
    """Status, headers with all values, body."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def one(self, name):
        lines = self.headers.get(name)
        check(lines and len(lines) == 1, f"{name} is {lines}")
        return lines[0]

    def told(self):
        """The parts that must be equal on Lambda and on a server."""
        headers = {name: ", ".join(lines) for name, lines in self.headers.items() if name not in PASSING}
        body = self.body
        if "problem+json" in headers.get("content-type", ""):
            body = {**json.loads(body), "request_id": None}
        return self.status, headers, body


class Gateway:
    """Converts requests to events and sends them to the runtime, like the gateway."""

    def __init__(self, place, tool, port, version):
        self.place, self.tool, self.port, self.version = place, tool, port, version
        self.complaint = ""

    def event(self, method, path, query, headers, body):
        packed = isinstance(body, bytes)
        text = base64.b64encode(body).decode() if packed else body
        lines = {name.lower(): value for name, value in headers.items()}
        if self.version == 2:
            return {
                "version": "2.0", "routeKey": "$default", "rawPath": f"/{STAGE}{path}", "rawQueryString": urllib.parse.urlencode(query),
                "headers": {"host": "api.example.org", "x-forwarded-proto": "https", **lines},
                "requestContext": {"accountId": "1", "apiId": "a", "domainName": "api.example.org", "stage": STAGE, "requestId": "r",
                                   "http": {"method": method, "path": f"/{STAGE}{path}", "protocol": "HTTP/1.1", "sourceIp": "203.0.113.9"}},
                "body": text, "isBase64Encoded": packed,
            }
        values = {}
        for name, value in query:
            values.setdefault(name, []).append(value)
        return {
            "resource": "/{proxy+}", "path": path, "httpMethod": method,
            "headers": {"Host": "api.example.org", **lines},
            "multiValueHeaders": {"Host": ["api.example.org"], **{name: [value] for name, value in lines.items()}},
            "queryStringParameters": {name: several[-1] for name, several in values.items()} or None,
            "multiValueQueryStringParameters": values or None,
            "requestContext": {"accountId": "1", "apiId": "a", "stage": STAGE, "requestId": "r", "httpMethod": method, "path": f"/{STAGE}{path}",
                               "identity": {"sourceIp": "203.0.113.9"}},
            "body": text, "isBase64Encoded": packed,
        }

    def invoke(self, function, event):
        """Returns the function's result for an event, as printed by `cargo lambda invoke`; `None` on failure."""
        file = self.place.scratch / f"{uuid.uuid4().hex}.json"
        file.write_text(json.dumps(event) if isinstance(event, dict) else event)
        made = subprocess.run([self.tool, "lambda", "invoke", "-A", "127.0.0.1", "-P", str(self.port), "-F", str(file), function],
                              capture_output=True, text=True, timeout=60, check=False, cwd=self.place.scratch)
        file.unlink()
        if made.returncode:
            self.complaint = made.stderr
            return None
        return json.loads(made.stdout)

    def ask(self, function, method, path, query=(), headers=None, body=None):
        given = self.invoke(function, self.event(method, path, list(query), headers or {}, body))
        check(given and "statusCode" in given, f"{method} {path} by events {self.version}.0 gives {given} {self.complaint}")
        headers = {name: list(lines) for name, lines in (given.get("multiValueHeaders") or {}).items()}
        for name, line in (given.get("headers") or {}).items():
            headers.setdefault(name, [line])
        if given.get("cookies"):
            headers["set-cookie"] = given["cookies"]
        body = given.get("body") or ""
        body = base64.b64decode(body, validate=True) if given["isBase64Encoded"] else body.encode()
        return Answer(given["statusCode"], headers, body)


class Server:
    """The same binary as a server."""

    def __init__(self, ports):
        self.ports = ports

    def ask(self, function, method, path, query=(), headers=None, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[function], timeout=20)
        if query:
            path += "?" + urllib.parse.urlencode(list(query))
        connection.request(method, urllib.parse.quote(path, safe="/?&=%+"), body, headers or {})
        answer = connection.getresponse()
        headers = {}
        for name, line in answer.getheaders():
            headers.setdefault(name.lower(), []).append(line)
        answer = Answer(answer.status, headers, answer.read())
        connection.close()
        return answer


def main():
    programs, tool = sys.argv[1:]
    with Place(programs) as place:
        folder = place.prepare()
        port, ports, running = free_port(), {}, {}
        # cargo-lambda only works inside a project, although it starts no binary of it.
        (place.scratch / "src").mkdir()
        (place.scratch / "src/main.rs").write_text("fn main() {}\n")
        (place.scratch / "Cargo.toml").write_text('[package]\nname = "functions"\nedition = "2024"\n[workspace]\n'
                                                  + "".join(f'[[bin]]\nname = "{name}"\npath = "src/main.rs"\n' for name in FUNCTIONS))
        with place.log.open("ab") as log:
            runtime = subprocess.Popen([tool, "lambda", "watch", "--only-lambda-apis", "--invoke-address", "127.0.0.1", "--invoke-port", str(port)],
                                       cwd=place.scratch, stdout=log, stderr=log, env=place.bare(), start_new_session=True)
        place.running.append(runtime)
        listening(runtime, port, place)
        for name in FUNCTIONS:
            settings = settings_of(folder / f"{name}.env")
            ports[name] = int(settings["PORT"])
            place.start(name, **settings)
            running[name] = place.start(name, **settings, **runtime_of(name, port))
        relay_stays_out(place, folder, port)
        for name in FUNCTIONS:
            place.until_ready(place.running[-1], ports[name])
        server = Server(ports)
        for version in (2, 1):
            began = time.monotonic()
            gateway = Gateway(place, tool, port, version)
            walk(gateway, server, place.demo()["users"])
            print(f"events {version}.0: from sign-in to a ticket and its file, in {time.monotonic() - began:.1f} s")
        for name, process in running.items():
            check(process.poll() is None, f"{name} ended:\n{place.log.read_text()[-3000:]}")


def runtime_of(name, port):
    """Environment of a function on AWS."""
    return {"AWS_LAMBDA_RUNTIME_API": f"http://127.0.0.1:{port}/.rt/{name}", "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_VERSION": "1", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256"}


def listening(runtime, port, place):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        check(runtime.poll() is None, f"cargo lambda watch ended:\n{place.log.read_text()[-3000:]}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        except OSError:
            time.sleep(0.02)
    fail("cargo lambda watch does not open its port")


def relay_stays_out(place, folder, port):
    settings = settings_of(folder / "relay.env")
    environment = {**place.bare(), "LOCAL_DIR": str(place.local), **settings, **runtime_of("relay", port)}
    made = subprocess.run([str(place.programs / "relay")], env=environment, capture_output=True, text=True, timeout=30, check=False)
    check(made.returncode != 0 and "AWS Lambda" in made.stderr, f"the relay starts on Lambda: {made}")


def walk(gateway, server, people):
    def same(wanted, function, method, path, query=(), headers=None, body=None):
        """Sends the request both ways and compares the responses."""
        theirs = gateway.ask(function, method, path, query, headers, body)
        ours = server.ask(function, method, path, query, headers, body)
        check(theirs.status == wanted, f"{theirs.status} instead of {wanted}: {method} {path}: {theirs.body[:500]}")
        check(theirs.told() == ours.told(), f"{method} {path} differs:\n{theirs.told()}\nand as a server\n{ours.told()}")
        return theirs

    def sign_in(person):
        one = people[person]
        answer = gateway.ask("identity", "POST", "/api/v1/auth/login", headers={"content-type": "application/json"},
                             body=json.dumps({"tenant": TENANT, "email": one["email"], "password": one["password"]}))
        check(answer.status == 200, f"the sign-in gives {answer.status} {answer.body[:500]}")
        return {"authorization": f"Bearer {answer.json()['access_token']}"}

    user = sign_in("customer")
    typed = {**user, "content-type": "application/json"}
    title = f"Grüße aus {uuid.uuid4().hex}"

    # Create tickets with a text body and a base64 body.
    made = gateway.ask("support", "POST", "/api/v1/tickets", headers=typed, body=json.dumps({"title": title}))
    check(made.status == 201, f"the ticket gives {made.status} {made.body[:500]}")
    ticket = made.json()["id"]
    check(made.one("location").endswith(ticket) and made.one("etag"), f"headers of the ticket: {made.headers}")
    packed = gateway.ask("support", "POST", "/api/v1/tickets", headers=typed, body=json.dumps({"title": title}, ensure_ascii=False).encode())
    check(packed.status == 201 and packed.json()["title"] == title, f"a body in base64 gives {packed.status} {packed.body[:500]}")
    squeezed = gateway.ask("support", "POST", "/api/v1/tickets", headers={**typed, "content-encoding": "gzip"},
                           body=gzip.compress(json.dumps({"title": title}).encode()))
    check(squeezed.status == 201, f"a body in gzip gives {squeezed.status} {squeezed.body[:500]}")

    # Read, update, list.
    read = same(200, "support", "GET", f"/api/v1/tickets/{ticket}", headers=user)
    check(read.json()["title"] == title, "the ticket has another title")
    same(304, "support", "GET", f"/api/v1/tickets/{ticket}", headers={**user, "if-none-match": read.one("etag")})
    changed = gateway.ask("support", "PATCH", f"/api/v1/tickets/{ticket}", headers={**typed, "if-match": read.one("etag")},
                          body=json.dumps({"title": title + "!"}))
    check(changed.status == 200 and changed.json()["title"] == title + "!", f"the change gives {changed.status} {changed.body[:500]}")
    same(412, "support", "PATCH", f"/api/v1/tickets/{ticket}", headers={**typed, "if-match": read.one("etag")}, body='{"title": "a"}')
    listed = same(200, "support", "GET", "/api/v1/tickets", [("limit", "2"), ("sort", "-created"), ("status", "open"), ("count", "true")], user)
    check(len(listed.json()["items"]) == 2, f"the list has {listed.body[:500]}")
    more = same(200, "support", "GET", "/api/v1/tickets", [("limit", "1"), ("q", title.split()[-1])], user)
    check(more.json()["items"], "nothing is found")
    same(200, "support", "GET", "/api/v1/tickets", [("q", "a b&c=ü+%20/?#")], user)
    squeezed = same(200, "support", "GET", "/api/v1/tickets", [("limit", "5")], {**user, "accept-encoding": "gzip"})
    check(squeezed.one("content-encoding") == "gzip" and json.loads(gzip.decompress(squeezed.body))["items"], "the list is not packed")

    # Errors are problem documents in both cases.
    same(401, "support", "GET", f"/api/v1/tickets/{ticket}")
    same(401, "support", "GET", f"/api/v1/tickets/{ticket}", headers={"authorization": "Bearer nonsense", "accept-language": "de"})
    same(404, "support", "GET", f"/api/v1/tickets/{uuid.uuid4()}", headers=user)
    same(404, "support", "GET", "/api/v1/nowhere", headers=user)
    same(404, "support", "GET", "/")
    same(404, "support", "GET", "/api/v1/tickets/a b", headers=user)
    same(405, "support", "DELETE", "/api/v1/tickets", headers=user)
    same(422, "support", "POST", "/api/v1/tickets", headers=typed, body='{"title": ""}')
    same(400, "support", "POST", "/api/v1/tickets", headers=typed, body='{"title": ')
    same(415, "support", "POST", "/api/v1/tickets", headers={**user, "content-type": "text/plain"}, body="hello")
    twice = gateway.ask("support", "GET", "/api/v1/tickets", [("status", "open"), ("status", "closed")], user)
    again = server.ask("support", "GET", "/api/v1/tickets", [("status", "open"), ("status", "closed")], user)
    check(twice.told() == again.told() and twice.status >= 400, f"two values differ:\n{twice.told()}\n{again.told()}")

    # Invalid events: each fails on its own, and the process handles the next one.
    for nonsense in ('{"hello": 1}', "[]", "null",
                     json.dumps({**gateway.event("POST", "/api/v1/tickets", [], typed, "%%%"), "isBase64Encoded": True})):
        given = gateway.invoke("support", nonsense)
        check(given is None or "statusCode" not in given, f"{nonsense[:40]} gives {given}")
        same(200, "support", "GET", f"/api/v1/tickets/{ticket}", headers=user)

    # A file, byte for byte.
    boundary = uuid.uuid4().hex
    form = (f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="odd.txt"\r\n\r\n').encode() + ODD + f"\r\n--{boundary}--\r\n".encode()
    brought = gateway.ask("files", "POST", "/api/v1/files", headers={**user, "content-type": f"multipart/form-data; boundary={boundary}"}, body=form)
    check(brought.status == 201, f"the file gives {brought.status} {brought.body[:500]}")
    file, end = brought.json()["id"], time.monotonic() + 20
    while gateway.ask("files", "GET", f"/api/v1/files/{file}", headers=user).json()["status"] != "clean":
        check(time.monotonic() < end, "the file does not become clean")
        time.sleep(0.2)
    content = same(200, "files", "GET", f"/api/v1/files/{file}/content", headers=user)
    check(content.body == ODD, f"the file came back as {content.body!r}")
    part = same(206, "files", "GET", f"/api/v1/files/{file}/content", headers={**user, "range": "bytes=3-7"})
    check(part.body == ODD[3:8], f"the part came back as {part.body!r}")

    # Concurrent requests; the runtime passes them on one after the other.
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(gateway.ask, "support", "GET", f"/api/v1/tickets/{ticket}", (), user) for _ in range(20)]
        got = [(one.result().status, one.result().json()["id"]) for one in asked]
    check(got == [(200, ticket)] * 20, f"20 at once give {got}")

    # Finally sign out: cookies have their own field.
    out = gateway.ask("identity", "POST", "/api/v1/auth/logout", headers=user)
    check(out.status == 204 and not out.body, f"the sign-out gives {out.status} {out.body[:500]}")


if __name__ == "__main__":
    main()
