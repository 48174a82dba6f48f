// A Node server's part of `owners_at_scale`: connect-redis destroys sessions, or reads, changes and writes them.
//
// node node_writer.js REDIS_URL, with lines `destroy ID` or `write ID` on standard input. The packages are the lab's.
'use strict'

const { createRequire } = require('node:module')
const { join } = require('node:path')
const { createInterface } = require('node:readline')

const load = createRequire(join(__dirname, '../../../tests/interop/node/package.json'))
const { RedisStore } = load('connect-redis')
const { createClient } = load('redis')

const AT_ONCE = 500

async function carryOut (store, line) {
  const [verb, id] = line.split(' ')
  if (verb === 'destroy') return store.destroy(id)
  const session = await store.get(id)
  if (session) await store.set(id, { ...session, node: true })
}

async function main () {
  const client = createClient({ url: process.argv[2] })
  await client.connect()
  const store = new RedisStore({ client })
  let batch = []
  for await (const line of createInterface({ input: process.stdin })) {
    batch.push(carryOut(store, line))
    if (batch.length === AT_ONCE) {
      await Promise.all(batch)
      batch = []
    }
  }
  await Promise.all(batch)
  client.destroy()
}

main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
