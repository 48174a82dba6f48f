'use strict'
const { evaluate, freeze, request, spyStore } = require('./harness')

const variant = async (vector) => {
  if (vector.hung) return null
  const store = spyStore()
  freeze()
  const change = new Function('s', vector.data_js)
  const cookie = evaluate(vector.cookie_js)
  const answer = await request({
    options: { secret: 'keyboard cat', resave: false, saveUninitialized: true, cookie },
    store,
    path: cookie.path?.startsWith?.('/') ? cookie.path : '/',
    handler: (req, res) => { change(req.session); res.end('ok') }
  })
  // What Redis is told to delete at once has no document there.
  return vector.redis === null ? { status: answer.status } : { status: answer.status, redis: store.documents.at(-1) }
}

module.exports = {
  cookie_variants: variant,
  data_variants: variant,
  numbers: ({ f64_be_hex: hex }) => ({ json: JSON.stringify(Buffer.from(hex, 'hex').readDoubleBE()) }),
  strings: ({ utf16_units: units }) => {
    const json = JSON.stringify(String.fromCharCode(...units.map((unit) => parseInt(unit, 16))))
    return { json, json_hex: Buffer.from(json).toString('hex') }
  }
}
