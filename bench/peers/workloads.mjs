// workloads.mjs — the work of crdt-bench (bench/crdt), for any engine behind the interface of engines/yjs.mjs. Names, inputs and what the
// clock covers are the same; each workload is described there.
//
// A workload is a list of rows { trace, lacks, run(context) }; `lacks`: what the engine must not lack. context: { engine, out, sessions }.
import { ALL, CLIENTS, ONE_WRITER, Random, SEVERAL_WRITERS, scriptB1, scriptB2, scriptResult } from './inputs.mjs'

const DIFF_EDITS = 100
const REPEATS = 20
const COPIES = 10 // of a document, when its memory is measured

function expect(fact, what) {
  if (!fact) throw new Error(what)
}

// Members of objects come in any order.
const sorted = (_, value) => value !== null && typeof value === 'object' && !Array.isArray(value)
  ? Object.fromEntries(Object.entries(value).sort()) : value
const same = (a, b) => JSON.stringify(a, sorted) === JSON.stringify(b, sorted)

// Rows on sessions, which are loaded once.
function onSessions(names, run, lacks = []) {
  return names.map(trace => {
    let session
    const needs = SEVERAL_WRITERS.includes(trace) ? [...lacks, 'together'] : lacks
    return { trace, lacks: needs, run: context => run(context, session ??= context.sessions.load(trace)) }
  })
}

function finish({ engine, out }, doc, ops) {
  engine.free(doc)
  out.ops ??= ops
}

function expectText({ engine, out }, doc, text) {
  expect(out.cut || engine.text(doc) === text, 'the text is another')
}

// ---- on sessions ----

function local(context, session) {
  const { engine, out } = context
  out.start()
  const doc = engine.create(1)
  for (let i = 0; i < session.patches.length && !out.late(i); i++) {
    const { position, deleted, inserted } = session.patches[i]
    engine.edit(doc, position, deleted, inserted)
  }
  out.stop()
  expectText(context, doc, session.text)
  finish(context, doc, session.patches.length)
}

function localEmit(context, session) {
  const { engine, out } = context
  const updates = []
  out.start()
  const doc = engine.create(1)
  engine.listen(doc)
  for (let i = 0; i < session.patches.length && !out.late(i); i++) {
    const { position, deleted, inserted } = session.patches[i]
    engine.edit(doc, position, deleted, inserted)
    updates.push(engine.drain(doc))
  }
  const text = engine.text(doc)
  const state = engine.encode(doc)
  out.stop()
  out.bytes = updates.reduce((sum, update) => sum + update.length, 0)
  expect(out.cut || text === session.text, 'the text is another')
  expect(out.cut || state.length > 0, 'there is no state')
  finish(context, doc, session.patches.length)
}

function remote(context, session) {
  const { engine, out } = context
  out.start()
  const doc = engine.create(2)
  for (let i = 0; i < session.updates.length && !out.late(i); i++) engine.apply(doc, session.updates[i])
  out.stop()
  expectText(context, doc, session.text)
  finish(context, doc, session.updates.length)
}

function load(context, session) {
  const { engine, out } = context
  out.start()
  const doc = engine.load(2, session.state)
  out.stop()
  out.bytes = session.state.length
  expectText(context, doc, session.text)
  finish(context, doc, 1)
}

function loadV2(context, session) {
  const { engine, out } = context
  out.start()
  const doc = engine.loadV2(2, session.stateV2)
  out.stop()
  out.bytes = session.stateV2.length
  expectText(context, doc, session.text)
  finish(context, doc, 1)
}

const editMiddle = ({ engine }, doc, session) => engine.edit(doc, session.middle, 0, 'x')

const encode = again => (context, session) => {
  const { engine, out } = context
  const doc = engine.load(2, session.state)
  let state
  editMiddle(context, doc, session)
  engine.encode(doc)
  for (let i = 0; i < REPEATS && !out.late(i, 1); i++) {
    if (!again) editMiddle(context, doc, session)
    out.start()
    state = engine.encode(doc)
    out.stop()
  }
  out.bytes = state.length
  const copy = engine.load(3, state)
  expect(engine.text(copy) === engine.text(doc), 'two texts differ')
  engine.free(copy)
  finish(context, doc, REPEATS)
}

