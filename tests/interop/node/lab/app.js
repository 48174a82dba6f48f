'use strict'
// One Express app with the session options of one option set.

const express = require('express')
const session = require('express-session')
const signature = require('cookie-signature')
const notes = require('./notes')
const operations = require('./operations')

// Ids are the driver's, so that both servers make the same: `<x-lab-id>.<number within the request>`.
function genid (req) {
  req.labIds = (req.labIds ?? 0) + 1
  return `${req.headers['x-lab-id']}.${req.labIds}`
}

// The cookie as express-session sends it.
const cookieOf = ({ name = 'connect.sid', secret, proxy }) => ({
  name,
  signed: (id) => `s:${signature.sign(id, [secret].flat()[0])}`,
  isSent: (req, cookie) => !cookie.secure ||
    (proxy === true && /^\s*https\s*(,|$)/i.test(req.headers['x-forwarded-proto']))
})

// eslint-disable-next-line no-unused-vars
const onError = (error, req, res, next) => {
  if (!res.headersSent) res.status(500).type('text').send('error')
}

module.exports = (optionSet, store) => {
  const cookie = cookieOf(optionSet.session)
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('env', 'test')
  app.use(session({ ...optionSet.session, store, genid }))
  app.use(express.json({ strict: false }))

  app.post(/.*/, async (req, res) => {
    const { operations: list, end } = req.body
    const lookAgain = notes.look(req, cookie)
    const results = await operations.run(req, list)
    lookAgain()
    notes.enter('end')
    if (end === 'error') throw new Error('as asked for')
    if (end === 'own-cookie') res.append('Set-Cookie', 'theme=dark; Path=/')
    if (end === 'redirect') return res.redirect('/elsewhere')
    if (end === 'empty') return res.status(204).end()
    res.status(end === 'not-found' ? 404 : 200).json(results)
  })
  // Twice: a store that fails once the response to a handler's error has gone out calls the next one. Without one, Express
  // resets the connection.
  app.use(onError, onError)
  return app
}
