// diamond-types.mjs — diamond-types, Rust in WebAssembly: texts only. Deleting and inserting are two operations; there are no
// transactions.
import { createRequire } from 'node:module'

const { Doc } = createRequire(import.meta.url)('diamond-types-node')

export const engine = {
  package: 'diamond-types-node',
  speaksYjs: false,
  codePoints: true,
  lacks: ['lists', 'v2', 'merge', 'becoming'],
  create: client => ({ doc: new Doc(String(client)), told: null }),
  listen(self) {
    self.told = self.doc.getLocalVersion()
  },
  drain(self) {
    const update = self.doc.getPatchSince(self.told)
    self.told = self.doc.getLocalVersion()
    return update
  },
  heard(self) {
    self.told = self.doc.getLocalVersion()
  },
  edit(self, position, deleted, inserted) {
    if (deleted > 0) self.doc.del(position, deleted)
    if (inserted.length > 0) self.doc.ins(position, inserted)
  },
  change(self, changes) {
    for (const { index, deleted, text } of changes) engine.edit(self, index, deleted, text)
  },
  apply: (self, update) => self.doc.mergeBytes(update),
  applyAll: (self, updates) => updates.forEach(update => self.doc.mergeBytes(update)),
  text: self => self.doc.get(),
  encode: self => self.doc.toBytes(),
  load: (client, bytes) => ({ doc: Doc.fromBytes(bytes, String(client)), told: null }),
  version: self => self.doc.getLocalVersion(),
  diff: (self, version) => self.doc.getPatchSince(version),
  applyDiff: (self, bytes) => self.doc.mergeBytes(bytes),
  toCodePoints(patches) {
    const doc = new Doc('0')
    const converted = patches.map(({ position, deleted, inserted }) => {
      const begin = doc.wCharsToChars(position)
      const length = doc.wCharsToChars(position + deleted) - begin
      engine.edit({ doc }, begin, length, inserted)
      return { position: begin, deleted: length, inserted }
    })
    doc.free()
    return converted
  },
  free: self => self.doc.free()
}
