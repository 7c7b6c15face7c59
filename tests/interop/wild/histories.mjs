// histories.mjs — a history as crdt-conformance.md has them: some Yjs clients edit, undo, hear each other or not; what they said comes to a
// reader in some order, some of it twice, merged, cut, converted or never; and what the reader, also Yjs, then has.
import * as Y from 'yjs'
import { Edits } from './edits.mjs'

const ALL = [{ name: 't', kind: 'Text' }, { name: '', kind: 'Text' }, { name: 'a', kind: 'Array' }, { name: 'm', kind: 'Map' }, { name: 'x', kind: 'XmlFragment' },
  { name: 'e', kind: 'XmlElement' }, { name: 'xt', kind: 'XmlText' }, { name: 'ключ😀', kind: 'Map' }, { name: '\u0000', kind: 'Array' }]
const [T, , A, M, X, E, XT, K] = ALL

// `reader`: the roots as the reader sees them, if otherwise
export const PROFILES = {
  mixed: { roots: ALL },
  text: { roots: [T] },
  rich: { roots: [T, XT], options: { marks: ['bold', 'italic', 'link'] } },
  wild: { roots: [T, XT, X], options: { wild: true } },
  array: { roots: [A] },
  map: { roots: [M, K], options: { keys: ['k', 'a', '0'] } },
  xml: { roots: [X, E, XT] },
  nested: { roots: [A, M, X], deep: 0.95 },
  conflict: { roots: [T, M], options: { keys: ['k'] }, deep: 0.1 },
  retyped: { roots: [T, M, X], reader: [{ name: 't', kind: 'XmlText' }, { name: 'm', kind: 'XmlElement' }, { name: 'x', kind: 'XmlElement' }] },
  'retyped-lists': { roots: [M, X, E], reader: [{ name: 'm', kind: 'Text' }, { name: 'x', kind: 'Array' }, { name: 'e', kind: 'XmlFragment' }] }
}

const IDS = [random => random.below(40), random => random.below(2 ** 32), random => random.below(2 ** 53),
  random => random.pick([0, 1, 63, 64, 127, 128, 16383, 16384, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 48, 2 ** 53 - 2, 2 ** 53 - 1])]
export function clientIds (random, count) {
  const make = random.pick(IDS)
  const ids = new Set()
  while (ids.size < count) ids.add(make(random))
  return [...ids]
}

const isPlain = value => value === null || ['string', 'boolean'].includes(typeof value) || (typeof value === 'number' && Number.isFinite(value) && !Object.is(value, -0)) ||
  (typeof value === 'object' && !(value instanceof Uint8Array) && Object.values(value).every(isPlain))

// The client writes content JSON, as Yjs did long ago.
export function makeLegacy (doc) {
  doc.on('beforeObserverCalls', transaction => {
    for (const struct of doc.store.clients.get(doc.clientID) ?? []) {
      if (struct.id.clock < (transaction.beforeState.get(doc.clientID) ?? 0) || !(struct.content instanceof Y.ContentAny)) continue
      if (struct.content.arr.every(value => value === undefined || isPlain(value))) struct.content = new Y.ContentJSON(struct.content.arr)
    }
  })
}

// Edits one after the other, in one transaction; those that were made.
export function transact (lib, doc, roots, edits, count, deep = 0.5) {
  const made = []
  doc.transact(() => {
    for (; count > 0; count--) {
      const all = lib.allTypes(doc, roots).filter(({ addr }) => addr.path.length < 8)
      const nested = all.filter(({ addr }) => addr.path.length > 0)
      const edit = edits.of(edits.random.pick(nested.length > 0 && edits.random.chance(deep) ? nested : all))
      applyEdit(lib, doc, edit)
      made.push(edit)
    }
  }, 'own')
  return made
}

