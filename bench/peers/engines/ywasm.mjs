// ywasm.mjs — yrs, the Rust port of Yjs, compiled to WebAssembly.
import Y from 'ywasm'

export const engine = {
  package: 'ywasm',
  speaksYjs: true,
  lacks: ['merge', 'becoming'],
  create(client) {
    const doc = new Y.YDoc({ clientID: client })
    return { doc, text: doc.getText('text'), list: doc.getArray('list'), map: doc.getMap('map'), emitted: null }
  },
  listen(self) {
    self.doc.onUpdate(update => { self.emitted = update })
  },
  drain: self => self.emitted,
  edit(self, position, deleted, inserted) {
    const txn = self.doc.beginTransaction(undefined)
    if (deleted > 0) self.text.delete(position, deleted, txn)
    if (inserted.length > 0) self.text.insert(position, inserted, undefined, txn)
    txn.commit()
    txn.free()
  },
  change(self, changes) {
    const txn = self.doc.beginTransaction(undefined)
    for (const { index, deleted, text, numbers } of changes) {
      if (deleted > 0) self.text.delete(index, deleted, txn)
      else if (numbers.length > 0) self.list.insert(index, numbers, txn)
      else self.text.insert(index, text, undefined, txn)
    }
    txn.commit()
    txn.free()
  },
  setKey: (self, key, value) => self.map.set(key, value, undefined),
  apply: (self, update) => Y.applyUpdate(self.doc, update, undefined),
  applyAll(self, updates) {
    const txn = self.doc.beginTransaction(undefined)
    for (const update of updates) txn.applyV1(update)
    txn.commit()
    txn.free()
  },
  text: self => self.text.toString(undefined),
  list: self => self.list.toJson(undefined),
  key: (self, key) => self.map.get(key, undefined),
  encode: self => Y.encodeStateAsUpdate(self.doc),
  load(client, bytes) {
    const self = engine.create(client)
    Y.applyUpdate(self.doc, bytes, undefined)
    return self
  },
  loadV2(client, bytes) {
    const self = engine.create(client)
    Y.applyUpdateV2(self.doc, bytes, undefined)
    return self
  },
  version: self => Y.encodeStateVector(self.doc),
  diff: (self, version) => Y.encodeStateAsUpdate(self.doc, version),
  applyDiff: (self, bytes) => Y.applyUpdate(self.doc, bytes, undefined),
  free(self) {
    for (const part of [self.text, self.list, self.map, self.doc]) part.free()
  }
}
