'use strict'
// Makes the real stores. One connection per server, one store per (option set, space).
// A space is a namespace of its own on the same server: a key prefix, a folder, a table.

const path = require('node:path')
const session = require('express-session')

const makers = {
  async memory () {
    const MemoryStore = require('memorystore')(session)
    const stores = new Map()
    return {
      store (space, options) {
        const store = new MemoryStore({ ...options })
        if (!stores.has(space)) stores.set(space, [])
        stores.get(space).push(store)
        return store
      },
      dump (space) {
        const found = {}
        for (const store of stores.get(space) ?? []) {
          store.store.forEach((text, id) => { found[id] = text })
        }
        return found
      },
      // As if the package had stored the document itself.
      plant (space, config, id, text) {
        const store = stores.get(space)[config]
        if (text === null) return store.store.del(id)
        const expires = JSON.parse(text)?.cookie?.expires
        const ttl = store.options.ttl ?? (expires ? Date.parse(expires) - Date.now() : 86400000)
        // Nothing left is not "for ever" here, which is what 0 means to the package: it lives until the next millisecond.
        if (ttl >= 0) store.store.set(id, text, ttl || 0.5)
        else store.store.del(id)
      },
      reset (space) {
        for (const store of stores.get(space) ?? []) store.store.reset()
      }
    }
  },

  async file ({ folder }) {
    const FileStore = require('session-file-store')(session)
    return {
      store: (space, options) => new FileStore({
        logFn: () => {},
        reapInterval: -1,
        // Not found is final: the retries cost a quarter of a second and change nothing for a lone writer.
        retries: 0,
        ...options,
        path: path.join(folder, space)
      })
    }
  },

  async redis ({ url }) {
    const { createClient } = require('redis')
    const client = await createClient({ url }).connect()
    // `connectRedis` says which version an option set is for.
    const versions = { 9: require('connect-redis-9'), 10: require('connect-redis') }
    return {
      store: (space, { connectRedis = 10, ...options }) =>
        new versions[connectRedis].RedisStore({ ...options, client, prefix: `${space}:` })
    }
  },

  async mysql ({ mysql }) {
    const MySQLStore = require('express-mysql-session')(session)
    const pool = require('mysql2/promise').createPool({ ...mysql, connectionLimit: 4 })
    return {
      store: (space, options) => new MySQLStore({
        clearExpired: false,
        createDatabaseTable: false,
        ...options,
        schema: { tableName: space }
      }, pool)
    }
  }
}

exports.connect = (config) => makers[config.store](config)
