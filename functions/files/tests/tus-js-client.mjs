// Drives tus-js-client: node tus-js-client.mjs MODULES ENDPOINT TOKEN FILE
// Uploads the file whole; once more with a cut in the middle, from where a new client goes on; a third time, given up half way.
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

// Uploads until the end, or until so many bytes have been taken; answers the upload and its address.
function run(extra, until = Infinity) {
  return new Promise((resolve, reject) => {
    const upload = new tus.Upload(createReadStream(file), {
      ...options,
      ...extra,
      onError: reject,
      onSuccess: () => resolve(upload),
      onChunkComplete: (_, taken) => {
        if (taken >= until) upload.abort(false).then(() => resolve(upload), reject)
      },
    })
    upload.start()
  })
}

const whole = await run({})
console.log(`whole: ${size} bytes`)

const cut = await run({}, size / 2)
const bytes = readFileSync(file)
await new Promise((resolve, reject) => {
  const upload = new tus.Upload(bytes, {
    ...options,
    uploadUrl: cut.url,
    onError: reject,
    onSuccess: resolve,
  })
  upload.start()
})
console.log('cut: gone on to the end')

const left = await run({}, size / 2)
await tus.Upload.terminate(left.url, options)
const gone = await fetch(left.url, { method: 'HEAD', headers: { ...options.headers, 'Tus-Resumable': '1.0.0' } })
if (![404, 410].includes(gone.status)) throw new Error(`given up, and ${gone.status}`)
if (whole.url === cut.url) throw new Error('one upload for two')
console.log('given up: gone')
