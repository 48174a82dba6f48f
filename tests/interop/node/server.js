'use strict'
// The scenario server on the real packages. Its one argument is JSON:
// { store, spaces, option_sets: [{ session, store }], folder | url | mysql }
// It prints the port it listens on. Which app answers a request is said by the request's headers.

const clock = require('./lab/clock')
const http = require('node:http')
const app = require('./lab/app')
const gate = require('./lab/gate')
const listings = require('./lab/listings')
const notes = require('./lab/notes')
const stores = require('./lab/stores')

async function main (config) {
  const backend = await stores.connect(config)
  const made = Object.fromEntries(config.spaces.map((space) => [
    space,
    config.option_sets.map((set) => notes.watched(backend.store(space, set.store)))
  ]))
  const apps = Object.fromEntries(config.spaces.map((space) => [
    space,
    config.option_sets.map((set, number) => app(set, made[space][number]))
  ]))

  // What the driver reads and writes behind the apps' backs. Only the memory store needs the last three.
  const control = {
    close: gate.close,
    reached: gate.reached,
    open: gate.open,
    notes: notes.read,
    listings: ({ space, config }) => listings(made[space][config]),
    dump: ({ space }) => backend.dump(space),
    plant: ({ space, config, id, text }) => backend.plant(space, config, id, text),
    reset: ({ space }) => backend.reset(space)
  }

  const server = http.createServer(async (req, res) => {
    clock.set(Number(req.headers['x-lab-now']))
    const verb = req.headers['x-lab-control']
    if (verb === undefined) {
      notes.begin(req.headers['x-lab-fails'])
      return apps[req.headers['x-lab-space']][Number(req.headers['x-lab-set'])](req, res)
    }
    let body = ''
    for await (const chunk of req) body += chunk
    res.end(JSON.stringify((await control[verb](JSON.parse(body))) ?? null))
  })
  server.keepAliveTimeout = 600000
  server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`))
}

process.on('unhandledRejection', (error) => { throw error })
// The driver holds the other end of standard input: when it is gone, so are we.
process.stdin.resume().on('end', () => process.exit(0))
main(JSON.parse(process.argv[2]))
