'use strict'
// Runs the recorded vectors again on the installed packages, and fails if a byte is not as it was recorded.
// What is covered is the keys of the modules in `recorder/`; a vector that a module answers with null is not.
// With `--write` the new bytes replace the recorded ones, to be looked at with `git diff`.

require('./lab/clock')
const fs = require('node:fs')
const path = require('node:path')

const folder = path.join(__dirname, '../../vectors')
const files = ['cookie-signature', 'cookie-header', 'set-cookie', 'session-json', 'memorystore', 'decision-matrix', 'file', 'redis']

// Only what was recorded is compared, and of it only what the recorder gives.
const changes = (vector, again) => Object.entries(again)
  .filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(vector[key]))
  .map(([key, value]) => ({ key, recorded: vector[key], now: value }))

// The files' own layout: a vector a line.
const line = (value) => {
  if (Array.isArray(value)) return `[${value.map(line).join(', ')}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  return `{${Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}: ${line(member)}`).join(', ')}}`
}
const section = (value) => Array.isArray(value) && value.length > 0
  ? `[\n${value.map((vector) => `  ${line(vector)}`).join(',\n')}\n ]`
  : line(value)
const layout = (recorded) =>
  `{\n${Object.entries(recorded).map(([key, value]) => ` ${JSON.stringify(key)}: ${section(value)}`).join(',\n')}\n}\n`

async function main () {
  const write = process.argv.includes('--write')
  let changed = 0
  for (const file of files) {
    const place = path.join(folder, `${file}.json`)
    const recorded = JSON.parse(fs.readFileSync(place, 'utf8'))
    const { stop, ...sections } = require(`./recorder/${file}`)
    for (const [section, again] of Object.entries(sections)) {
      let same = 0
      let left = 0
      for (const vector of recorded[section]) {
        const result = await again(vector)
        const different = result === null ? [] : changes(vector, result)
        if (result === null) left++
        else if (different.length === 0) same++
        for (const { key, recorded, now } of different) {
          console.error(`${file}.json, ${section}, "${vector.name ?? vector[0]}": ${key}`)
          console.error(`  recorded ${JSON.stringify(recorded)}\n  now      ${JSON.stringify(now)}`)
          if (write) vector[key] = now
        }
        if (different.length > 0) changed++
      }
      console.log(`${file}.json ${section}: ${same} of ${recorded[section].length} as recorded${left ? `, ${left} not run` : ''}`)
    }
    await stop?.()
    if (write) fs.writeFileSync(place, layout(recorded))
  }
  if (changed > 0) console.error(`${changed} vectors differ from what was recorded`)
  process.exit(changed > 0 ? 1 : 0)
}

main()
