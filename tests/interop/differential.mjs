// differential.mjs — random histories, with the engine and real Yjs side by side.
//
//   node differential.mjs CRDT-CONFORM [--transactions N] [--seed S] [--replay FILE]
//
//   peers            ┌ Yjs ┐  ┌ engine + shadow ┐  ┌ engine + shadow ┐  ┌ Yjs ┐
//   network          every update to everybody: late, twice, out of order, some never; v1 or v2; or what a state vector lacks
//
// A *shadow* is a Yjs document with the engine's client id that gets exactly what the engine gets: the same updates in the same order, the same
// local edits. So both must be equal after every step, whatever else goes on: state vector, pending, what every type shows, deletions, relative
// positions, what each says to others, loaded by the other, and what one believes who hears nothing but the engine's events. (Yjs's clients themselves may differ from one another after surrogate pairs
// were cut or marks cleaned up, so peers are not compared.) What the shadow does by itself, cleaning up marks, the engine hears as an update.
//
// A failure is made small by leaving out actions as long as it fails, and printed as a file for --replay.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import * as Y from 'yjs'
import { Engine, fromBase64, toBase64 } from './engine.mjs'
import { applyEdit, typeAt } from './differential/edits.mjs'
import { makeTransaction } from './differential/chance.mjs'
import { Mirror } from './differential/mirror.mjs'
import { Random } from './differential/random.mjs'
import { canonical, rootJson, shown, tagged } from './differential/shown.mjs'

const ROOTS = [{ name: 't', kind: 'Text' }, { name: 'u', kind: 'Text' }, { name: 'a', kind: 'Array' }, { name: 'm', kind: 'Map' }, { name: 'x', kind: 'XmlFragment' }]
const STEPS = 120
const LOCAL = 'local' // the origin of what an undo manager takes back

// A Yjs document; with `engine`, the shadow of one there.
class Peer {
  constructor (history, index, { clientID, gc, engine }) {
    this.history = history
    this.doc = `${history.name}-${index}`
    this.engine = engine
    this.gc = gc
    this.ydoc = new Y.Doc({ gc })
    this.ydoc.clientID = clientID
    for (const { name, kind } of ROOTS) this.ydoc.get(name, Y['Y' + kind] ?? Y[kind])
    this.emitted = []
    this.ydoc.on('update', (update, origin) => { if (origin !== 'remote') this.emitted.push(update) })
  }

  async begin () {
    if (!this.engine) return
    await this.engine.ask('new', { doc: this.doc, gc: this.gc, clientID: this.ydoc.clientID, roots: ROOTS })
    await this.engine.ask('observe', { doc: this.doc })
    this.mirror = new Mirror(this.ydoc, ROOTS)
    this.undos = new Y.UndoManager(ROOTS.map(({ name }) => this.ydoc.get(name)), { captureTimeout: 0, trackedOrigins: new Set([LOCAL]) })
  }

  // Changes the engine's document; its events go to the mirror.
  async change (op, question) {
    if (!this.engine) return
    const answer = await this.engine.ask(op, { doc: this.doc, ...question })
    this.mirror.hear(answer.events)
    return answer
  }

  async end () {
    if (this.engine) await this.engine.ask('free', { doc: this.doc })
    this.ydoc.destroy()
  }

  async hear (update) { // v1
    if (this.history.random.chance(0.5)) {
      Y.applyUpdate(this.ydoc, update, 'remote')
      await this.change('apply', { update: toBase64(update) })
    } else {
      const v2 = Y.convertUpdateFormatV1ToV2(update)
      Y.applyUpdateV2(this.ydoc, v2, 'remote')
      await this.change('applyV2', { update: toBase64(v2) })
    }
    return this.tellOwn()
  }

  // What Yjs did by itself.
  async tellOwn () {
    const own = this.emitted.splice(0)
    for (const update of own) await this.change('apply', { update: toBase64(update) })
    return own
  }

  async edit (ops) {
    this.ydoc.transact(() => { for (const op of ops) applyEdit(this.ydoc, op) }, LOCAL)
    const [update = null, ...more] = this.emitted.splice(0)
    if (this.engine) {
      const answer = await this.change('local', { ops })
      sameUpdate(answer.update && fromBase64(answer.update), update, answer.updateV2 && fromBase64(answer.updateV2))
    }
    for (const rest of more) await this.change('apply', { update: toBase64(rest) })
    return [...(update ? [update] : []), ...more]
  }