function text(context, session) {
  const { engine, out } = context
  const doc = engine.load(2, session.state)
  let written = engine.text(doc)
  expect(written === session.text, 'the text is another')
  for (let i = 0; i < REPEATS && !out.late(i, 1); i++) {
    editMiddle(context, doc, session)
    out.start()
    written = engine.text(doc)
    out.stop()
  }
  expect(out.cut || written.length === session.text.length + REPEATS, 'the text has another length')
  out.bytes = Buffer.byteLength(written)
  finish(context, doc, REPEATS)
}

const elsewhere = Buffer.alloc(32 << 20)
function textFirst(context, session) {
  const { engine, out } = context
  const doc = engine.load(2, session.state)
  elsewhere.fill(elsewhere[0] + 1)
  out.start()
  const written = engine.text(doc)
  out.stop()
  expect(written === session.text, 'the text is another')
  out.bytes = Buffer.byteLength(written)
  finish(context, doc, 1)
}

const diff = again => (context, session) => {
  const { engine, out } = context
  const known = session.updates.length - DIFF_EDITS - REPEATS
  session.before ??= before(engine, session, known)
  const [doc, peer] = [2, 3].map(client => engine.load(client, session.before))
  const versions = []
  for (let i = 0; i < DIFF_EDITS; i++) {
    engine.apply(doc, session.updates[known + i])
    if (i >= REPEATS) continue
    engine.apply(peer, session.updates[known + i])
    versions.push(engine.version(doc))
  }
  let told
  for (let i = 0; i < REPEATS; i++) {
    engine.apply(doc, session.updates[known + DIFF_EDITS + i])
    if (!again) out.start()
    told = engine.diff(doc, versions[i])
    if (!again) out.stop()
  }
  for (let i = 0; again && i < REPEATS; i++) {
    out.start()
    told = engine.diff(doc, versions[REPEATS - 1])
    out.stop()
  }
  out.bytes = told.length
  engine.applyDiff(peer, told)
  expectText(context, peer, session.text)
  engine.free(peer)
  finish(context, doc, REPEATS)
}

function before(engine, session, known) {
  const doc = engine.create(2)
  engine.applyAll(doc, session.updates.slice(0, known))
  const state = engine.encode(doc)
  engine.free(doc)
  return state
}

function mergeUpdates(context, session) {
  const { engine, out } = context
  out.start()
  const merged = engine.merge(session.updates)
  const doc = engine.create(2)
  engine.apply(doc, merged)
  out.stop()
  out.bytes = merged.length
  expectText(context, doc, session.text)
  finish(context, doc, session.updates.length)
}

const memory = positions => (context, session) => {
  const { engine, out } = context
  const copies = []
  const heapBefore = out.heap()
  for (let i = 0; i < COPIES; i++) {
    if (!positions) out.start()
    copies.push(engine.load(2, session.state))
    if (!positions) out.stop()
  }
  for (const doc of positions ? copies : []) {
    out.start()
    editMiddle(context, doc, session)
    out.stop()
  }
  out.heapBytes = Math.max(0, Math.round((out.heap() - heapBefore) / COPIES))
  expect(engine.text(copies[0]).length === session.text.length + (positions ? 1 : 0), 'the text is another')
  copies.forEach(engine.free)
  out.ops = COPIES
}

// ---- B1 to B4 ----

const [WORK, ENCODE, PARSE] = [0, 1, 2]

function rowsOf(title, run, lacks = []) {
  return [['', WORK], [' encode', ENCODE], [' parse', PARSE]].map(([suffix, part]) =>
    ({ trace: title + suffix, lacks, run: context => run(context, part) }))
}

function finishBenchmark(context, doc, part, contents) {
  const { engine, out } = context
  if (part === ENCODE) out.start()
  const state = engine.encode(doc)
  if (part === ENCODE) out.stop()
  if (part === PARSE) out.start()
  const copy = engine.load(2, state)
  if (part === PARSE) out.stop()
  expect(out.cut || same(contents(copy), contents(doc)), 'the copy differs')
  if (part !== WORK) {
    out.ops = 1
    out.bytes = state.length
  }
  engine.free(copy)
  engine.free(doc)
}

const b1 = number => {
  let script, result
  return (context, part) => {
    const { engine, out } = context
    script ??= scriptB1(number)
    result ??= scriptResult(script)
    const contents = doc => number < 8 ? engine.text(doc) : engine.list(doc)
    const changes = script.changes.map(change => [change])
    const updates = []
    const doc = engine.create(1)
    engine.listen(doc)
    if (part === WORK) out.start()
    for (let i = 0; i < changes.length && !out.late(i); i++) {
      engine.change(doc, changes[i])
      updates.push(engine.drain(doc))
    }
    if (part === WORK) out.stop()
    out.ops ??= changes.length
    out.bytes = updates.reduce((sum, update) => sum + update.length, 0)
    if (!out.cut) {
      const hearer = engine.create(2)
      engine.applyAll(hearer, updates)
      expect(same(contents(hearer), number < 8 ? result.text : result.list), 'the hearer has something else')
      engine.free(hearer)
    }
    finishBenchmark(context, doc, part, contents)
  }
}

