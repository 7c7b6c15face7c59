// wild.mjs — a corpus of its own for every seed, stranger than the recorded one: made by real Yjs, judged by the corpus's checker.
//
//   node wild.mjs CRDT-CONFORM CORPUS-FOLDER [--cases N] [--seed S] [--keep FILE]
//
// What is in it: wild/histories.mjs, wild/scripts.mjs. A failing case names its seed; --keep writes the cases to a file.
// Scripts that hang on two marks having one and the same object for their value are left out: see crdt/INTERNALS.md, 7.
import fs from 'node:fs'
import path from 'node:path'
import { Checker } from './checker.mjs'
import { Random } from './differential/random.mjs'
import { PROFILES, makeHistory } from './wild/histories.mjs'
import { makeScript } from './wild/scripts.mjs'

const [program, corpus, ...flags] = process.argv.slice(2)
const flag = (name, otherwise) => flags.includes(name) ? flags[flags.indexOf(name) + 1] : otherwise
const first = Number(flag('--seed', 1))
const count = Number(flag('--cases', 160))

const checker = new Checker(corpus)
const lib = { ...await checker.library('model.mjs'), ...await checker.library('tj.mjs') }
const file = flag('--keep', path.join(checker.folder, 'wild.jsonl'))
const names = Object.keys(PROFILES)
const out = fs.openSync(file, 'w')
let made = 0
console.error = () => {} // Yjs tells of every edit that it refuses
for (let seed = first; made < count; seed++) {
  const name = names[(seed >> 1) % names.length]
  const random = new Random(seed)
  try {
    const record = seed % 2 === 0 ? makeHistory(lib, random, `${name}-${seed}`, PROFILES[name]) : makeScript(lib, random, `local-${name}-${seed}`, PROFILES[name])
    fs.writeSync(out, JSON.stringify(record) + '\n')
    made++
  } catch (error) { // a value that Yjs takes nowhere, or that JavaScript cannot show as text, or what is left out
    if (!/Unexpected content type|primitive value|shared mark/.test(error.message)) throw error
  }
}
fs.closeSync(out)
process.exitCode = checker.run(program, [file])
checker.end()