  async undo (redo) {
    const stack = redo ? this.undos.redoStack : this.undos.undoStack
    if (this.forgetsPieces(stack) || this.countsKeys(stack.at(-1))) return []
    const done = redo ? this.undos.redo() : this.undos.undo()
    const [update = null, ...more] = this.emitted.splice(0)
    // A unit that comes back in Yjs may name one neighbour on both sides. Loaded again it stands elsewhere.
    this.history.twisted ||= update !== null && Y.decodeUpdate(update).structs.some(({ origin, rightOrigin }) => origin && rightOrigin && Y.compareIDs(origin, rightOrigin))
    const answer = await this.change('undo', { redo })
    sameUpdate(answer.update && fromBase64(answer.update), update)
    assert.equal(answer.done, done !== null, 'whether there was something to take back')
    for (const rest of more) await this.change('apply', { update: toBase64(rest) })
    return [...(update ? [update] : []), ...more]
  }

  // Whether Yjs would take back only a part. What it inserted and what came back in its place it follows run by run: of a run that was cut
  // after it came back, only the first piece goes. And of what was deleted only that piece comes back, if the run is cut meanwhile, because
  // what stood there before has been cut there. What stood behind such a run comes again behind its first piece. Ours go and come whole,
  // and come to where they stood.
  forgetsPieces (stack) {
    const { store } = this.ydoc
    const all = [...store.clients.values()].flat()
    const borders = all.filter(run => run.redone).map(run => run.redone)
    const touched = ({ clients }) => [...clients].flatMap(([client, ranges]) => ranges.flatMap(({ clock, len }) =>
      store.clients.get(client).filter(run => run.id.clock < clock + len && clock < run.id.clock + run.length)))
    const cut = run => {
      const came = run.redone && Y.getItem(store, run.redone)
      return came ? came.id.clock + came.length < run.redone.clock + run.length || cut(came) : false
    }
    const isCut = ({ id, length }) => borders.some(({ client, clock }) => client === id.client && id.clock < clock && clock < id.clock + length)
    const isBehindCut = run => {
      let left = run.left
      while (left && !left.redone) left = left.left
      return left ? cut(left) : false
    }
    return stack.some(({ insertions, deletions }) => touched(insertions).some(cut) || touched(deletions).some(run => isCut(run) || isBehindCut(run)))
  }

  // Whether keys that several clients set come again: in the order in which their map met them, which gives each its clock. A whole state is
  // met block by block here, struct by struct in Yjs.
  countsKeys (item) {
    if (!item) return false
    const { store } = this.ydoc
    const keyed = ([client, ranges]) => ranges.some(({ clock, len }) =>
      store.clients.get(client).some(run => run.id.clock < clock + len && clock < run.id.clock + run.length && run.parentSub != null))
    return [...item.deletions.clients].filter(keyed).length > 1
  }

  async check (thorough) {
    if (!this.engine) return
    const ask = (op, question) => this.engine.ask(op, { doc: this.doc, ...question })
    assert.deepEqual(vector(fromBase64((await ask('stateVector')).sv)), vector(Y.encodeStateVector(this.ydoc)), 'state vectors')
    const pending = await ask('pending')
    assert.equal(pending.structs, this.ydoc.store.pendingStructs !== null, 'pending structs')
    assert.equal(pending.ds, this.ydoc.store.pendingDs !== null, 'pending deletions')
    for (const { at, op, wanted } of shown(this.ydoc, ROOTS)) {
      assert.equal(canonical((await ask(op, { at }))[op], op), canonical(wanted, op), `${op} of ${JSON.stringify(at)}`)
    }
    this.mirror.check()
    if (thorough && !this.history.twisted) await this.checkOutside(ask)
  }

