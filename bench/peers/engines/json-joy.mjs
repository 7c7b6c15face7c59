// json-joy.mjs — json-joy, JavaScript. A transaction is a patch, its update the patch's bytes. The root is an object that all
// documents must share. It answers no diffs: whoever keeps patches sends those that the other misses, so there is nothing to measure.
import { createRequire } from 'node:module'

const { Model, Patch } = createRequire(import.meta.url)('json-joy/lib/json-crdt')

const FIRST_SESSION = 65536 // smaller ids are not for clients
const template = Model.create(undefined, FIRST_SESSION)
template.api.set({ text: '', list: [], map: {} })
const root = template.api.flush().toBinary()

const around = model => ({ model, text: model.api.str(['text']), list: model.api.arr(['list']), map: model.api.obj(['map']), patch: null })

export const engine = {
  package: 'json-joy',
  speaksYjs: false,
  lacks: ['v2', 'merge', 'diffs'],
  create(client) {
    const model = Model.create(undefined, FIRST_SESSION + client)
    model.applyPatch(Patch.fromBinary(root))
    return around(model)
  },
  listen() {},
  drain: self => self.patch.toBinary(),
  edit(self, position, deleted, inserted) {
    if (deleted > 0) self.text.del(position, deleted)
    if (inserted.length > 0) self.text.ins(position, inserted)
    self.patch = self.model.api.flush()
  },
  change(self, changes) {
    for (const { index, deleted, text, numbers } of changes) {
      if (deleted > 0) self.text.del(index, deleted)
      else if (numbers.length > 0) self.list.ins(index, numbers)
      else self.text.ins(index, text)
    }
    self.patch = self.model.api.flush()
  },
  setKey(self, key, value) {
    self.map.set({ [key]: value })
    self.patch = self.model.api.flush()
  },
  become: (self, client) => self.model.setSid(FIRST_SESSION + client),
  apply: (self, update) => self.model.applyPatch(Patch.fromBinary(update)),
  applyAll: (self, updates) => updates.forEach(update => self.model.applyPatch(Patch.fromBinary(update))),
  text: self => self.text.view(),
  list: self => self.list.view(),
  key: (self, key) => self.map.view()[key],
  encode: self => self.model.toBinary(),
  load: (client, bytes) => around(Model.load(bytes, FIRST_SESSION + client)),
  free() {}
}
