// automerge.mjs — Automerge 3, Rust in WebAssembly. A transaction is a change; its root is an object that all documents must share.
import * as A from '@automerge/automerge'

const actor = client => client.toString(16).padStart(16, '0')
// The time is part of a change's name: the same change must have the same name each time it is made.
const NOW = { time: 0 }
const root = A.save(A.change(A.init({ actor: actor(0) }), NOW, doc => Object.assign(doc, { text: '', list: [], map: {} })))

export const engine = {
  package: '@automerge/automerge',
  speaksYjs: false,
  lacks: ['v2', 'merge', 'becoming', 'together'],
  notes: { text: 'made by loading and editing already' },
  create: client => ({ doc: A.load(root, { actor: actor(client) }) }),
  listen() {},
  drain: self => A.getLastLocalChange(self.doc),
  edit(self, position, deleted, inserted) {
    self.doc = A.change(self.doc, NOW, doc => A.splice(doc, ['text'], position, deleted, inserted))
  },
  change(self, changes) {
    self.doc = A.change(self.doc, NOW, doc => {
      for (const { index, deleted, text, numbers } of changes) {
        if (numbers.length > 0) doc.list.insertAt(index, ...numbers)
        else A.splice(doc, ['text'], index, deleted, text)
      }
    })
  },
  setKey(self, key, value) {
    self.doc = A.change(self.doc, NOW, doc => { doc.map[key] = value })
  },
  apply(self, update) {
    self.doc = A.applyChanges(self.doc, [update])[0]
  },
  applyAll(self, updates) {
    self.doc = A.applyChanges(self.doc, updates)[0]
  },
  text: self => self.doc.text,
  list: self => [...self.doc.list],
  key: (self, key) => self.doc.map[key],
  encode: self => A.save(self.doc),
  load: (client, bytes) => ({ doc: A.load(bytes, { actor: actor(client) }) }),
  version: self => A.getHeads(self.doc),
  diff: (self, version) => A.saveSince(self.doc, version),
  applyDiff(self, bytes) {
    self.doc = A.loadIncremental(self.doc, bytes)
  },
  free: self => A.free(self.doc)
}