  // What it tells others, and what it makes of what others tell.
  async checkOutside (ask) {
    const own = new Y.Doc() // what waits here may find its place when all is loaded at once
    Y.applyUpdate(own, Y.encodeStateAsUpdate(this.ydoc))
    const seen = this.ydoc.store.pendingStructs ? own : this.ydoc
    const wanted = rootJson(seen, ROOTS)
    const reloaded = new Y.Doc()
    Y.applyUpdate(reloaded, fromBase64((await ask('encode')).update))
    assert.equal(rootJson(reloaded, ROOTS), wanted, 'the state, loaded by Yjs')
    const again = new Y.Doc()
    Y.applyUpdateV2(again, fromBase64((await ask('encodeV2')).update))
    assert.equal(rootJson(again, ROOTS), wanted, 'the state in v2, loaded by Yjs')
    const snapshot = Y.decodeSnapshot(fromBase64((await ask('snapshot')).snapshot))
    assert.ok(Y.equalSnapshots(snapshot, Y.snapshot(this.ydoc)), 'snapshots')
    const other = this.doc + '-copy'
    await this.engine.ask('new', { doc: other, gc: this.gc, clientID: 7, roots: ROOTS })
    await this.engine.ask('applyV2', { doc: other, update: toBase64(Y.encodeStateAsUpdateV2(this.ydoc)) })
    for (const { name, kind } of ROOTS) {
      const at = { root: name, kind, path: [] }
      assert.equal(canonical((await this.engine.ask('json', { doc: other, at })).json), canonical(tagged(typeAt(seen, at).toJSON())), `${name}, loaded from Yjs`)
    }
    await this.engine.ask('free', { doc: other })
    for (const { at, op } of shown(this.ydoc, ROOTS)) {
      if (op !== 'delta') continue
      const type = typeAt(this.ydoc, at)
      for (const assoc of [0, -1]) {
        const index = this.history.random.below(type.length + 1)
        const ours = fromBase64((await ask('relposCreate', { at, index, assoc })).rpos)
        const theirs = Y.encodeRelativePosition(Y.createRelativePositionFromTypeIndex(type, index, assoc))
        const place = Y.createAbsolutePositionFromRelativePosition(Y.decodeRelativePosition(ours), this.ydoc)
        const { pos } = await ask('relpos', { rpos: toBase64(theirs) })
        const again = Y.createAbsolutePositionFromRelativePosition(Y.decodeRelativePosition(theirs), this.ydoc)
        assert.deepEqual([place?.index, place?.assoc], [again?.index, again?.assoc], 'a position of ours, in Yjs')
        assert.deepEqual([pos?.index, pos?.assoc], [again?.index, again?.assoc], 'a position of Yjs, here')
      }
    }
  }
}

const vector = bytes => [...Y.decodeStateVector(bytes)].sort((a, b) => a[0] - b[0])

// Ours must say what Yjs says: the same units, the same deletions.
function sameUpdate (ours, theirs, oursV2) {
  if (ours === null || theirs === null) return assert.equal(ours, theirs, 'whether the transaction changed anything')
  if (Buffer.compare(ours, theirs) !== 0) assert.deepEqual(units(Y.decodeUpdate(ours)), units(Y.decodeUpdate(theirs)), 'the update of a transaction')
  if (oursV2) assert.deepEqual(units(Y.decodeUpdateV2(oursV2)), units(Y.decodeUpdate(theirs)), 'the update of a transaction in v2')
}

// By client: what is new from where to where, and the deletions. Contents are compared by what is shown.
function units ({ structs, ds }) {
  const ranges = new Map()
  for (const { id, length } of structs) {
    const range = ranges.get(id.client)
    if (range) range[1] = id.clock + length
    else ranges.set(id.client, [id.clock, id.clock + length])
  }
  return [[...ranges], [...ds.clients].map(([client, items]) => [client, items.map(({ clock, len }) => [clock, len])])]
}

class History {
  constructor (engine, seed, actions) {
    this.engine = engine
    this.seed = seed
    this.name = `h${seed}`
    this.random = new Random(seed)
    this.given = actions
    this.actions = []
    this.messages = new Map() // id of an action → its updates
    this.transactions = 0
    this.undone = null // who took something back just now
  }

  async run () {
    const ids = this.random.pick([[1, 2, 3, 4], [4294967295, 4294967296, 9007199254740991, 127], [2870198912, 1094795585, 305419896, 3735928559]])
    this.peers = ids.map((clientID, i) => new Peer(this, i, { clientID, gc: this.random.chance(0.6), engine: i % 2 === 1 ? this.engine : null }))
    for (const peer of this.peers) await peer.begin()
    try {
      if (this.given) for (const action of this.given) await this.act(action)
      else for (let step = 0; step < STEPS; step++) await this.act(this.choose(step))
      for (const peer of this.peers) await peer.check(true)
    } finally {
      for (const peer of this.peers) await peer.end().catch(() => {})
    }
  }

