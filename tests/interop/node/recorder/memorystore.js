'use strict'
const session = require('express-session')
const { advance, freeze, revive, tell } = require('./harness')

const MemoryStore = require('memorystore')(session)

module.exports = {
  vectors: async (vector) => {
    if (vector.disposed !== undefined) return null
    freeze()
    const store = new MemoryStore(revive(vector.options))
    const steps = []
    for (const step of vector.steps) {
      if (step.args === undefined) {
        if (step.op !== 'advance') return null
        advance(step.ms)
        steps.push(step)
        continue
      }
      const args = step.args.map((arg, place) => place === 1 ? document(arg) : ids(arg))
      if (args.includes(undefined) || typeof store[step.op] !== 'function') return null
      const [error, result] = await new Promise((resolve) => {
        try { store[step.op](...args, (...answer) => resolve(answer)) } catch (error) { resolve([`thrown ${tell(error)}`]) }
      })
      steps.push({ ...step, error: error ? tell(error) : null, result: result === undefined ? null : text(result, step) })
    }
    return { steps }
  }
}

const ids = (arg) => typeof arg === 'string' && arg.startsWith('[') ? JSON.parse(arg) : arg

// The session a text stands for; its cookie can tell the time left, as a real one can.
function document (text) {
  if (typeof text !== 'string' || !text.startsWith('{')) return undefined
  const value = JSON.parse(text)
  if (value.cookie) {
    const { originalMaxAge, expires, ...rest } = value.cookie
    value.cookie = Object.assign(new session.Cookie(), rest)
    if (expires) value.cookie.expires = new Date(expires)
    value.cookie.originalMaxAge = originalMaxAge
  }
  return value
}

const text = (result, step) => typeof step.result === 'string' ? JSON.stringify(result) : result
