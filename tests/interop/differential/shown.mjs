// shown.mjs — what readers of a Yjs document see, as the tagged JSON of crdt-conformance.md.
import * as Y from 'yjs'
import { typeAt } from './edits.mjs'

const kindOf = type => type instanceof Y.XmlElement ? 'XmlElement' : type instanceof Y.XmlFragment ? 'XmlFragment' : type instanceof Y.XmlText ? 'XmlText'
  : type instanceof Y.XmlHook ? 'XmlHook' : type instanceof Y.Text ? 'Text' : type instanceof Y.Array ? 'Array' : 'Map'

export function tagged (value) {
  if (value === undefined) return { $u: 1 }
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0) ? value : { $n: Object.is(value, -0) ? '-0' : String(value) }
  if (typeof value === 'bigint') return { $i: String(value) }
  if (value instanceof Uint8Array) return { $b: Buffer.from(value).toString('base64') }
  if (value instanceof Y.Doc) return { $doc: { guid: value.guid, opts: tagged(value.collectionid ?? optionsOf(value)) } }
  if (value instanceof Y.AbstractType) return { $type: { kind: kindOf(value), json: tagged(value.toJSON()) } }
  if (Array.isArray(value)) return value.map(tagged)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key.startsWith('$') ? '$' + key : key, tagged(inner)]))
}

const optionsOf = doc => ({ ...(!doc.gc && { gc: false }), ...(doc.autoLoad && { autoLoad: true }), ...(doc.meta !== null && { meta: doc.meta }) })

// Halves of a pair that was cut stand for U+FFFD; object keys have no order; neighbours in a delta with equal attributes are one.
export function canonical (value, op) {
  if (op === 'delta') value = joined(value)
  return JSON.stringify(value, (key, inner) => {
    if (typeof inner === 'string') return inner.toWellFormed()
    if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) return inner
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => a < b ? -1 : 1))
  })
}

function joined (delta) {
  const result = []
  for (const op of delta) {
    const last = result.at(-1)
    const same = last && typeof last.insert === 'string' && typeof op.insert === 'string' && canonical(last.attributes ?? {}) === canonical(op.attributes ?? {})
    if (same) last.insert += op.insert
    else result.push({ ...op })
  }
  return result
}

const deltaOf = text => text.toDelta().map(op => ({ insert: tagged(op.insert), ...(op.attributes && { attributes: tagged(op.attributes) }) }))

// Every live type, with its address.
export function * types (ydoc, roots) {
  for (const { name, kind } of roots) yield * below(typeAt(ydoc, { root: name, kind, path: [] }), { root: name, kind, path: [] }, 0)
}

function * below (type, at, depth) {
  yield { type, at }
  if (depth > 6) return
  let index = 0
  for (let item = type._start; item !== null; item = item.right) {
    if (item.deleted || !item.countable) continue
    if (item.content.constructor.name === 'ContentType') yield * below(item.content.type, { ...at, kind: kindOf(item.content.type), path: [...at.path, index] }, depth + 1)
    index += item.length
  }
  for (const [key, item] of type._map) {
    if (!item.deleted && item.content.constructor.name === 'ContentType') yield * below(item.content.type, { ...at, kind: kindOf(item.content.type), path: [...at.path, key] }, depth + 1)
  }
}

// [{at, op, wanted}]: questions, and what Yjs answers. Texts and XML at any depth, the rest with its root.
export function shown (ydoc, roots) {
  const list = []
  for (const { type, at } of types(ydoc, roots)) {
    if (at.path.length === 0) list.push({ at, op: 'json', wanted: tagged(type.toJSON()) })
    if (at.kind.startsWith('Xml') && at.kind !== 'XmlHook' && at.path.length < 2) list.push({ at, op: 'xml', wanted: type.toString() })
    if (at.kind === 'Text' || at.kind === 'XmlText') list.push({ at, op: 'delta', wanted: deltaOf(type) })
    if (at.kind === 'XmlElement' || at.kind === 'Text' || at.kind === 'XmlText') list.push({ at, op: 'attrs', wanted: tagged(type.getAttributes()) })
  }
  return list
}

export const rootJson = (ydoc, roots) => canonical(roots.map(({ name, kind }) => tagged(typeAt(ydoc, { root: name, kind, path: [] }).toJSON())))
