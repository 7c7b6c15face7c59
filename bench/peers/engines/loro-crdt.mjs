// loro-crdt.mjs — Loro, Rust in WebAssembly. A transaction is a commit; updates are what subscribeLocalUpdates says.
import { LoroDoc } from 'loro-crdt'

const around = doc => ({ doc, text: doc.getText('text'), list: doc.getList('list'), map: doc.getMap('map'), emitted: null })

export const engine = {
  package: 'loro-crdt',
  speaksYjs: false,
  lacks: ['v2', 'merge'],
  create(client) {
    const doc = new LoroDoc()
    doc.setPeerId(String(client))
    return around(doc)
  },
  listen(self) {
    self.doc.subscribeLocalUpdates(update => { self.emitted = update })
  },
  drain: self => self.emitted,
  edit(self, position, deleted, inserted) {
    if (deleted > 0) self.text.delete(position, deleted)
    if (inserted.length > 0) self.text.insert(position, inserted)
    self.doc.commit()
  },
  change(self, changes) {
    for (const { index, deleted, text, numbers } of changes) {
      if (deleted > 0) self.text.delete(index, deleted)
      else if (numbers.length > 0) numbers.forEach((number, i) => self.list.insert(index + i, number))
      else self.text.insert(index, text)
    }
    self.doc.commit()
  },
  setKey(self, key, value) {
    self.map.set(key, value)
    self.doc.commit()
  },
  become: (self, client) => self.doc.setPeerId(String(client)),
  apply: (self, update) => self.doc.import(update),
  applyAll: (self, updates) => self.doc.importBatch(updates),
  text: self => self.text.toString(),
  list: self => self.list.toJSON(),
  key: (self, key) => self.map.get(key),
  encode: self => self.doc.export({ mode: 'snapshot' }),
  load(client, bytes) {
    const self = engine.create(client)
    self.doc.import(bytes)
    return self
  },
  version: self => self.doc.version(),
  diff: (self, version) => self.doc.export({ mode: 'update', from: version }),
  applyDiff: (self, bytes) => self.doc.import(bytes),
  free: self => self.doc.free()
}