const b2 = number => (context, part) => {
  const { engine, out } = context
  const scripts = [0, 1].map(side => scriptB2(number, side))
  const docs = [1, 2].map(client => engine.create(client))
  docs.forEach(engine.listen)
  engine.edit(docs[0], 0, 0, '0123456789'.repeat(10))
  engine.apply(docs[1], engine.drain(docs[0]))
  engine.heard?.(docs[1])
  if (part === WORK) out.start()
  const updates = docs.map((doc, side) => {
    engine.change(doc, scripts[side].changes)
    return engine.drain(doc)
  })
  engine.apply(docs[1], updates[0])
  engine.apply(docs[0], updates[1])
  if (part === WORK) out.stop()
  expect(engine.text(docs[0]) === engine.text(docs[1]), 'two texts differ')
  expect(number === 4 || engine.text(docs[0]).length === scripts[0].length + scripts[1].length - 100, 'letters are missing')
  out.ops = scripts[0].changes.length + scripts[1].changes.length
  out.bytes = updates[0].length + updates[1].length
  engine.free(docs[1])
  finishBenchmark(context, docs[0], part, engine.text)
}

const clientOfB3 = i => (1 + Math.imul(i, 2654435761)) >>> 0

function writeB3(engine, doc, number, client) {
  const digits = String(client)
  if (number === 4) engine.change(doc, [{ index: 0, deleted: 0, text: '', numbers: [digits] }])
  else if (number === 5) engine.edit(doc, 0, 0, digits)
  else engine.setKey(doc, 'v', number === 1 ? client : number === 2 ? { name: digits, address: 'here' } : digits.repeat(CLIENTS))
}

function updateOfB3(engine, number, i) {
  const doc = engine.create(clientOfB3(i))
  engine.listen(doc)
  writeB3(engine, doc, number, i)
  return { doc, update: engine.drain(doc) }
}

function updatesOfB3(engine, number) {
  return Array.from({ length: CLIENTS }, (_, i) => {
    const { doc, update } = updateOfB3(engine, number, i)
    engine.free(doc)
    return update
  })
}

// The updates are made once for all rows of a number.
const b3 = number => {
  let updates
  return (context, part) => runB3(context, part, number, updates ??= updatesOfB3(context.engine, number))
}

function runB3(context, part, number, updates) {
  const { engine, out } = context
  const hearers = [0, 1].map(i => updateOfB3(engine, number, i).doc)
  for (const [i, hearer] of hearers.entries()) {
    if (part === WORK && i === 1) out.start()
    engine.applyAll(hearer, updates)
    if (part === WORK && i === 1) out.stop()
  }
  const contents = doc => number < 4 ? engine.key(doc, 'v') : number === 4 ? engine.list(doc) : engine.text(doc)
  expect(same(contents(hearers[0]), contents(hearers[1])), 'two documents differ')
  out.ops = CLIENTS
  out.bytes = updates.reduce((sum, update) => sum + update.length, 0)
  engine.free(hearers[0])
  finishBenchmark(context, hearers[1], part, contents)
}

const b4 = () => {
  let session
  return (context, part) => {
    const { engine, out } = context
    session ??= context.sessions.load('automerge-paper')
    if (part !== WORK) { // typed once, outside of the clock, when the session was made
      const doc = engine.load(1, session.state)
      finishBenchmark(context, doc, part, engine.text)
      return
    }
    const doc = engine.create(1)
    engine.listen(doc)
    let bytes = 0
    out.start()
    for (let i = 0; i < session.patches.length && !out.late(i); i++) {
      const { position, deleted, inserted } = session.patches[i]
      engine.edit(doc, position, deleted, inserted)
      bytes += engine.drain(doc).length
    }
    out.stop()
    expectText(context, doc, session.text)
    out.bytes = bytes
    finish(context, doc, session.patches.length)
  }
}

// ---- at worst ----

