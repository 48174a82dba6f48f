// One call of the real session-file-store: node store.js FOLDER SECRET VERB ID [ARGUMENT]
// `hammer` and `watch` repeat a call ARGUMENT times, to meet a Rust server in the middle of it.
'use strict'
const FileStore = require('session-file-store')(require('express-session'))
const [folder, secret, verb, id, argument] = process.argv.slice(2)
const options = { path: folder, reapInterval: -1, retries: 0, logFn: () => {} }
if (secret) options.secret = secret
const store = new FileStore(options)
const call = (method, ...args) => new Promise((resolve, reject) =>
  store[method](...args, (error, result) => error ? reject(error) : resolve(result)))
const cookie = { originalMaxAge: 60000, expires: new Date(Date.now() + 60000), httpOnly: true, path: '/' }

async function main () {
  switch (verb) {
    case 'get': return call('get', id)
    case 'set': return call('set', id, { cookie, ...JSON.parse(argument) })
    case 'touch': return call('touch', id, { cookie })
    case 'destroy': return call('destroy', id)
    case 'length': return call('length')
    case 'hammer':
      for (let n = 1; n <= Number(argument); n++) await call('set', id, { cookie, n, pad: 'x'.repeat(n * 37 % 5000) })
      return 'done'
    case 'watch':
      for (let n = 1; n <= Number(argument); n++) {
        const found = await call('get', id)
        if (!found || !found.cookie) throw new Error('a read by Node found no session')
      }
      return 'done'
  }
}
main().then(result => console.log(JSON.stringify(result === undefined ? null : result)), error => {
  console.error(String(error))
  process.exit(1)
})
