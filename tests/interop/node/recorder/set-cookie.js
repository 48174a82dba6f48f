'use strict'
const { advance, evaluate, freeze, handlerOf, request, revive, spyStore } = require('./harness')

const ID = 'Xo0oQwS3fE2hT7yU9iOpAsDfGhJkLzCv'
const base = { secret: 'keyboard cat', resave: false, saveUninitialized: true, genid: () => ID }

module.exports = {
  vectors: async (vector) => {
    // What hangs for ever cannot be waited for.
    if (vector.hung) return null
    const store = spyStore(revive(vector.stored))
    freeze()
    const answer = await request({
      options: { ...base, ...evaluate(vector.options_js) },
      store,
      headers: vector.request.headers,
      path: vector.request.path,
      method: vector.request.method,
      tls: vector.request.tls,
      mountedAt: vector.request.mounted_at,
      handler: (req, res, next) => handlerOf(vector.handler_js)(req, res, next, advance)
    })
    const result = { status: answer.status, set_cookie: answer.set_cookie, store_calls: store.calls }
    return answer.errors.length === 0 ? result : { ...result, errors: answer.errors }
  },
  secure_matrix: async (vector) => {
    const ask = (cookie) => request({
      options: { ...base, cookie, proxy: vector.proxy ?? undefined },
      store: spyStore(),
      headers: vector.x_forwarded_proto === null ? [] : [`X-Forwarded-Proto: ${vector.x_forwarded_proto}`],
      tls: vector.tls,
      trustProxy: vector.express_trust_proxy,
      handler: (req, res) => { req.session.n = 1; res.end('ok') }
    })
    const secure = await ask({ secure: true })
    const auto = await ask({ secure: 'auto', sameSite: 'auto' })
    return { secure_true_sent: secure.set_cookie.length > 0, auto_set_cookie: auto.set_cookie[0] ?? null }
  }
}
