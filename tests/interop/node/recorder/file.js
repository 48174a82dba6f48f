'use strict'
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const session = require('express-session')
const { freeze, revive, tell } = require('./harness')

const FileStore = require('session-file-store')(session)

module.exports = {
  store_api: async (vector) => {
    if (vector.files_before === undefined || vector.args === undefined || vector.store_options.secret) return null
    // Its callback does not wait for the files to go.
    if (vector.method === 'clear') return null
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vectors-'))
    try {
      for (const [name, text] of Object.entries(vector.files_before)) {
        fs.writeFileSync(path.join(folder, name), typeof text === 'string' ? text : Buffer.from(text.hex, 'hex'))
      }
      freeze()
      let retries = 0
      const store = new FileStore({ reapInterval: -1, ...revive(vector.store_options), path: folder, logFn: () => { retries++ } })
      const [error, data] = await new Promise((resolve) => {
        store[vector.method](...vector.args.map(revive), (...answer) => resolve(answer))
      })
      const files = fs.readdirSync(folder).sort().map((name) => {
        const bytes = fs.readFileSync(path.join(folder, name))
        const text = bytes.toString('utf8')
        return [name, Buffer.from(text).equals(bytes) ? text : { hex: bytes.toString('hex') }]
      })
      const told = error ? tell(error).replaceAll(folder, '<dir>') : null
      return { error: told, data: data ?? null, files_after: Object.fromEntries(files) }
    } finally {
      fs.rmSync(folder, { recursive: true })
    }
  }
}