function applyEdit (lib, doc, { op, at, index, len, text, value, values, key, delta, attrs }) {
  const type = lib.resolve(doc, at)
  const attributes = attrs && lib.dec(attrs)
  switch (op) {
    case 'insertText': return type.insert(index, text, attributes)
    case 'insertEmbed': return type.insertEmbed(index, lib.dec(value), ...(attributes ? [attributes] : []))
    case 'deleteText': case 'delete': return type.delete(index, len)
    case 'format': return type.format(index, len, attributes)
    case 'applyDelta': return type.applyDelta(delta.map(step => ({ ...step, ...('insert' in step && { insert: lib.dec(step.insert) }), ...(step.attributes && { attributes: lib.dec(step.attributes) }) })))
    case 'insert': return type.insert(index, values.map(lib.dec))
    case 'mapSet': return type instanceof Y.Map ? type.set(key, lib.dec(value)) : type.setAttribute(key, lib.dec(value))
    case 'mapDelete': return type instanceof Y.Map ? type.delete(key) : type.removeAttribute(key)
    default: return type.clear()
  }
}

const apply = (doc, { v, u }, origin) => v === 1 ? Y.applyUpdate(doc, u, origin) : Y.applyUpdateV2(doc, u, origin)
const asV1 = ({ v, u }) => v === 1 ? u : Y.convertUpdateFormatV2ToV1(u)
const asV2 = ({ v, u }) => v === 2 ? u : Y.convertUpdateFormatV1ToV2(u)
const converted = message => message.v === 1 ? { v: 2, u: asV2(message) } : { v: 1, u: asV1(message) }
const merged = (random, messages) => random.chance(0.5) ? { v: 1, u: Y.mergeUpdates(messages.map(asV1)) } : { v: 2, u: Y.mergeUpdatesV2(messages.map(asV2)) }

// An update that begins with half of a surrogate pair: a Yjs document that knows all of it cuts its own text there, ours does not.
const beginsInsidePair = update => Y.decodeUpdate(update).structs.some(({ content }) => content instanceof Y.ContentString && /^[\ufffd\udc00-\udfff]/.test(content.str))

function vectorWithin (random, to, from = new Map()) {
  const start = client => from.get(client) ?? 0
  return Y.encodeStateVector(new Map([...to].filter(() => random.chance(0.85)).map(([client, clock]) => [client, start(client) + random.below(clock - start(client) + 1)])))
}

class History {
  constructor (lib, random, { roots, options, deep }) {
    Object.assign(this, { lib, random, roots, deep })
    this.gc = random.chance(0.6)
    this.edits = new Edits(random, { ...options, types: random.pick([0, 0.3, 0.6]), json: random.chance(0.3) })
    this.sent = []
    this.vectors = []
    this.positions = []
    this.clients = clientIds(random, 2 + random.below(5)).map((clientID, number) => this.client(clientID, number))
    if (random.chance(0.3)) makeLegacy(this.clients[0].doc)
  }

  client (clientID, number) {
    const { random, roots } = this
    const doc = new Y.Doc({ gc: random.chance(0.8) ? this.gc : !this.gc })
    doc.clientID = clientID
    this.lib.declareRoots(doc, roots)
    const v = 1 + random.below(2)
    doc.on(v === 1 ? 'update' : 'updateV2', (u, origin) => { if (origin !== 'remote') this.sent.push({ v, u, from: number }) })
    return { doc, heard: 0, undo: new Y.UndoManager(roots.map(({ name, kind }) => this.lib.getRoot(doc, name, kind)), { captureTimeout: 0, trackedOrigins: new Set(['own']) }) }
  }

  step () {
    const { random, sent } = this
    const number = random.below(this.clients.length)
    const client = this.clients[number]
    const what = random.next()
    if (what < 0.6) transact(this.lib, client.doc, this.roots, this.edits, 1 + random.below(random.pick([1, 3, 8])), this.deep)
    else if (what < 0.7) random.chance(0.7) ? client.undo.undo() : client.undo.redo()
    else if (what < 0.9) {
      for (const end = client.heard + random.below(sent.length - client.heard + 1); client.heard < end; client.heard++) {
        if (sent[client.heard].from !== number) apply(client.doc, sent[client.heard], 'remote')
      }
    } else { // all that it has, or what somebody lacks
      const update = Y.encodeStateAsUpdate(client.doc, random.chance(0.5) ? undefined : Y.encodeStateVector(random.pick(this.clients).doc))
      if (!beginsInsidePair(update)) sent.push({ v: 1, u: update, from: number })
    }
    if (random.chance(0.15)) this.vectors.push({ sv: Y.encodeStateVector(client.doc), base: Y.encodeStateAsUpdate(client.doc) })
    if (random.chance(0.4)) this.notePosition(client.doc)
  }

