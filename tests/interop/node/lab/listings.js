'use strict'
// What a store package says when an operator asks it for all sessions, and when it sweeps.

const verbs = ['all', 'ids', 'length', 'list', 'reap', 'clearExpiredSessions']

// By callback or by promise, as each package has it.
const call = (store, verb) => new Promise((resolve, reject) => {
  const answer = store[verb]((error, value) => { error ? reject(error) : resolve(value) })
  if (answer instanceof Promise) answer.then(resolve, reject)
})

// By verb, in this order, those that the package has.
module.exports = async (store) => {
  const found = {}
  for (const verb of verbs) {
    if (typeof store[verb] !== 'function') continue
    found[verb] = await call(store, verb).then((value) => ({ value: value ?? null }), (error) => ({ error: String(error) }))
  }
  return found
}
