'use strict'
// Where a request waits until the driver lets it go on.

const door = () => {
  const made = {}
  made.opened = new Promise((resolve) => { made.open = resolve })
  return made
}

let [entrance, exit] = [door(), door()]

exports.close = () => { [entrance, exit] = [door(), door()] }

exports.hold = () => {
  entrance.open()
  return exit.opened
}

exports.reached = () => entrance.opened

// Also for whoever asks for a request that has ended without coming here.
exports.open = () => {
  entrance.open()
  exit.open()
}
