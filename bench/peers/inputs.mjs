// inputs.mjs — what the workloads work on: the sessions that crdt-bench exports, and what crdt-bench draws by seeds, drawn the same way.
import fs from 'node:fs'
import path from 'node:path'

// bench_below of crdt_bench_main.c.
export class Random {
  constructor(seed) {
    this.state = BigInt(seed)
  }
  below(count) {
    this.state = BigInt.asUintN(64, this.state * 6364136223846793005n + 1442695040888963407n)
    return count === 0 ? 0 : Number((this.state >> 33n) % BigInt(count))
  }
}

// ---- sessions ----

export const ONE_WRITER = ['automerge-paper', 'rustcode', 'sveltecomponent', 'seph-blog1', 'seeded-korean']
export const SEVERAL_WRITERS = ['friendsforever', 'clownschool']
export const ALL = [...ONE_WRITER, ...SEVERAL_WRITERS]

class Reader {
  constructor(bytes) {
    this.bytes = bytes
    this.at = 8 // behind the magic and the version
  }
  number() {
    this.at += 4
    return this.bytes.readUInt32LE(this.at - 4)
  }
  view() {
    const size = this.number()
    this.at += size
    return this.bytes.subarray(this.at - size, this.at)
  }
  times(count, read) {
    return Array.from({ length: count }, () => read(this))
  }
}

const readPatch = reader => ({ position: reader.number(), deleted: reader.number(), inserted: reader.view().toString() })

// The formats are those of tests/data/traces.
function readUpdates(file) {
  const reader = new Reader(fs.readFileSync(file))
  const count = reader.number()
  reader.number() // agents
  return reader.times(count, () => {
    reader.number() // the agent
    return new Uint8Array(reader.view())
  })
}

function writeUpdates(file, updates) {
  const numbers = (...values) => Buffer.from(new Uint32Array(values).buffer)
  const parts = [Buffer.from('YLOG'), numbers(1, updates.length, 1)]
  for (const update of updates) parts.push(numbers(0, update.length), update)
  fs.writeFileSync(file, Buffer.concat(parts))
}

function readTransactions(file) {
  const reader = new Reader(fs.readFileSync(file))
  const count = reader.number()
  reader.number() // agents
  return reader.times(count, () => {
    const agent = reader.number()
    const parents = reader.times(reader.number(), () => reader.number())
    return { agent, parents, patches: reader.times(reader.number(), readPatch) }
  })
}

// The updates of a session whose writers have a document each, as the engine makes them, and one of the documents in the end: a writer
// hears what a transaction builds on, then makes it.
function typeTogether(engine, transactions) {
  const writers = new Map()
  const updates = []
  for (const [index, { agent, parents, patches }] of transactions.entries()) {
    if (!writers.has(agent)) {
      const doc = engine.create(1001 + agent)
      engine.listen(doc)
      writers.set(agent, { doc, known: new Set() })
    }
    const writer = writers.get(agent)
    const missing = []
    for (const stack = [...parents]; stack.length > 0;) {
      const parent = stack.pop()
      if (writer.known.has(parent)) continue
      writer.known.add(parent)
      missing.push(parent)
      stack.push(...transactions[parent].parents)
    }
    if (missing.length > 0) {
      engine.applyAll(writer.doc, missing.sort((a, b) => a - b).map(parent => updates[parent]).filter(update => update !== null))
      engine.heard?.(writer.doc)
    }
    writer.known.add(index)
    updates.push(null)
    if (patches.length === 0) continue
    engine.change(writer.doc, patches.flatMap(({ position: index, deleted, inserted: text }) => [
      ...(deleted > 0 ? [{ index, deleted, text: '', numbers: [] }] : []),
      ...(text.length > 0 ? [{ index, deleted: 0, text, numbers: [] }] : [])]))
    updates[index] = engine.drain(writer.doc)
  }
  const [first, ...others] = [...writers.values()]
  others.forEach(({ doc }) => engine.free(doc))
  engine.applyAll(first.doc, updates.filter((update, index) => update !== null && !first.known.has(index)))
  return { updates: updates.filter(update => update !== null), doc: first.doc }
}

function typeAlone(engine, patches) {
  const doc = engine.create(1)
  engine.listen(doc)
  const updates = patches.map(({ position, deleted, inserted }) => {
    engine.edit(doc, position, deleted, inserted)
    return engine.drain(doc)
  })
  return { updates, doc }
}

