// mirror.mjs — what one who hears nothing but events believes that a document holds.
//
// A node stands for a type: its list unit by unit, each with its attributes, and its keys. A node is made from the shadow when its type
// appears; from then on events alone change it, and it must stay what the shadow shows.
import assert from 'node:assert/strict'
import { typeAt } from './edits.mjs'
import { canonical, tagged, types } from './shown.mjs'

const unit = (value, attributes) => canonical([value?.$type ? '#type' : value, attributes])

function nodeOf (type) {
  const list = []
  const attributes = {}
  for (let item = type._start; item !== null; item = item.right) {
    if (item.deleted) continue
    const { key, value } = item.content
    if (item.content.constructor.name === 'ContentFormat') value === null ? delete attributes[key] : attributes[key] = tagged(value)
    else if (item.countable) for (const value of item.content.getContent()) list.push(unit(tagged(value), attributes))
  }
  const keys = new Map()
  for (const [key, item] of type._map) if (!item.deleted) keys.set(key, unit(tagged(item.content.getContent()[item.length - 1]), {}))
  return { list, keys }
}

const applied = (one, changes) => {
  const [value, attributes] = JSON.parse(one)
  for (const [key, to] of Object.entries(changes)) to === null ? delete attributes[key] : attributes[key] = to
  return unit(value, attributes)
}

export class Mirror {
  constructor (ydoc, roots) {
    this.ydoc = ydoc
    this.roots = roots
    this.nodes = new Map()
    this.check()
  }

  hear (events = []) {
    for (const event of events) {
      const { kind } = this.roots.find(({ name }) => name === event.root)
      const type = typeAt(this.ydoc, { root: event.root, kind, path: event.path })
      const node = this.nodes.get(type)
      if (!node) continue // deeper than types() looks
      this.change(node, event.delta)
      for (const [key, { action, before }] of Object.entries(event.keys)) {
        assert.equal(node.keys.has(key), action !== 'added', `event: ${action} ${key}`)
        if (action !== 'added') assert.equal(unit(before, {}), node.keys.get(key), `event: value before ${key} was ${action}`)
        if (action === 'removed') node.keys.delete(key)
        else node.keys.set(key, nodeOf(type).keys.get(key))
      }
    }
  }

  change (node, delta) {
    const list = []
    let at = 0
    for (const { retain, insert, delete: length, attributes = {} } of delta) {
      if (retain !== undefined) {
        assert.ok(at + retain <= node.list.length, 'event: keeps what is not there')
        for (const end = at + retain; at < end; at++) list.push(applied(node.list[at], attributes))
      } else if (length !== undefined) {
        at += length
      } else {
        const values = typeof insert === 'string' ? insert.split('') : Array.isArray(insert) ? insert : [insert]
        for (const value of values) list.push(unit(value, attributes))
      }
    }
    assert.ok(at <= node.list.length, 'event: deletes what is not there')
    node.list = [...list, ...node.list.slice(at)]
  }

  check () {
    const live = new Map()
    for (const { type, at } of types(this.ydoc, this.roots)) {
      const now = nodeOf(type)
      const node = this.nodes.get(type)
      if (node) assert.deepEqual(node, now, `events of ${JSON.stringify(at)}`)
      live.set(type, now)
    }
    this.nodes = live
  }
}
