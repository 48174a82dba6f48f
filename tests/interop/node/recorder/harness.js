'use strict'
// One request to a throwaway server, byte by byte, with the date frozen and every store call noted.

const clock = require('../lab/clock')
const crypto = require('node:crypto')
const http = require('node:http')
const net = require('node:net')
const express = require('express')
const session = require('express-session')

exports.NOW = 1893553445678
let now = exports.NOW
exports.freeze = () => { now = exports.NOW; clock.set(now) }
exports.advance = (ms) => { now += ms; clock.set(now) }

// A store that keeps nothing but notes; `stored` is what its `get` finds.
exports.spyStore = (stored) => {
  const store = new session.Store()
  store.calls = []
  store.documents = []
  store.get = (id, fn) => {
    store.calls.push(`get ${id}`)
    store.asked = id
    fn(null, stored === undefined ? null : structuredClone(stored))
  }
  store.set = (id, value, fn) => {
    const text = JSON.stringify(value)
    // The vectors hold no halves of characters.
    store.calls.push(`set ${id.toWellFormed()} ${text}`)
    store.documents.push(text)
    fn?.()
  }
  store.touch = (id, value, fn) => {
    store.calls.push(`touch ${id} ${JSON.stringify(value.cookie)}`)
    fn?.()
  }
  store.destroy = (id, fn) => {
    store.calls.push(`destroy ${id}`)
    fn?.()
  }
  return store
}

// Sends `lines` as they are (latin1); the answer's head and body.
const raw = (port, lines) => new Promise((resolve, reject) => {
  const socket = net.connect(port, '127.0.0.1')
  const chunks = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', reject)
  socket.on('close', () => {
    const [head, ...body] = Buffer.concat(chunks).toString('latin1').split('\r\n\r\n')
    const [first, ...headers] = head.split('\r\n')
    const values = (name) => headers
      .filter((line) => line.toLowerCase().startsWith(`${name}: `))
      .map((line) => line.slice(name.length + 2))
    resolve({ status: Number(first.split(' ')[1]), set_cookie: values('set-cookie'), body: body.join('\r\n\r\n') })
  })
  socket.write(Buffer.from([...lines, 'Connection: close', '', ''].join('\r\n'), 'latin1'))
})

// What a real request does: status, Set-Cookie, errors, and what the store was asked.
exports.request = async ({ options, store, headers = [], path = '/', method = 'GET', tls, mountedAt, trustProxy, before, handler }) => {
  exports.freeze()
  const errors = []
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  if (trustProxy !== undefined) app.set('trust proxy', trustProxy)
  if (before) app.use(before)
  const sessions = session({ ...options, store })
  let reached = false
  const watched = (req, res, next) => { reached = true; sessions(req, res, next) }
  if (mountedAt) app.use(mountedAt, watched)
  else app.use(watched)
  app.use((req, res, next) => handler(req, res, next))
  // eslint-disable-next-line no-unused-vars
  app.use((error, req, res, next) => {
    errors.push(exports.tell(error))
    if (!res.headersSent) res.status(500).end('error')
  })
  const server = http.createServer((req, res) => {
    if (tls) req.socket.encrypted = true
    app(req, res)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const answer = await raw(server.address().port, [`${method} ${path} HTTP/1.1`, 'Host: localhost', ...headers])
    return { ...answer, errors, reached }
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

// An error as the vectors have it, without its code.
// As the Node of the recording told it: later ones add the line and column to where JSON is broken.
exports.tell = (error) => error instanceof Error
  ? `${error.name}: ${error.message}`.replace(/ \(line \d+ column \d+\)$/, '')
  : String(error)

// Source text of the vectors, as the value it stands for.
exports.evaluate = (text) => new Function('advance', `return (${text})`)(exports.advance)
exports.handlerOf = (text) => new Function('req', 'res', 'next', 'advance', text)

// Values of the JSON projection that JSON has no word for.
exports.revive = (value) => {
  if (Array.isArray(value)) return value.map(exports.revive)
  if (value === null || typeof value !== 'object') return value
  if ('$undefined' in value) return undefined
  if ('$date' in value) return new Date(value.$date ?? NaN)
  if ('$hex' in value) return Buffer.from(value.$hex, 'hex')
  if ('$num' in value) return Number(value.$num)
  if ('$fn' in value) return new Function(`return (${value.$fn})`)()
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, exports.revive(item)]))
}

exports.withRandomBytes = (bytes, run) => {
  const real = crypto.randomBytes
  crypto.randomBytes = () => bytes
  try { return run() } finally { crypto.randomBytes = real }
}