  notePosition (doc) {
    const { random } = this
    const lists = this.lib.allTypes(doc, this.roots).filter(({ type }) => !(type instanceof Y.Map))
    if (lists.length === 0) return
    const { type } = random.pick(lists)
    this.positions.push(Y.encodeRelativePosition(Y.createRelativePositionFromTypeIndex(type, random.below(type._length + 1), random.pick([0, 0, -1, -1, 1, -2, 5]))))
  }

  delivery () {
    const { random } = this
    const tags = [random.pick(['fifo', 'shuffle', 'local', 'merged', 'drop', 'late'])]
    let updates = this.sent.map(({ v, u }) => ({ v, u }))
    const shuffled = spread => updates.map((update, i) => [i + random.next() * spread, update]).sort((a, b) => a[0] - b[0]).map(([, update]) => update)
    if (tags[0] === 'shuffle') updates = shuffled(updates.length)
    else if (tags[0] === 'local') updates = shuffled(8)
    else if (tags[0] === 'drop') updates = updates.filter(() => random.chance(0.85))
    else if (tags[0] === 'late') updates.push(...updates.splice(0, random.below(updates.length + 1)))
    else if (tags[0] === 'merged') for (let i = 0; i < updates.length; i++) updates.splice(i, 0, merged(random, updates.splice(i, 1 + random.below(5))))
    if (random.chance(0.4)) {
      tags.push('dup')
      for (let i = updates.length; i-- > 0;) if (random.chance(0.3)) updates.splice(random.below(updates.length + 1), 0, updates[i])
    }
    if (random.chance(0.4)) updates = updates.map(update => random.chance(0.3) ? converted(update) : update)
    if (random.chance(0.2)) updates = updates.flatMap(update => random.chance(0.3) ? this.cut(update) : [update])
    return { tags, updates }
  }

  // The update, and before or after it its end.
  cut (update) {
    const { random } = this
    const whole = asV1(update)
    const { from, to } = Y.parseUpdateMeta(whole)
    const tail = Y.diffUpdate(whole, vectorWithin(random, to, from))
    return beginsInsidePair(tail) ? [update] : random.chance(0.5) ? [{ v: 1, u: tail }, update] : [update, { v: 1, u: tail }]
  }
}

// A document that gets the updates; `seen` is called after each.
function read (lib, { updates, roots, gc, noCleanup }, seen = () => {}) {
  return lib.withTune({ noCleanup }, () => {
    const doc = new Y.Doc({ gc })
    lib.declareRoots(doc, roots)
    updates.forEach((update, i) => { apply(doc, update); seen(doc, i + 1) })
    return doc
  })
}

const deletions = doc => JSON.stringify([...Y.snapshot(doc).ds.clients].map(([client, items]) => [client, items.map(({ clock, len }) => [clock, len])]).sort())

