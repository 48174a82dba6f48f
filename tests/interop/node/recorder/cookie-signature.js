'use strict'
const path = require('node:path')
const { request, revive, spyStore, withRandomBytes } = require('./harness')

const home = path.dirname(require.resolve('express-session'))
const signature = require(require.resolve('cookie-signature', { paths: [home] }))
const uid = require(require.resolve('uid-safe', { paths: [home] }))

const signed = ({ value, secret, secret_hex: hex }) => signature.sign(value, hex === undefined ? secret : Buffer.from(hex, 'hex'))

module.exports = {
  sign: (vector) => ({
    signed: signed(vector),
    cookie_value: encodeURIComponent(`s:${signed(vector)}`)
  }),
  sign_buffer_secret: (vector) => ({ signed: signed(vector) }),
  unsign: ({ input, secret }) => ({ result: signature.unsign(input, secret) }),
  session_id: ({ bytes_hex: hex }) => {
    const id = withRandomBytes(Buffer.from(hex, 'hex'), () => uid.sync(24))
    return { uid: id, length: id.length }
  },
  secret_rotation: async (vector) => {
    const store = spyStore({ cookie: { originalMaxAge: null, expires: null, httpOnly: true, path: '/' } })
    const options = { secret: revive(vector.secrets), resave: false, saveUninitialized: true, rolling: true, genid: () => 'new' }
    try {
      const answer = await request({
        options,
        store,
        headers: [`Cookie: ${vector.cookie_header}`],
        handler: (req, res) => res.end('ok')
      })
      const error = answer.errors[0]
      const result = { extracted: store.asked ?? null, status: answer.status }
      // A new session's id was random when this was recorded.
      if (store.asked) result.set_cookie = answer.set_cookie
      return error === undefined ? result : { ...result, error }
    } catch (error) {
      return { construct_error: String(error) }
    }
  }
}
