#!/usr/bin/env bash
# Checks the vocabulary: retired identifiers and phrases, operation summaries, and what domain code may import.
# Prints findings as file:line and fails if there is one. docs/glossary.md has the terms to use instead.
set -euo pipefail
cd "$(dirname "$0")/../.."

constants='(MOST|LONGEST|SHORTEST|LEAST|HIGHEST|LATEST|STANDSTILL|PATIENCE|NOBODYS?)(_[A-Z0-9]+)*|[A-Z0-9_]+_(PATIENCE|REST)'
types='Courier|Carrier|Patience|Hindrance|Journey|Gate|GateSettings|Sight|Whoever|Payer|Visits?|Stage|Cast|Play|World|Story|Belongings|Walk|Lanes|Fate|Letter|Moving|Door|Doors|Invitee|Waiting|Entered|Chance|Corpus|Journal|Timetable'
functions='told|tell|remember|remembered|found|shown|moved|answered|held|away|bring|foretell|bury|weigh|blame|enter|beholder|sight|saw|agreed|knock|furnish|bend|stranger|hurry|set_out|put_down|keep_at|prove|writable'
modules='stage|cast|play|world|story|chance|courier|carrier|mover|door|visit|verdict|hindrance|patience|mirror|letters|house|walk|founding|timetable|terminal'
phrases='whoever|no such thing|to be had|(^|[^-[:alnum:]])mail address|hindrance|anew|prolong|somebody|nobody'

# Legitimate uses, matched against file:line:text. One line each, with its reason.
allowed=(
  '^docs/decisions/'      # records of decisions stay as written
  '^docs/schema\.md'      # generated from SQL, which is never edited after it has landed
)

failed=0
report() { # report TITLE: prints findings from standard input, without the allowed ones
  local found
  found=$(grep -vE "$(IFS='|'; printf '%s' "${allowed[*]}")" || true)
  [ -z "$found" ] && return
  failed=1
  printf '\n%s (%s)\n%s\n' "$1" "$(wc -l <<<"$found")" "$found"
}
files() { # files PATTERN...: existing files of the work tree, ended by NUL
  git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do
    if [ -f "$file" ]; then printf '%s\0' "$file"; fi
  done
}
search() { xargs -0 -r grep -HnE "$@" || true; }

rust() { files '*.rs'; }
texts() {
  files README.md 'docs/*.md' docs/openapi.json 'functions/*/README.md' migrations/README.md terraform/README.md \
    'functions/*/src/*.html' 'functions/*/src/*.txt' 'functions/*/templates/*'
}

report 'retired identifiers' < <(rust | search "\b(const|static) ($constants)\b|\b(struct|enum|trait|type) ($types)\b|\bfn ($functions)\b|\bmod ($modules)\b")
report 'retired phrases in comments' < <(rust | search "//.*\b($phrases)\b" -i)
report 'retired phrases in texts' < <(texts | search "\b($phrases)\b" -i | cut -c 1-200)
report 'domain code depends on transport or storage' < <(files 'functions/*/src/domain*' | search '\b(serde_json|utoipa|sqlx|axum)\b')

report 'operation summaries' < <(python3 - <<'PYTHON'
import json
verbs = {"Access", "Address", "Discuss", "Dismiss", "Pass", "Process"}
for path, item in json.load(open("docs/openapi.json"))["paths"].items():
    for method, operation in item.items():
        if not isinstance(operation, dict) or "responses" not in operation:
            continue
        summary = operation.get("summary", "")
        word = summary.partition(" ")[0]
        faults = [fault for fault, found in [("missing", not summary), ("longer than 60", len(summary) > 60),
            ("full stop", summary.endswith(".")), ("not imperative", word.endswith("s") and word not in verbs)] if found]
        if faults:
            print(f"docs/openapi.json: {method.upper()} {path}: {', '.join(faults)}: {summary}")
PYTHON
)
exit "$failed"
