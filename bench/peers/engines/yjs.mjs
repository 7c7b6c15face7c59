// yjs.mjs — the interface that every engine here has, and Yjs behind it.
//
//   package              of npm
//   speaksYjs            takes the updates of the sessions as they are; others hear what they made of the same edits themselves
//   codePoints           counts positions in code points, not in UTF-16 units
//   lacks                what it has not: 'lists' (lists and keys), 'v2', 'merge' (updates without a
//                        document), 'diffs', 'becoming' (a document's client stays),
//                        'together' (the sessions of several writers)
//   create(client)       a document with an empty text, list and map; nobody listens
//   listen(doc)          from now on changes leave updates, which drain(doc) takes: one Uint8Array
//   edit(doc, position, deleted, inserted)   one transaction
//   change(doc, changes)                     several { index, deleted, text, numbers } in one transaction
//   setKey(doc, key, value)                  one transaction
//   apply(doc, update), applyAll(doc, updates)
//   text(doc), list(doc), key(doc, key)
//   encode(doc), load(client, bytes), version(doc), diff(doc, version), applyDiff(doc, bytes)
//   become(doc, client)          from now on another client writes
//   heard(doc)                   if there: is told after apply, before drain
//   free(doc)
import * as Y from 'yjs'

export const engine = {
  package: 'yjs',
  speaksYjs: true,
  lacks: [],
  create(client) {
    const doc = new Y.Doc()
    doc.clientID = client
    return { doc, text: doc.getText('text'), list: doc.getArray('list'), map: doc.getMap('map'), emitted: null }
  },
  listen(self) {
    self.doc.on('update', update => { self.emitted = update })
  },
  drain: self => self.emitted,
  edit(self, position, deleted, inserted) {
    self.doc.transact(() => {
      if (deleted > 0) self.text.delete(position, deleted)
      if (inserted.length > 0) self.text.insert(position, inserted)
    })
  },
  change(self, changes) {
    self.doc.transact(() => {
      for (const { index, deleted, text, numbers } of changes) {
        if (deleted > 0) self.text.delete(index, deleted)
        else if (numbers.length > 0) self.list.insert(index, numbers)
        else self.text.insert(index, text)
      }
    })
  },
  setKey: (self, key, value) => self.map.set(key, value),
  become(self, client) {
    self.doc.clientID = client
  },
  apply: (self, update) => Y.applyUpdate(self.doc, update),
  applyAll: (self, updates) => self.doc.transact(() => updates.forEach(update => Y.applyUpdate(self.doc, update))),
  text: self => self.text.toString(),
  list: self => self.list.toArray(),
  key: (self, key) => self.map.get(key),
  encode: self => Y.encodeStateAsUpdate(self.doc),
  load(client, bytes) {
    const self = engine.create(client)
    Y.applyUpdate(self.doc, bytes)
    return self
  },
  loadV2(client, bytes) {
    const self = engine.create(client)
    Y.applyUpdateV2(self.doc, bytes)
    return self
  },
  version: self => Y.encodeStateVector(self.doc),
  diff: (self, version) => Y.encodeStateAsUpdate(self.doc, version),
  applyDiff: (self, bytes) => Y.applyUpdate(self.doc, bytes),
  merge: updates => Y.mergeUpdates(updates),
  free: self => self.doc.destroy()
}
