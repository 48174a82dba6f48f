'use strict'
// What a request does to its session: one function per operation, each giving its result.
// The Rust server has the same list (`src/server/operations.rs`).

const gate = require('./gate')
const notes = require('./notes')

const call = (session, verb) => new Promise((resolve) => {
  session[verb]((error) => resolve(error ? 'error' : 'ok'))
})

// The second is a key of ours, which no handler sees there.
const hidden = ['cookie', '__createdAt']

const sorted = (session) => Object.fromEntries(
  Object.keys(session).filter((key) => !hidden.includes(key)).sort().map((key) => [key, session[key]])
)

const operations = {
  // A copy: what later operations change must not show.
  get: (req, { key }) => structuredClone(req.session[key] ?? null),
  set: (req, { key, value }) => { req.session[key] = value },
  delete: (req, { key }) => { delete req.session[key] },
  nested: (req, { key, member, value }) => {
    const object = req.session[key]
    if (object === null || typeof object !== 'object' || Array.isArray(object)) return 'not an object'
    object[member] = value
  },
  push: (req, { key, value }) => {
    if (!Array.isArray(req.session[key])) return 'not an array'
    return req.session[key].push(value)
  },
  count: (req, { key }) => {
    const before = req.session[key]
    req.session[key] = (Number.isSafeInteger(before) ? before : 0) + 1
    return req.session[key]
  },
  dump: (req) => JSON.stringify(sorted(req.session)),
  id: (req) => req.sessionID,
  max_age: (req, { ms }) => { req.session.cookie.maxAge = ms },
  cookie: (req, { name, value }) => {
    req.session.cookie[name] = name === 'expires' && typeof value === 'string' ? new Date(value) : value
  },
  touch: (req) => { req.session.touch() },
  save: (req) => call(req.session, 'save'),
  reload: (req) => call(req.session, 'reload'),
  regenerate: (req) => call(req.session, 'regenerate'),
  destroy: (req) => call(req.session, 'destroy'),
  unset: (req) => { req.session = null },
  hold: () => gate.hold()
}

// Runs the operations in order; after the end of the session, the others find none.
exports.run = async (req, list) => {
  const results = []
  for (const [number, operation] of list.entries()) {
    notes.enter('handler', number)
    const needsSession = operation.op !== 'hold'
    if (needsSession && !req.session) {
      results.push('no session')
    } else {
      results.push((await operations[operation.op](req, operation)) ?? null)
    }
  }
  return results
}
