'use strict'
// The app of the benchmarks on Express: node server.js '{ "subject": "express-redis", "url": …, "folder": …, "maxAge": ms }'
// (and "sweep", in ms: how often expired sessions are removed). It prints the port it listens on, and ends when its standard input does.

const { randomBytes } = require('crypto')
const express = require('express')
const session = require('express-session')

const SECRET = 'benchmarks on loopback only; nobody will ever be served with this'
const FURTHER_KEYS = ['user', 'name', 'roles', 'theme', 'locale', 'cart', 'csrf', 'flash', 'seen']
const FURTHER_VALUE = 'a value of 24 characters'

const stores = {
  async 'express-memory' ({ sweep }) {
    const MemoryStore = require('memorystore')(session)
    return new MemoryStore({ checkPeriod: sweep ?? 60000 })
  },
  async 'express-file' ({ folder, sweep }) {
    const FileStore = require('session-file-store')(session)
    // Retrying an unknown id costs a quarter of a second and answers nothing.
    return new FileStore({
      path: folder,
      logFn: () => {},
      retries: 0,
      // In seconds, unlike the other stores.
      ...(sweep && { reapInterval: sweep / 1000 })
    })
  },
  async 'express-redis' ({ url }) {
    const { createClient } = require('redis')
    const { RedisStore } = require('connect-redis')
    return new RedisStore({ client: await createClient({ url }).connect() })
  },
  async 'express-mysql' ({ url, sweep }) {
    const MySQLStore = require('express-mysql-session')(session)
    const { hostname: host, port, username: user, password, pathname } = new URL(url)
    const store = new MySQLStore({
      host,
      port: Number(port),
      user,
      password: decodeURIComponent(password),
      database: pathname.slice(1),
      // The package's default is 1; the Rust peers have 10.
      connectionLimit: 10,
      ...(sweep && { checkExpirationInterval: sweep })
    })
    await store.onReady()
    return store
  }
}

function pages (app) {
  app.get('/counter', (req, res) => {
    req.session.num = (req.session.num ?? 0) + 1
    res.send(String(req.session.num))
  })
  app.get('/read', (req, res) => res.send(String(req.session.num ?? 0)))
  app.get('/create', (req, res) => {
    req.session.num = 1
    res.send('1')
  })
  app.get('/create10', (req, res) => {
    req.session.num = 1
    for (const key of FURTHER_KEYS) req.session[key] = FURTHER_VALUE
    res.send('1')
  })
  app.get('/login', (req, res, next) => {
    req.session.regenerate((error) => {
      if (error) return next(error)
      req.session.user = 'hello'
      res.send('hello')
    })
  })
  app.get('/logout', (req, res, next) => {
    req.session.destroy((error) => error ? next(error) : res.send('bye'))
  })
  app.get('/whoami', (req, res) => res.send(req.session.user ?? 'nobody'))
  // Reads, waits, writes another key: a request that others overlap.
  app.get('/slow/:milliseconds', (req, res) => {
    setTimeout(() => {
      req.session.cart = 'book'
      res.send('done')
    }, Number(req.params.milliseconds))
  })
}

// Makes so many sessions as `/create` makes one, without a request for each: copies of the visitor's own.
function fillPage (app, store) {
  app.get('/fill/:count', (req, res) => {
    req.session.num = 1
    for (let made = 0; made < Number(req.params.count); made++) {
      store.set(randomBytes(24).toString('base64url'), req.session)
    }
    res.send('filled')
  })
}

async function main (config) {
  const app = express()
  // What Express adds to a page by itself is not what is compared.
  app.disable('x-powered-by')
  app.disable('etag')
  if (config.subject === 'express') {
    app.get('/:page', (req, res) => res.send('1'))
  } else {
    const store = await stores[config.subject](config)
    app.use(session({
      secret: SECRET,
      store,
      resave: false,
      saveUninitialized: false,
      cookie: { maxAge: config.maxAge ?? 86400000 }
    }))
    pages(app)
    if (config.subject === 'express-memory') fillPage(app, store)
  }
  const server = app.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`))
}

// The program that measures holds the other end: when it is gone, so are we.
process.stdin.resume().on('end', () => process.exit(0))
main(JSON.parse(process.argv[2]))