// The loop of most: `edit(doc, i)` a number of times; the text has `length` letters in the end.
function many(context, count, edit, length, doc = context.engine.create(1)) {
  const { engine, out } = context
  out.start()
  for (let i = 0; i < count && !out.late(i); i++) edit(doc, i)
  out.stop()
  expect(out.cut || engine.text(doc).length === length, 'the text has another length')
  finish(context, doc, count)
}

const randomEdits = size => context => {
  const { engine } = context
  const random = new Random(77)
  const doc = engine.create(1)
  let length = 0
  for (let i = 0; i < size; i++, length += 1000) engine.edit(doc, random.below(length + 1), 0, 'x'.repeat(1000))
  const edits = Array.from({ length: 20000 }, (_, i) => {
    const deletes = i % 4 === 3
    const edit = { at: random.below(length), deleted: deletes ? 1 : 0, text: deletes ? '' : 'x' }
    length += deletes ? -1 : 1
    return edit
  })
  many(context, edits.length, (doc, i) => engine.edit(doc, edits[i].at, edits[i].deleted, edits[i].text), length, doc)
}

const clients = size => context => {
  const { engine } = context
  many(context, size, (doc, i) => {
    engine.become(doc, clientOfB3(i))
    engine.edit(doc, i, 0, 'x')
  }, size)
}

const items = size => context => {
  const { engine } = context
  many(context, size, (doc, i) => {
    engine.become(doc, 1 + i % 2)
    engine.edit(doc, i, 0, 'x')
  }, size)
}

function typeAndDelete(engine, doc, i) {
  engine.become(doc, 1 + (i >> 1) % 2)
  engine.edit(doc, 5, i % 2, i % 2 === 0 ? 'x' : '')
}

const tombstones = size => context => {
  const { engine } = context
  const doc = engine.create(1)
  engine.edit(doc, 0, 0, 'x'.repeat(10))
  many(context, 2 * size, (doc, i) => typeAndDelete(engine, doc, i), 10, doc)
}

const acrossTombstones = size => context => {
  const { engine } = context
  const doc = engine.create(1)
  engine.edit(doc, 0, 0, 'x'.repeat(10))
  for (let i = 0; i < 2 * size; i++) typeAndDelete(engine, doc, i)
  many(context, 1000, (doc, i) => engine.edit(doc, i % 2 === 0 ? 4 : i + 7, 0, 'x'), 1010, doc)
}

const prepends = size => context => many(context, size, doc => context.engine.edit(doc, 0, 0, 'x'), size)

const appends = size => context => {
  const piece = 'x'.repeat(200)
  many(context, size, (doc, i) => context.engine.edit(doc, 200 * i, 0, piece), 200 * size)
}

const hotKey = size => context => {
  const { engine, out } = context
  const doc = engine.create(1)
  out.start()
  for (let i = 0; i < size && !out.late(i); i++) engine.setKey(doc, 'k', i)
  out.stop()
  expect(out.cut || engine.key(doc, 'k') === size - 1, 'the key has another value')
  finish(context, doc, size)
}

const conflicts = size => context => {
  const { engine } = context
  const updates = Array.from({ length: size }, (_, i) => {
    const doc = engine.create(10 + i)
    engine.listen(doc)
    engine.edit(doc, 0, 0, 'x')
    const update = engine.drain(doc)
    engine.free(doc)
    return update
  })
  many(context, size, (doc, i) => engine.apply(doc, updates[i]), size)
}

const deepConflicts = size => context => {
  const { engine, out } = context
  const updates = [1, 2].map(client => {
    const doc = engine.create(client)
    engine.listen(doc)
    engine.change(doc, Array.from({ length: size }, () => ({ index: 0, deleted: 0, text: 'x', numbers: [] })))
    const update = engine.drain(doc)
    engine.free(doc)
    return update
  })
  const doc = engine.create(3)
  engine.apply(doc, updates[0])
  out.start()
  engine.apply(doc, updates[1])
  out.stop()
  expect(engine.text(doc).length === 2 * size, 'letters are missing')
  finish(context, doc, size)
}

// ---- a thousand documents ----

const COUNT = 1000
const PAGE = 5000
const HISTORY_EDITS = 651

function historyState(engine) {
  const random = new Random(5000)
  const doc = engine.create(1)
  let length = 0
  for (let i = 0; i < HISTORY_EDITS; i++) {
    const deletes = length > 0 && random.below(3) === 0
    engine.edit(doc, random.below(length + (deletes ? 0 : 1)), deletes ? 1 : 0, deletes ? '' : 'letters')
    length += deletes ? -1 : 7
  }
  for (; length < PAGE; length++) engine.edit(doc, length, 0, 'x')
  const state = engine.encode(doc)
  engine.free(doc)
  return state
}

