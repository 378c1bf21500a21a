"""Transfers a large file: resumable upload (tus), scan, download; the hash must match and memory stay constant."""

import hashlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PIECE = 16 << 20
# Maximum growth of the process during the transfer.
GROWTH_LIMIT = 64 << 20

programs, share = pathlib.Path(sys.argv[1]), int(sys.argv[2])
size = (2 << 30) * share // 100
scratch = pathlib.Path(tempfile.mkdtemp(prefix="rvz-files-"))


def resident(pid, what="VmRSS"):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(what):
            return int(line.split()[1]) << 10
    raise SystemExit(f"unknown: {what}")


def pieces():
    """Generates the file's content: the head of each chunk is the hash of the previous one."""
    block = bytearray(os.urandom(1 << 20) * (PIECE >> 20))
    left = size
    number = 0
    while left:
        block[:32] = hashlib.sha256(number.to_bytes(8, "big")).digest()
        length = min(PIECE, left)
        yield memoryview(block)[:length]
        left -= length
        number += 1


def main():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    local = scratch / "local"
    environment = {**os.environ, "PORT": str(port), "LOCAL_DIR": str(local), "RUST_LOG": "warn"}
    process = subprocess.Popen([programs / "platform"], env=environment, stdout=(scratch / "log").open("wb"), stderr=subprocess.STDOUT)
    try:
        measure(process, port, local)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        stop = ["infra/scripts/stop.sh"]
        subprocess.run(stop, env={**os.environ, "LOCAL_DIR": str(local)}, stdout=subprocess.DEVNULL, check=False)
        shutil.rmtree(scratch, ignore_errors=True)


def measure(process, port, local):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)

    def ask(method, path, headers=None, body=None, wanted=(200, 201, 204)):
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        content = answer.read()
        if answer.status not in wanted:
            raise SystemExit(f"{method} {path}: {answer.status} {content[:300]}")
        return answer.headers, content

    for _ in range(900):
        try:
            if (local / "demo.json").exists() and ask("GET", "/readyz"):
                break
        except OSError:
            connection.close()
        if process.poll() is not None:
            raise SystemExit((scratch / "log").read_text())
        time.sleep(0.2)
    demo = json.loads((local / "demo.json").read_text())
    user = demo["tenants"]["demo"]["users"]["admin"]

    def sign_in():
        body = json.dumps({"tenant": "demo", "email": user["email"], "password": user["password"]})
        _, content = ask("POST", "/api/v1/auth/login", {"Content-Type": "application/json"}, body)
        return {"Authorization": f"Bearer {json.loads(content)['access_token']}"}

    auth = sign_in()
    # Warm up with a small file, to exclude the allocations of first requests.
    headers, _ = ask("POST", "/api/v1/files/uploads", {**auth, "Tus-Resumable": "1.0.0", "Upload-Length": "1"})
    ask("PATCH", headers["Location"], {**auth, "Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}, b"x")
    before = resident(process.pid)
    pathlib.Path(f"/proc/{process.pid}/clear_refs").write_text("5")

    began = time.monotonic()
    headers, _ = ask("POST", "/api/v1/files/uploads", {**auth, "Tus-Resumable": "1.0.0", "Upload-Length": str(size)})
    place, offset, sent = headers["Location"], 0, hashlib.sha256()
    for piece in pieces():
        sent.update(piece)
        headers, _ = ask(
            "PATCH",
            place,
            {**auth, "Tus-Resumable": "1.0.0", "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"},
            bytes(piece),
        )
        offset = int(headers["Upload-Offset"])
    uploaded = time.monotonic() - began
    auth = sign_in()
    path = f"/api/v1/files/{place.rsplit('/', 1)[1]}"
    while True:
        file = json.loads(ask("GET", path, auth)[1])
        if file["status"] not in ("scanning", "pending"):
            break
        time.sleep(0.2)
    checked = time.monotonic() - began - uploaded
    up = resident(process.pid, "VmHWM") - before

    began = time.monotonic()
    connection.request("GET", f"{path}/content", headers=auth)
    answer, got = connection.getresponse(), hashlib.sha256()
    while chunk := answer.read(1 << 20):
        got.update(chunk)
    downloaded = time.monotonic() - began
    grown = resident(process.pid, "VmHWM") - before
    rate = size / 1e6
    print(f"{size / 1e9:.2f} GB: uploaded in {uploaded:.1f} s ({rate / uploaded:.0f} MB/s), scanned in {checked:.1f} s, downloaded in {downloaded:.1f} s ({rate / downloaded:.0f} MB/s)")
    print(f"resident before: {before >> 20} MiB; growth: {up >> 20} MiB after the upload, {grown >> 20} MiB in total")
    if file["status"] != "clean" or not file["sha256"] == sent.hexdigest() == got.hexdigest():
        raise SystemExit(f"the downloaded file differs: {file}")
    if grown > GROWTH_LIMIT:
        raise SystemExit(f"the process grew by more than {GROWTH_LIMIT >> 20} MiB")
    print("the hash matches, memory is constant")


main()