// A session for an engine: { name, patches, updates, state, stateV2, text, middle }. Updates and state are in the engine's own format;
// what takes long to make is kept in the folder.
export class Sessions {
  constructor(folder, engine, engineName) {
    this.folder = folder
    this.engine = engine
    this.own = path.join(folder, engineName)
  }
  path(name, suffix) {
    return path.join(this.folder, `${name}.${suffix}`)
  }
  load(name) {
    const { engine } = this
    const text = fs.readFileSync(this.path(name, 'txt'))
    let half = text.length >> 1
    while ((text[half] & 0xc0) === 0x80) half--
    const before = text.subarray(0, half).toString()
    const session = { name, text: text.toString(), middle: engine.codePoints ? [...before].length : before.length, patches: [] }
    if (ONE_WRITER.includes(name)) {
      const reader = new Reader(fs.readFileSync(this.path(name, 'trace')))
      session.patches = reader.times(reader.number(), readPatch)
      if (engine.codePoints) session.patches = engine.toCodePoints(session.patches)
    }
    if (engine.speaksYjs) {
      session.updates = readUpdates(this.path(name, 'ylog'))
      session.state = new Uint8Array(fs.readFileSync(this.path(name, 'v1')))
      session.stateV2 = new Uint8Array(fs.readFileSync(this.path(name, 'v2')))
    } else {
      this.makeOwn(session)
    }
    return session
  }
  makeOwn(session) {
    const { engine } = this
    const [log, state] = ['ylog', 'state'].map(suffix => path.join(this.own, `${session.name}.${suffix}`))
    if (!fs.existsSync(state)) {
      fs.mkdirSync(this.own, { recursive: true })
      const { updates, doc } = session.patches.length > 0 ? typeAlone(engine, session.patches)
        : typeTogether(engine, readTransactions(this.path(session.name, 'trace')))
      writeUpdates(log, updates)
      fs.writeFileSync(state, engine.encode(doc))
      engine.free(doc)
    }
    session.updates = readUpdates(log)
    session.state = new Uint8Array(fs.readFileSync(state))
  }
}

// ---- B1 and B2: the scripts of on_benchmarks.c ----

export const N = 6000
export const CLIENTS = 1540
const SEED = 6000

class Script {
  constructor(seed, length) {
    this.random = new Random(seed)
    this.length = length
    this.changes = []
  }
  add(change) {
    this.changes.push({ index: 0, deleted: 0, text: '', numbers: [], ...change })
    const { text, numbers, deleted } = this.changes.at(-1)
    this.length += text.length + numbers.length - deleted
  }
  insert(index, least, most) {
    let text = ''
    for (let count = least + this.random.below(most - least + 1); count > 0; count--) text += String.fromCharCode(97 + this.random.below(26))
    this.add({ index, text })
  }
  place() {
    return this.random.below(this.length + 1)
  }
  insertOrDelete() {
    const index = this.place()
    const rest = this.length - index
    if (rest === 0 || this.random.below(2) === 0) this.insert(index, 2, 10)
    else this.add({ index, deleted: 1 + this.random.below(Math.min(rest, 9)) })
  }
  addNumbers(index, count) {
    this.add({ index, numbers: Array.from({ length: count }, () => this.random.below(0x7fffffff)) })
  }
}

export function scriptB1(number) {
  const script = new Script(SEED + number, 0)
  const atOnce = [2, 6, 9].includes(number)
  for (let i = 0; i < (atOnce ? 1 : N); i++) {
    if (number === 1) script.insert(i, 1, 1)
    else if (number === 2) script.insert(0, N, N)
    else if (number === 3) script.insert(0, 1, 1)
    else if (number === 4) script.insert(script.place(), 1, 1)
    else if (number === 5) script.insert(script.place(), 2, 10)
    else if (number === 6) {
      script.insert(0, N, N)
      script.add({ deleted: N })
    } else if (number === 7) script.insertOrDelete()
    else if (number === 8) script.addNumbers(i, 1)
    else if (number === 9) script.addNumbers(0, N)
    else if (number === 10) script.addNumbers(0, 1)
    else script.addNumbers(script.place(), 1)
  }
  return script
}

export function scriptB2(number, side) {
  const script = new Script(SEED + 100 + 10 * number + side, 100)
  for (let i = 0; i < (number === 1 ? 1 : N); i++) {
    if (number === 1) script.insert(0, N, N)
    else if (number === 2) script.insert(script.place(), 1, 1)
    else script.insert(script.place(), 3, 9)
    if (number === 4) script.insertOrDelete()
  }
  return script
}

// What the changes make of an empty text and list, done naively.
export function scriptResult(script) {
  let text = ''
  const list = []
  for (const change of script.changes) {
    text = text.slice(0, change.index) + change.text + text.slice(change.index + change.deleted)
    list.splice(change.index, 0, ...change.numbers)
  }
  return { text, list }
}
