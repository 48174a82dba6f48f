'use strict'
// What the driver has to know of a request beyond its answer, to say what ours must do where it differs on purpose:
// which calls to the store have failed, as asked for and when, and what express-session would have sent and stored
// for a session that was there already, had it been modified.

let notes

exports.begin = (fails) => { notes = { fails, phase: 'load', operation: null, failed: [], due: null } }
// A phase of the request, or an operation of its handler by number.
exports.enter = (phase, operation = null) => { Object.assign(notes, { phase, operation }) }
exports.read = () => ({ failed: notes.failed, due: notes.due })

// A store whose calls fail when the request says so.
exports.watched = (store) => {
  for (const verb of ['get', 'set', 'touch', 'destroy']) {
    const original = store[verb].bind(store)
    store[verb] = (...args) => {
      if (notes.fails !== verb) return original(...args)
      notes.failed.push({ verb, id: args[0], phase: notes.phase, operation: notes.operation })
      setImmediate(args.at(-1), new Error('as asked for'))
    }
  }
  return store
}

// A touch moves `expires`, which is no change.
const attributes = (session) => JSON.stringify({ ...session.cookie.data, expires: null })

// The handler of a request begins: looks at its session, and again when what is given back is called.
exports.look = (req, value) => {
  const id = req.sessionID
  // Ids begin with that of the request which made them.
  const wasLoaded = req.session !== undefined && !id.startsWith(`${req.headers['x-lab-id']}.`)
  const before = wasLoaded && attributes(req.session)
  return () => {
    if (!wasLoaded || !req.session || req.sessionID !== id) return
    // Every response does that.
    req.session.touch()
    const { cookie } = req.session
    notes.due = {
      id,
      changed: attributes(req.session) !== before,
      set_cookie: value.isSent(req, cookie) ? cookie.serialize(value.name, value.signed(id)) : null,
      document: JSON.stringify(req.session)
    }
  }
}
