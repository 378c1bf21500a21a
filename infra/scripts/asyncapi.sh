#!/usr/bin/env bash
# asyncapi.sh [FILE]: validates the document of events (docs/asyncapi.json) with the parser that AsyncAPI publishes, and each
# example against the schema of its message, which the parser does not do. Fails on errors and warnings.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

document=${1:-docs/asyncapi.json}
modules=$(infra/scripts/tool.sh asyncapi-parser)
node - "$modules" "$document" <<'JAVASCRIPT'
const { readFileSync } = require('node:fs')
const [modules, path] = process.argv.slice(2)
const { Parser } = require(`${modules}/@asyncapi/parser`)
const { default: Ajv } = require(`${modules}/ajv`)
const { default: addFormats } = require(`${modules}/ajv-formats`)

// Advice on what a public document should have besides: https://www.asyncapi.com/docs/reference
const ADVICE = ['asyncapi-id', 'asyncapi-info-contact', 'asyncapi-info-license', 'asyncapi-tags', 'asyncapi3-tags']

async function main() {
  const { document, diagnostics } = await new Parser().parse(readFileSync(path, 'utf8'), { source: path })
  const findings = diagnostics
    .filter((one) => one.severity <= 1 && !ADVICE.includes(one.code))
    .map(({ code, message, path: place, range }) => `line ${range.start.line + 1}: ${code}: ${message} (${place.join('.')})`)
  const messages = document ? document.allMessages().all() : []
  // Formats of numbers such as int64 are unknown to JSON Schema.
  const ajv = addFormats(new Ajv({ strict: false, logger: false, allErrors: true }))
  for (const message of messages) {
    const isValid = ajv.compile(message.payload().json())
    const examples = message.examples().all()
    if (examples.length === 0) findings.push(`${message.name()}: no example`)
    for (const example of examples) {
      if (!isValid(example.payload())) findings.push(`${message.name()}: ${ajv.errorsText(isValid.errors)}`)
    }
  }
  for (const finding of findings) console.error(`${path}: ${finding}`)
  if (findings.length > 0 || messages.length === 0) process.exit(1)
  console.log(`${path}: ${document.allChannels().all().length} channels, ${messages.length} messages, valid`)
}

main()
JAVASCRIPT
