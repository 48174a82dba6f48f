'use strict'
const { spawn } = require('node:child_process')
const fs = require('node:fs')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')
const { RedisStore } = require('connect-redis')
const { createClient } = require('redis')
const { freeze, revive, tell } = require('./harness')

let running

const freePort = () => new Promise((resolve) => {
  const server = net.createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address()
    server.close(() => resolve(port))
  })
})

// A private server, and a way in that notes every command.
async function start () {
  const port = await freePort()
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vectors-'))
  const server = spawn('redis-server', ['--port', port, '--bind', '127.0.0.1', '--save', '', '--dir', folder], { stdio: 'ignore' })
  const direct = createClient({ url: `redis://127.0.0.1:${port}` })
  direct.on('error', () => {})
  await direct.connect()
  const commands = []
  const notes = net.createServer((near) => {
    const far = net.connect(port, '127.0.0.1')
    let pending = Buffer.alloc(0)
    near.on('data', (chunk) => {
      far.write(chunk)
      pending = note(Buffer.concat([pending, chunk]), commands)
    })
    far.on('data', (chunk) => near.write(chunk))
    near.on('close', () => far.destroy())
    far.on('close', () => near.destroy())
    near.on('error', () => {})
    far.on('error', () => {})
  })
  await new Promise((resolve) => notes.listen(0, '127.0.0.1', resolve))
  const client = createClient({ url: `redis://127.0.0.1:${notes.address().port}` })
  client.on('error', () => {})
  await client.connect()
  return { client, direct, commands, stop () {
    client.destroy()
    direct.destroy()
    notes.close()
    server.kill()
    fs.rmSync(folder, { recursive: true, force: true })
  } }
}

// Takes whole commands (arrays of bulk strings) off the front.
function note (bytes, commands) {
  for (;;) {
    let at = 0
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd < 0 || bytes[0] !== 0x2a) return bytes
    const parts = []
    let count = Number(bytes.toString('latin1', 1, lineEnd))
    at = lineEnd + 2
    while (count-- > 0) {
      const end = bytes.indexOf('\r\n', at)
      if (end < 0) return bytes
      const length = Number(bytes.toString('latin1', at + 1, end))
      if (bytes.length < end + 4 + length) return bytes
      parts.push(bytes.toString('utf8', end + 2, end + 2 + length))
      at = end + 4 + length
    }
    commands.push(parts)
    bytes = bytes.subarray(at)
  }
}

// What JSON cannot say about how it was recorded: callbacks, native functions, cycles, a key that is a list.
const unwritable = (vector) => vector.callbacks !== undefined ||
  /\[native code\]|\(circular\)/.test(JSON.stringify([vector.store_options, vector.args])) ||
  vector.error?.includes('WRONGTYPE')

module.exports = {
  store_api: async (vector) => {
    if (unwritable(vector)) return null
    running ??= await start()
    const { client, direct, commands } = running
    await direct.flushAll()
    for (const [key, text] of Object.entries(vector.seed ?? {})) await direct.set(key, text)
    freeze()
    const store = new RedisStore({ ...revive(vector.store_options), client })
    commands.length = 0
    let failed = null
    const crash = (error) => { failed = error }
    const [error, data] = await new Promise((resolve) => {
      const pending = store[vector.method](...vector.args.map(revive), (...answer) => resolve(answer))
      pending?.catch?.((error) => { crash(error); resolve([null]) })
    })
    if (failed) return null
    return { commands: structuredClone(commands), error: error ? tell(error) : null, data: data ?? null }
  },
  stop: () => running?.stop()
}