function thousand(context, make, check) {
  const { engine, out } = context
  const kept = []
  const heapBefore = out.heap()
  for (let i = 0; i < COUNT && !out.late(i, 16); i++) kept.push(make(i))
  out.heapBytes = Math.max(0, Math.round((out.heap() - heapBefore) * COUNT / kept.length))
  expect(kept.every(check), 'a document is not whole')
  out.ops ??= COUNT
  return kept
}

function historyLive(context) {
  const { engine, out } = context
  const state = context.history ??= historyState(engine)
  out.bytes = state.length
  thousand(context, () => {
    out.start()
    const doc = engine.load(2, state)
    out.stop()
    return doc
  }, doc => engine.text(doc).length >= PAGE).forEach(engine.free)
}

function historyCold(context) {
  const { engine, out } = context
  const doc = engine.load(2, context.history ??= historyState(engine))
  const kept = thousand(context, () => {
    out.start()
    const state = engine.encode(doc)
    out.stop()
    return state
  }, state => state.length > 0)
  out.bytes = kept[0].length
  out.heapBytes = kept.reduce((sum, state) => sum + state.length, 0)
  engine.free(doc)
}

function oneInsert(context) {
  const { engine, out } = context
  const page = 'x'.repeat(PAGE)
  thousand(context, () => {
    out.start()
    const doc = engine.create(1)
    engine.edit(doc, 0, 0, page)
    out.stop()
    return doc
  }, doc => engine.text(doc).length === PAGE).forEach(engine.free)
}

const sizes = (run, lacks, ...list) => list.map(([trace, size]) => ({ trace, lacks, run: run(size) }))

export const workloads = {
  local: onSessions(ONE_WRITER, local),
  'local-emit': onSessions(ONE_WRITER, localEmit),
  remote: onSessions(ONE_WRITER, remote),
  load: onSessions(ALL, load),
  'load-v2': onSessions(ALL, loadV2, ['v2']),
  encode: onSessions(ALL, encode(false)),
  'encode-again': onSessions(ALL, encode(true)),
  text: onSessions(ALL, text),
  'text-first': onSessions(ALL, textFirst),
  diff: onSessions(ALL, diff(false), ['diffs']),
  'diff-again': onSessions(ALL, diff(true), ['diffs']),
  'merge-concurrent': onSessions(SEVERAL_WRITERS, remote),
  'merge-updates': onSessions(SEVERAL_WRITERS, mergeUpdates, ['merge']),
  memory: onSessions(ALL, memory(false)),
  'memory-positions': onSessions(ALL, memory(true)),
  b1: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].flatMap(number => rowsOf(`B1.${number}`, b1(number), number < 8 ? [] : ['lists'])),
  b2: [1, 2, 3, 4].flatMap(number => rowsOf(`B2.${number}`, b2(number))),
  b3: [1, 2, 3, 4, 5].flatMap(number => rowsOf(`B3.${number}`, b3(number), number < 5 ? ['lists'] : [])),
  b4: rowsOf('B4', b4()),
  'random-edits': sizes(randomEdits, [], ['100 KB', 100], ['1 MB', 1000]),
  clients: sizes(clients, ['becoming'], ['1,000', 1000], ['10,000', 10000]),
  items: sizes(items, ['becoming'], ['100,000', 100000], ['1,000,000', 1000000]),
  tombstones: sizes(tombstones, ['becoming'], ['1,000', 1000], ['10,000', 10000]),
  'across-tombstones': sizes(acrossTombstones, ['becoming'], ['1,000', 1000], ['10,000', 10000]),
  prepends: sizes(prepends, [], ['10,000', 10000], ['100,000', 100000]),
  'hot-key': sizes(hotKey, ['lists'], ['10,000', 10000], ['100,000', 100000]),
  conflicts: sizes(conflicts, [], ['300', 300], ['3,000', 3000]),
  'deep-conflicts': sizes(deepConflicts, [], ['300', 300], ['3,000', 3000]),
  appends: sizes(appends, [], ['1 MB', 5000], ['10 MB', 50000]),
  'memory-1000': [
    { trace: 'history, live', lacks: [], run: historyLive },
    { trace: 'history, cold', lacks: [], run: historyCold },
    { trace: 'one insert', lacks: [], run: oneInsert }
  ]
}
