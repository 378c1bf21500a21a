"""Runs the steps of docs/signing-in.md against a running backend, using only HTTP, /dev/mail and its own authenticator.

sign-in-walk.py URL: registration, verification, enrolment of a second factor, sign-in with it, a forgotten password.
"""

import base64
import hashlib
import hmac
import html
import json
import re
import sys
import time
import urllib.error
import urllib.request
import uuid

URL = sys.argv[1]
EMAIL = f"walker-{uuid.uuid4().hex[:8]}@example.org"
FIRST, SECOND = "a walk in the park 7", "another walk in the park 8"


def call(method, path, body=None, token=None):
    """Returns status and document."""
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    return status, json.loads(text) if text else None


def expect(wanted, method, path, body=None, token=None):
    status, document = call(method, path, body, token)
    if status != wanted:
        sys.exit(f"{status}, expected {wanted}: {method} {path}: {document}")
    return document


def page(path):
    with urllib.request.urlopen(URL + path, timeout=20) as answer:
        return html.unescape(answer.read().decode())


def mailed(path, known):
    """Returns the token in the newest mail to us with a link to `path`, and all mails known by then."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        for mail in dict.fromkeys(re.findall(r'href="(/dev/mail/[^"#?]+)"', page("/dev/mail"))):
            if mail in known:
                continue
            text = page(mail)
            found = re.search(re.escape(path) + r"#token=([\w-]+)", text)
            if EMAIL in text and found:
                return found[1], known | {mail}
        time.sleep(0.3)
    sys.exit(f"no mail to {EMAIL} has a link to {path}")


def code(secret, at):
    """RFC 6238: the six-digit code of the 30-second step at this time."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(key, int(at // 30).to_bytes(8, "big"), hashlib.sha1).digest()
    place = digest[-1] & 15
    return f"{(int.from_bytes(digest[place:place + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}"


def main():
    who = {"tenant": "demo", "email": EMAIL}
    known = set()
    expect(202, "POST", "/api/auth/register", {**who, "password": FIRST, "name": "Ada Walker", "locale": "en"})
    expect(401, "POST", "/api/auth/login", {**who, "password": FIRST})
    token, known = mailed("/verify-email", known)
    expect(200, "POST", "/api/auth/email/verify", {"token": token})
    expect(401, "POST", "/api/auth/email/verify", {"token": token})
    access = expect(200, "POST", "/api/auth/login", {**who, "password": FIRST})["access_token"]

    started = expect(201, "POST", "/api/auth/mfa/totp", token=access)
    # One step of drift is allowed, so use the previous code and keep the current one for the sign-in.
    first, now = time.time() - 30, time.time()
    confirmed = expect(200, "POST", "/api/auth/mfa/totp/confirm", {"code": code(started["secret"], first)}, access)
    assert len(confirmed["recovery_codes"]) == 10
    waiting = expect(200, "POST", "/api/auth/login", {**who, "password": FIRST})
    assert waiting["mfa_required"] is True and "access_token" not in waiting, waiting
    answer = {"mfa_token": waiting["mfa_token"], "code": code(started["secret"], now)}
    access = expect(200, "POST", "/api/auth/mfa", answer)["access_token"]
    expect(401, "POST", "/api/auth/mfa", answer)
    assert expect(200, "GET", "/api/auth/status", token=access)["authenticated"] is True

    expect(202, "POST", "/api/auth/password/forgot", who)
    token, known = mailed("/reset-password", known)
    expect(204, "POST", "/api/auth/password/reset", {"token": token, "password": SECOND})
    expect(401, "GET", "/api/me", token=access)
    expect(401, "POST", "/api/auth/login", {**who, "password": FIRST})
    waiting = expect(200, "POST", "/api/auth/login", {**who, "password": SECOND})
    answer = {"mfa_token": waiting["mfa_token"], "recovery_code": confirmed["recovery_codes"][0]}
    access = expect(200, "POST", "/api/auth/mfa", answer)["access_token"]
    expect(200, "GET", "/api/me", token=access)
    print("registered, verified, enrolled a second factor, signed in with it, and reset the password")


main()
