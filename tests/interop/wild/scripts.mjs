// scripts.mjs — local edits as crdt-conformance.md has them: what one Yjs client says, transaction by transaction, on a document that others,
// or it itself at another time, have begun.
import * as Y from 'yjs'
import { Edits } from './edits.mjs'
import { clientIds, makeLegacy, transact } from './histories.mjs'

// Whether a transaction deleted a mark because another one had put its value in force already, one and the same object: Yjs sees that, the
// engine does not (crdt/INTERNALS.md, 7).
function deletesSharedMark (transaction) {
  const isMark = ({ content }) => content instanceof Y.ContentFormat
  let shared = false
  Y.iterateDeletedStructs(transaction, transaction.deleteSet, mark => {
    if (!isMark(mark) || mark.content.value === null || typeof mark.content.value !== 'object') return
    const { key, value } = mark.content
    const same = item => isMark(item) && item.content.key === key
    for (let item = mark.right; item !== null && (item.deleted || isMark(item)); item = item.right) if (same(item)) return // it went for this one
    let before = mark.left
    while (before !== null && (before.deleted || !same(before))) before = before.left
    shared ||= before !== null && before.content.value === value
  })
  return shared
}

export function makeScript (lib, random, id, { roots, options, deep }) {
  const edits = new Edits(random, { ...options, types: random.pick([0, 0.3, 0.6]) })
  const gc = random.chance(0.6)
  const [client, ...others] = clientIds(random, 4)
  const base = []
  const begin = random.chance(0.6) ? others.slice(0, 1 + random.below(3)) : []
  if (random.chance(0.2)) begin.unshift(client)
  for (const clientID of begin) {
    const doc = lib.loadDoc(roots, base.filter(() => random.chance(0.7)).map(u => ({ v: 1, u })), { gc: random.chance(0.5) })
    doc.clientID = clientID
    if (random.chance(0.2)) makeLegacy(doc)
    doc.on('update', update => base.push(lib.b64(update)))
    for (let count = 1 + random.below(10); count > 0; count--) transact(lib, doc, roots, edits, 1 + random.below(3), deep)
  }
  return lib.withTune({ noCleanup: true }, () => {
    const doc = lib.loadDoc(roots, base.map(u => ({ v: 1, u })), { gc, noCleanup: true })
    doc.clientID = client
    lib.tune.noCleanup = true // loading has put it back
    const said = { update: [], updateV2: [] }
    let left = false
    doc.on('afterTransaction', transaction => { left ||= deletesSharedMark(transaction) })
    const script = []
    for (let count = 3 + random.below(30); count > 0; count--) {
      for (const event in said) {
        said[event].push(null)
        doc.once(event, update => { said[event][said[event].length - 1] = lib.b64(update) })
      }
      script.push(transact(lib, doc, roots, edits, 1 + random.below(3), deep))
    }
    if (left) throw new Error('A shared mark was deleted')
    return { id, gc, client, roots, base, script, updates: said.update, updatesV2: said.updateV2, final: { sv: lib.svOf(doc), ...lib.observe(doc, roots) } }
  })
}
