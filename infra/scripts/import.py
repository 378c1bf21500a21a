"""Imports users or tickets from another system, in chunks, from a file of any length.

import.py URL users|tickets FILE [dry_run=true] [invite=true] [source=NAME]

FILE is .csv, .json (an array) or .ndjson. The credential is in IMPORT_TOKEN (an access token) or IMPORT_API_KEY. An interrupted import
can be repeated: existing rows are skipped.
"""

import csv
import io
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

ROWS, BYTES, PATIENCE = 2_000, 12 << 20, 60


def csv_rows(text):
    """Returns the header, and every row with its line number."""
    text = text.removeprefix("\ufeff")
    first = text.split("\n", 1)[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line, rows = 1, []
    try:
        header, line = next(reader), reader.line_num + 1
        for cells in reader:
            if cells:
                rows.append((line, written(cells)))
            line = reader.line_num + 1
    except csv.Error as error:
        # Nothing is sent: rows behind a quote that is never closed would be lost.
        sys.exit(f"line {line}: {error}")
    return written(header), rows


def written(cells):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()


def read(path):
    """Returns media type, header, and every row as text with its line number or position."""
    with open(path, encoding="utf-8", newline="") as file:
        text = file.read()
    if path.endswith(".csv"):
        return "text/csv", *csv_rows(text)
    if path.endswith(".ndjson"):
        lines = enumerate(text.split("\n"), 1)
        return "application/x-ndjson", "", [(number, line + "\n") for number, line in lines if line.strip()]
    rows = enumerate(json.loads(text), 1)
    return "application/x-ndjson", "", [(place, json.dumps(row) + "\n") for place, row in rows]


def parts(rows):
    part, size = [], 0
    for row in rows:
        length = len(row[1].encode())
        if part and (len(part) == ROWS or size + length > BYTES):
            yield part
            part, size = [], 0
        part.append(row)
        size += length
    if part:
        yield part


def send(url, media, body):
    token, key = os.environ.get("IMPORT_TOKEN"), os.environ.get("IMPORT_API_KEY")
    credential = {"authorization": f"Bearer {token}"} if token else {"x-api-key": key or ""}
    headers = {"content-type": media, "accept-language": os.environ.get("LANG", "en")[:2]} | credential
    until = time.monotonic() + PATIENCE
    while True:
        try:
            request = urllib.request.Request(url, body.encode(), headers, method="POST")
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            # Overloaded: completed rows stay and are skipped on the retry.
            if error.code not in (429, 503) or time.monotonic() > until:
                sys.exit(f"{error.code}: {error.read().decode()}")
            time.sleep(min(int(error.headers.get("retry-after") or 1), 30))
        except OSError as error:
            # Unreachable; retry.
            if time.monotonic() > until:
                sys.exit(str(error))
            time.sleep(1)


def main():
    if len(sys.argv) < 4 or sys.argv[2] not in ("users", "tickets"):
        sys.exit(__doc__)
    base, what, path, *options = sys.argv[1:]
    query = urllib.parse.urlencode([tuple(option.split("=", 1)) for option in options])
    media, header, rows = read(path)
    total = dict.fromkeys(["rows", "created", "updated", "unchanged", "refused"], 0)
    for part in parts(rows):
        report = send(f"{base}/{what}/import?{query}", media, header + "".join(row for _, row in part))
        at, places = 1 + header.count("\n"), {}
        for place, row in part:
            places[at] = place
            at += row.count("\n")
        for refusal in report["refusals"]:
            for error in refusal["errors"]:
                print(f"{path}:{places.get(refusal['line'])}: {error['pointer']}: {error['detail']} ({error['code']})")
        total = {name: total[name] + report[name] for name in total}
        print(" ".join(f"{name}={number}" for name, number in total.items()), file=sys.stderr)
    sys.exit(1 if total["refused"] else 0)


main()
