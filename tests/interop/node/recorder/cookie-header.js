'use strict'
const { request, spyStore } = require('./harness')

const line = (header) => {
  if (typeof header === 'string') return Buffer.from(header, 'utf8').toString('latin1')
  if (header.hex !== undefined) return Buffer.from(header.hex, 'hex').toString('latin1')
  return header.prefix + header.repeat.repeat(header.times) + header.suffix
}

module.exports = {
  vectors: async (vector) => {
    const store = spyStore({ cookie: { originalMaxAge: null, expires: null, httpOnly: true, path: '/' } })
    const answer = await request({
      options: { secret: vector.secrets, name: vector.cookie_name, resave: false, saveUninitialized: true },
      store,
      headers: vector.cookie_headers.map((header) => `Cookie: ${line(header)}`),
      before: (req, res, next) => {
        if (vector.req_signedCookies) req.signedCookies = vector.req_signedCookies
        if (vector.req_cookies) req.cookies = vector.req_cookies
        next()
      },
      handler: (req, res) => res.end('ok')
    })
    return {
      extracted: store.asked ?? null,
      status: answer.status,
      reached_middleware: answer.reached,
      new_session_set_cookie: answer.set_cookie.length > 0
    }
  }
}