  choose (step) {
    const { random } = this
    const to = random.below(this.peers.length)
    const sent = [...this.messages.keys()]
    if (this.undone !== null && random.chance(0.5)) return { id: step, undo: this.undone, redo: random.chance(0.5) }
    this.undone = this.peers[to].engine && random.chance(0.2) ? to : null
    if (this.undone !== null) return { id: step, undo: to, redo: false }
    if (random.chance(0.45) || sent.length === 0) return { id: step, edit: to, ops: makeTransaction(random, this.peers[to].ydoc, ROOTS) }
    if (random.chance(0.1)) return { id: step, sync: to, from: random.below(this.peers.length) }
    if (random.chance(0.1)) return { id: step, merged: random.some(sent, 4), to }
    return { id: step, deliver: random.chance(0.7) ? sent[Math.max(0, sent.length - 1 - random.below(6))] : random.pick(sent), to }
  }

  async act (action) {
    this.actions.push(action)
    let updates = []
    let peer
    if (action.edit !== undefined) {
      peer = this.peers[action.edit]
      updates = await peer.edit(action.ops)
      this.transactions++
    } else if (action.undo !== undefined) {
      peer = this.peers[action.undo]
      updates = await peer.undo(action.redo)
      this.transactions++
    } else if (action.sync !== undefined) {
      peer = this.peers[action.sync]
      updates = await peer.hear(Y.encodeStateAsUpdate(this.peers[action.from].ydoc, Y.encodeStateVector(peer.ydoc)))
    } else {
      peer = this.peers[action.to]
      const heard = (action.merged ?? [action.deliver]).flatMap(id => this.messages.get(id) ?? [])
      const update = heard.length === 0 ? null : action.merged ? await this.merge(heard) : null
      for (const one of update ? [update] : heard) updates.push(...await peer.hear(one))
    }
    if (updates.length > 0) this.messages.set(action.id, updates)
    await peer.check(false)
  }

  // Both merge; what we make must be the same to Yjs.
  async merge (updates) {
    const theirs = Y.mergeUpdates(updates)
    const ours = fromBase64((await this.engine.ask('merge', { v: 1, updates: updates.map(toBase64) })).update)
    assert.deepEqual(units(Y.decodeUpdate(ours)), units(Y.decodeUpdate(theirs)), 'merged updates')
    return this.random.chance(0.5) ? ours : theirs
  }
}

async function failureOf (program, seed, actions) {
  const engine = new Engine(program)
  const history = new History(engine, seed, actions)
  try {
    await history.run()
    return null
  } catch (error) {
    return { error, actions: history.actions }
  } finally {
    engine.child.kill()
  }
}

const firstLine = error => error.message.split('\n')[0]

// Leaves out ever smaller pieces as long as it still fails in the same way.
async function shrink (program, seed, actions, what) {
  for (let piece = actions.length >> 1; piece > 0; piece >>= 1) {
    for (let at = 0; at + piece <= actions.length;) {
      const fewer = [...actions.slice(0, at), ...actions.slice(at + piece)]
      const failure = await failureOf(program, seed, fewer)
      if (failure && firstLine(failure.error) === what) actions = fewer
      else at += piece
    }
  }
  return actions
}

const [program, ...flags] = process.argv.slice(2)
const flag = (name, otherwise) => flags.includes(name) ? flags[flags.indexOf(name) + 1] : otherwise
const wanted = Number(flag('--transactions', 20_000))
let seed = Number(flag('--seed', 1))
let given = null
if (flag('--replay')) ({ seed, actions: given } = JSON.parse(fs.readFileSync(flag('--replay'))))

const engine = new Engine(program)
let transactions = 0
for (; given || transactions < wanted; seed++) {
  const history = new History(engine, seed, given)
  try {
    await history.run()
  } catch (error) {
    console.error(`seed ${seed}: ${error.message}`)
    engine.child.kill()
    const actions = given ?? await shrink(program, seed, history.actions, firstLine(error))
    const file = path.join(os.tmpdir(), `differential-${seed}.json`)
    fs.writeFileSync(file, JSON.stringify({ seed, actions }, null, 1))
    const { error: last } = await failureOf(program, seed, actions) ?? { error }
    console.error(`${actions.length} actions are enough: ${last.message}\n--replay ${file}`)
    console.error(JSON.stringify(actions).slice(0, 3000))
    process.exit(1)
  }
  transactions += history.transactions
  if (given) break
}
engine.child.stdin.end()
console.log(`${transactions} transactions, ${seed - Number(flag('--seed', 1))} histories: the engine and Yjs agree`)
