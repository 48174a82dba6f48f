'use strict'
// The date of this process, as the driver of the lab sets it. Timers are not affected.

const RealDate = globalThis.Date
let now = RealDate.now()

globalThis.Date = new Proxy(RealDate, {
  apply: () => new RealDate(now).toString(),
  construct: (target, args) => (args.length === 0 ? new RealDate(now) : new RealDate(...args)),
  get: (target, key) => (key === 'now' ? () => now : target[key])
})

exports.set = (ms) => { now = ms }
