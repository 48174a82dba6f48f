'use strict'
// The Node server of the fleet: a login and a counter on connect-redis. Its one argument is JSON: { url, secret }.
// It prints the port it listens on.

const express = require('express')
const session = require('express-session')
const { createClient } = require('redis')
const { RedisStore } = require('connect-redis')

async function main ({ url, secret }) {
  const client = await createClient({ url }).connect()
  const app = express()
  app.disable('x-powered-by')
  app.use(session({
    store: new RedisStore({ client }),
    secret,
    resave: false,
    saveUninitialized: false,
    rolling: true,
    cookie: { maxAge: 600000 }
  }))
  const state = (req) => ({
    server: 'Node',
    user: req.session.user ?? null,
    count: req.session.count ?? 0
  })
  app.post('/login/:user', (req, res, next) => {
    req.session.regenerate((error) => {
      if (error) return next(error)
      req.session.user = req.params.user
      res.json(state(req))
    })
  })
  app.post('/count', (req, res) => {
    if (!req.session.user) return res.status(401).json(state(req))
    req.session.count = (req.session.count ?? 0) + 1
    res.json(state(req))
  })
  app.get('/me', (req, res) => res.json(state(req)))

  const server = app.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`))
}

process.stdin.resume().on('end', () => process.exit(0))
main(JSON.parse(process.argv[2]))
