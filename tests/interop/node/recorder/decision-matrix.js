'use strict'
// What becomes of the session at the end of a request, cell by cell: store calls, cookie, status, errors.

const crypto = require('node:crypto')
const session = require('express-session')
const { NOW, handlerOf, request } = require('./harness')
const recorded = require('../../../vectors/decision-matrix.json')

const SECRET = 'keyboard cat'
const signature = crypto.createHmac('sha256', SECRET).update('SID').digest('base64').replace(/=+$/, '')
const forged = signature.slice(0, -1) + (signature.endsWith('A') ? 'B' : 'A')
const cookieHeader = (signed) => `Cookie: connect.sid=${encodeURIComponent(`s:SID.${signed}`)}`

const document = (originalMaxAge, left) => ({
  cookie: {
    originalMaxAge,
    expires: left === null ? null : new Date(NOW + left).toISOString(),
    httpOnly: true,
    path: '/'
  },
  n: 1
})

// What is stored under SID before the request.
const stored = (kind, maxAge) => {
  if (kind === 'none' || kind === 'unknown') return undefined
  if (kind.startsWith('expired')) return document(60000, -1000)
  return document(maxAge, maxAge === null ? null : 30000)
}

const index = (text) => {
  const found = recorded.docs.indexOf(text)
  return found < 0 ? text : found
}

const cell = (actions) => async (row) => {
  const [name, resave, saveUninitialized, rolling, unset, maxAge, kind, action] = row
  const failing = /^store error in (get ENOENT|\w+): /.exec(name)?.[1]
  const calls = []
  const documents = new Map()
  const before = stored(kind, maxAge)
  if (before) documents.set('SID', JSON.stringify(before))
  const store = new session.Store()
  const answer = (operation, fn, act) => {
    if (operation === 'get' && failing === 'get ENOENT') {
      return setImmediate(fn, Object.assign(new Error('gone'), { code: 'ENOENT' }))
    }
    if (operation === failing) return setImmediate(fn, new Error(`${operation} failed`))
    const value = act()
    setImmediate(fn, null, value)
  }
  store.get = (id, fn) => {
    calls.push(['get', id])
    answer('get', fn, () => {
      const found = documents.has(id) ? JSON.parse(documents.get(id)) : null
      const over = found?.cookie.expires && Date.parse(found.cookie.expires) <= NOW
      return over && kind !== 'expired_but_returned' ? null : found
    })
  }
  store.set = (id, value, fn) => {
    const text = JSON.stringify(value)
    calls.push(['set', id, index(text)])
    answer('set', fn, () => { documents.set(id, text) })
  }
  store.touch = (id, value, fn) => {
    calls.push(['touch', id, index(JSON.stringify(value.cookie))])
    answer('touch', fn, () => {})
  }
  store.destroy = (id, fn) => {
    calls.push(['destroy', id])
    answer('destroy', fn ?? (() => {}), () => { documents.delete(id) })
  }
  let made = 0
  const options = { secret: SECRET, resave, saveUninitialized, rolling, unset, genid: () => `N${++made}` }
  if (maxAge !== null) options.cookie = { maxAge }
  const headers = kind === 'none' ? [] : [cookieHeader(kind === 'tampered' ? forged : signature)]
  const { status, set_cookie: cookies, errors } = await request({ options, store, headers, handler: handlerOf(actions[action]) })
  const cookie = cookies.find((text) => text.startsWith('connect.sid='))
  const expires = cookie && /; Expires=([^;]+)/.exec(cookie)?.[1]
  return {
    8: calls,
    9: cookie ? decodeURIComponent(cookie.slice('connect.sid='.length)).slice(2).split('.')[0] : null,
    10: expires ? Math.trunc((Date.parse(expires) - Math.trunc(NOW / 1000) * 1000) / 1000) : null,
    11: cookie ? /; Max-Age=/i.test(cookie) : null,
    12: status,
    13: errors.length > 0 ? errors.map((text) => text.replace(/^Error: /, '')) : null
  }
}

exports.rows = cell(recorded.source.actions_js)
exports.streamed = cell(recorded.source.streamed_actions_js)
exports.store_errors = cell(recorded.source.actions_js)