export function makeHistory (lib, random, id, profile) {
  const history = new History(lib, random, profile)
  for (let steps = random.pick([10, 25, 60, 120]); steps > 0; steps--) history.step()
  const { tags, updates } = history.delivery()
  const { gc } = history
  const roots = profile.reader ?? profile.roots
  const mid = []
  const snapshots = []
  const vectors = history.vectors
  const json = doc => lib.observe(doc, roots).json
  const doc = read(lib, { updates, roots, gc, noCleanup: false }, (reader, after) => {
    if (random.chance(0.12) && mid.length < 8) mid.push({ after, sv: lib.svOf(reader), pending: lib.pendingOf(reader), json: json(reader) })
    if (!gc && random.chance(0.08) && snapshots.length < 4) snapshots.push(Y.snapshot(reader))
  })
  const plain = read(lib, { updates, roots, gc, noCleanup: true }, (reader, after) => {
    for (const moment of mid) if (moment.after === after && !lib.same(json(reader), moment.json)) delete moment.json
  })
  const kept = read(lib, { updates, roots, gc: false, noCleanup: true })
  const seen = lib.observe(doc, roots)
  const seenPlain = lib.observe(plain, roots)
  const alike = lib.same(lib.normObs(seen), lib.normObs(seenPlain))
  const record = {
    id, tags, clients: history.clients.length, gc, roots, mid, updates: updates.map(({ v, u }) => ({ v, u: lib.b64(u) })), cleanupDeletes: deletions(doc) !== deletions(plain),
    final: { sv: lib.svOf(doc), svBytes: lib.b64(Y.encodeStateVector(doc)), pending: lib.pendingOf(doc), ...seen, update: lib.b64(Y.encodeStateAsUpdate(doc)), updateV2: lib.b64(Y.encodeStateAsUpdateV2(doc)), snapshot: lib.b64(Y.encodeSnapshot(Y.snapshot(doc))) },
    ...(!alike && { altNoCleanup: seenPlain })
  }
  for (let i = 0; i < 3; i++) vectors.push({ sv: vectorWithin(random, new Map(lib.svOf(doc))) })
  record.diffs = vectors.slice(-8).map(({ sv, base }) => ({ sv: lib.b64(sv), update: lib.b64(Y.encodeStateAsUpdate(doc, sv)), updateV2: lib.b64(Y.encodeStateAsUpdateV2(doc, sv)), ...(base && alike && { base: lib.b64(base) }) }))
  record.relpos = positions(lib, history, plain, kept)
  record.relposCreate = record.final.pending || !alike ? [] : madePositions(lib, random, doc, roots)
  record.snapshots = snapshots.map(snapshot => {
    const then = lib.declareRoots(Y.createDocFromSnapshot(read(lib, { updates, roots, gc: false, noCleanup: true }), snapshot, new Y.Doc({ gc: false })), roots)
    return { snapshot: lib.b64(Y.encodeSnapshot(snapshot)), snapshotV2: lib.b64(Y.encodeSnapshotV2(snapshot)), json: json(then) }
  })
  if (updates.length > 1) record.merge = functions(lib, random, updates)
  return record
}

function place (lib, doc, bytes) {
  const found = Y.createAbsolutePositionFromRelativePosition(Y.decodeRelativePosition(bytes), doc)
  const item = found?.type._item
  return found && { type: item ? { item: [item.id.client, item.id.clock] } : { root: Y.findRootTypeKey(found.type) }, index: found.index, assoc: found.assoc }
}

// Those that clients made, also of units that the reader lacks, and of any units.
function positions (lib, { random, positions }, doc, kept) {
  const units = lib.svOf(doc)
  for (let i = 0; i < 6 && units.length > 0; i++) {
    const [client, clock] = random.pick(units)
    positions.push(Y.encodeRelativePosition(Y.createRelativePositionFromJSON({ [random.pick(['type', 'item'])]: { client, clock: random.below(clock + 1) }, assoc: random.pick([0, -1, 1]) })))
  }
  const questions = []
  for (const bytes of positions.slice(-20)) {
    try {
      const expect = place(lib, doc, bytes)
      const altNoGc = place(lib, kept, bytes)
      questions.push({ rpos: lib.b64(bytes), expect, ...(!lib.same(expect, altNoGc) && { altNoGc }) })
    } catch { /* Yjs cannot say: the unit holds no type */ }
  }
  return questions
}

function madePositions (lib, random, doc, roots) {
  const lists = lib.allTypes(doc, roots).filter(({ type }) => !(type instanceof Y.Map))
  return Array.from({ length: lists.length > 0 ? 8 : 0 }, () => {
    const { type, addr } = random.pick(lists)
    const index = random.below(type._length + 1)
    const assoc = random.pick([0, -1, 1, -3])
    return { at: addr, index, assoc, rpos: lib.b64(Y.encodeRelativePosition(Y.createRelativePositionFromTypeIndex(type, index, assoc))) }
  })
}

function functions (lib, random, updates) {
  const some = random.some(updates, 7).map(asV1)
  const merged = Y.mergeUpdates(some)
  const vector = vectorWithin(random, Y.parseUpdateMeta(merged).to)
  return {
    updates: some.map(lib.b64), merged: lib.b64(merged), svFromUpdate: lib.svList(Y.decodeStateVector(Y.encodeStateVectorFromUpdate(merged))),
    diffSv: lib.b64(vector), diff: lib.b64(Y.diffUpdate(merged, vector)), toV2: lib.b64(Y.convertUpdateFormatV1ToV2(merged))
  }
}
