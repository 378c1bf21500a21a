// Drives tus-js-client: node tus-js-client.mjs MODULES ENDPOINT TOKEN FILE
// Uploads the file completely, then with an interruption that a new client resumes, then terminates an upload half way.
import { createReadStream, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'

const [modules, endpoint, token, file] = process.argv.slice(2)
const tus = createRequire(`${modules}/`)('tus-js-client')
const size = statSync(file).size
const options = {
  endpoint,
  chunkSize: 400_000,
  retryDelays: [0, 100, 300],
  headers: { Authorization: `Bearer ${token}` },
  metadata: { filename: 'Film ä.bin', filetype: 'video/mp4' },
  uploadSize: size,
}

// Uploads the file, or at least `until` bytes of it, and returns the upload.
function run(extra, until = Infinity) {
  return new Promise((resolve, reject) => {
    const upload = new tus.Upload(createReadStream(file), {
      ...options,
      ...extra,
      onError: reject,
      onSuccess: () => resolve(upload),
      onChunkComplete: (_, accepted) => {
        if (accepted >= until) upload.abort(false).then(() => resolve(upload), reject)
      },
    })
    upload.start()
  })
}

const whole = await run({})
console.log(`whole: ${size} bytes`)

const interrupted = await run({}, size / 2)
const bytes = readFileSync(file)
await new Promise((resolve, reject) => {
  const upload = new tus.Upload(bytes, {
    ...options,
    uploadUrl: interrupted.url,
    onError: reject,
    onSuccess: resolve,
  })
  upload.start()
})
console.log('interrupted: resumed to the end')

const partial = await run({}, size / 2)
await tus.Upload.terminate(partial.url, options)
const gone = await fetch(partial.url, { method: 'HEAD', headers: { ...options.headers, 'Tus-Resumable': '1.0.0' } })
if (![404, 410].includes(gone.status)) throw new Error(`status ${gone.status} after termination`)
if (whole.url === interrupted.url) throw new Error('two uploads have the same URL')
console.log('terminated: gone')
