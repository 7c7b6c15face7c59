// edits.mjs — the edits of crdt-conformance.md, done to a Yjs document.
import * as Y from 'yjs'

const CLASSES = { Text: Y.Text, Array: Y.Array, Map: Y.Map, XmlFragment: Y.XmlFragment, XmlElement: Y.XmlElement, XmlText: Y.XmlText, XmlHook: Y.XmlHook }

export function typeAt (ydoc, { root, kind, path }) {
  let type = path.length === 0 ? ydoc.get(root, CLASSES[kind]) : ydoc.get(root)
  for (const step of path) type = typeof step === 'number' ? childAt(type, step) : entryOf(type, step)
  return type
}

// Of a text, too: by units.
export function childAt (type, index) {
  for (let item = type._start; item !== null; item = item.right) {
    if (item.deleted || !item.countable) continue
    if (index < item.length) return item.content.getContent()[index]
    index -= item.length
  }
}

export function entryOf (type, key) {
  const item = type._map.get(key)
  return item && !item.deleted ? item.content.getContent()[item.length - 1] : undefined
}

const plain = value => {
  if (Array.isArray(value)) return value.map(plain)
  if (value === null || typeof value !== 'object') return value
  if ('$u' in value) return undefined
  if ('$n' in value) return value.$n === '-0' ? -0 : Number(value.$n)
  if ('$i' in value) return BigInt(value.$i)
  if ('$b' in value) return new Uint8Array(Buffer.from(value.$b, 'base64'))
  if ('$doc' in value) return new Y.Doc({ guid: value.$doc.guid, ...plain(value.$doc.opts) })
  if ('$new' in value) return made(value.$new)
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key.replace(/^\$/, ''), plain(inner)]))
}

function made ({ kind, name, text, items, entries }) {
  const type = name === undefined ? new CLASSES[kind]() : new CLASSES[kind](name)
  if (text) type.insert(0, text)
  if (items?.length) type.insert(0, items.map(plain))
  for (const [key, value] of entries ?? []) kind === 'XmlElement' ? type.setAttribute(key, plain(value)) : type.set(key, plain(value))
  return type
}

export function applyEdit (ydoc, op) {
  const type = typeAt(ydoc, op.at)
  const attributes = op.attrs && plain(op.attrs)
  const keyed = type instanceof Y.Map
  switch (op.op) {
    case 'insertText': return type.insert(op.index, op.text, attributes)
    case 'insertEmbed': return type.insertEmbed(op.index, plain(op.value), attributes)
    case 'deleteText': return type.delete(op.index, op.len)
    case 'format': return type.format(op.index, op.len, attributes)
    case 'applyDelta': return type.applyDelta(op.delta.map(step => ({ ...step, ...(step.insert !== undefined && { insert: plain(step.insert) }), ...(step.attributes && { attributes: plain(step.attributes) }) })))
    case 'insert': return type.insert(op.index, op.values.map(plain))
    case 'delete': return type.delete(op.index, op.len)
    case 'mapSet': return keyed ? type.set(op.key, plain(op.value)) : type.setAttribute(op.key, plain(op.value))
    case 'mapDelete': return keyed ? type.delete(op.key) : type.removeAttribute(op.key)
    case 'mapClear': return type.clear()
    default: throw new Error(op.op)
  }
}
