// chance.mjs — random edits that fit a document.
import { types } from './shown.mjs'

const TEXTS = ['a', 'xyz', 'Hello ', '한글', '😀', '👩‍💻', 'é', '\n', 'tab\t', '𝒳', '\u0000', '🇰🇷!', 'the quick brown fox ']
const KEYS = ['k', 'key', '', 'ключ', '12', '0', 'x y']
const NAMES = ['bold', 'italic', 'link', 'color', '1']
const MARKS = [true, null, null, 'blue', 3, 0.5, ''] // no objects: Yjs compares them by reference, which no update carries

const value = (random, depth = 0) => random.pick([
  () => null, () => true, () => false, () => random.below(100) - 50, () => random.next(), () => random.pick(TEXTS), () => ({ $u: 1 }), () => ({ $n: random.pick(['NaN', 'Infinity', '-0']) }),
  () => ({ $i: String(random.below(1e9) - 5e8) }), () => 2 ** random.below(60), () => depth < 2 ? Array.from({ length: random.below(4) }, () => value(random, depth + 1)) : 7,
  () => depth < 2 ? Object.fromEntries(random.some(KEYS, 3).map(key => [key, value(random, depth + 1)])) : 'leaf'])()

const bytes = random => ({ $b: Buffer.from(Array.from({ length: random.below(6) }, () => random.below(256))).toString('base64') })
const subdoc = random => ({ $doc: { guid: 'guid-' + random.below(1e6), opts: random.chance(0.5) ? {} : { autoLoad: true, meta: { n: 1 } } } })

function fresh (random, kinds, depth = 0) {
  const kind = random.pick(kinds)
  const item = () => listValue(random, kind.startsWith('Xml'), depth + 1)
  const items = () => depth < 2 ? Array.from({ length: random.below(3) }, item) : []
  const entries = kind => random.some(KEYS, 2).filter((key, i, all) => all.indexOf(key) === i).map(key => [key, kind === 'XmlElement' ? random.pick(TEXTS) : value(random)])
  switch (kind) {
    case 'Text': case 'XmlText': return { $new: { kind, text: random.pick(TEXTS) } }
    case 'Array': return { $new: { kind, items: items() } }
    case 'Map': return { $new: { kind, entries: entries(kind) } }
    case 'XmlHook': return { $new: { kind, name: 'hook', entries: entries(kind) } }
    case 'XmlElement': return { $new: { kind, name: random.pick(['p', 'Div', 'h1']), items: items(), entries: entries(kind) } }
    default: return { $new: { kind, items: items() } }
  }
}

const XML = ['XmlElement', 'XmlText', 'XmlHook']
const ANY = ['Text', 'Array', 'Map', 'XmlElement', 'XmlText', 'XmlFragment', 'XmlHook']

function listValue (random, xml, depth = 0) {
  if (xml) return fresh(random, XML, depth)
  return random.chance(0.75) ? listed(value(random)) : random.pick([() => bytes(random), () => subdoc(random), () => fresh(random, ANY, depth)])()
}

// Yjs's arrays take neither an undefined nor a bigint of their own; deeper down they do.
const listed = value => value?.$u || value?.$i ? null : value

const keyValue = random => random.chance(0.75) ? value(random) : random.pick([() => bytes(random), () => subdoc(random), () => fresh(random, ANY)])()
const attributes = random => Object.fromEntries(random.some(NAMES, 2).map(name => [name, random.pick(MARKS)]))

// A nested type in a text is inserted empty: Yjs fills it before it writes the marks behind it, we after, so units would have other clocks.
function textEdit (random, at, length) {
  const index = random.below(length + 1)
  const len = Math.min(1 + random.below(8), length - index)
  return random.pick([
    () => ({ op: 'insertText', index, text: random.pick(TEXTS) }), () => ({ op: 'insertText', index, text: random.pick(TEXTS) }),
    () => ({ op: 'insertText', index, text: random.pick(TEXTS), attrs: attributes(random) }),
    () => ({ op: 'deleteText', index, len }), () => ({ op: 'deleteText', index, len }), () => ({ op: 'format', index, len: Math.max(len, 1), attrs: attributes(random) }),
    () => ({ op: 'insertEmbed', index, value: random.chance(0.7) ? { image: random.pick(TEXTS) } : { $new: { kind: random.pick(['Map', 'Text']) } }, attrs: attributes(random) }),
    () => ({ op: 'applyDelta', delta: [...(index > 0 ? [{ retain: index, ...(random.chance(0.4) && { attributes: attributes(random) }) }] : []),
      { insert: random.chance(0.8) ? random.pick(TEXTS) : { embed: 1 }, ...(random.chance(0.6) && { attributes: attributes(random) }) }, ...(len > 0 ? [{ delete: len }] : [])] }),
    () => random.chance(0.3) ? { op: 'mapSet', key: random.pick(KEYS), value: value(random) } : { op: 'mapDelete', key: random.pick(KEYS) }])()
}

function listEdit (random, at, length) {
  const index = random.below(length + 1)
  const xml = at.kind.startsWith('Xml')
  if (at.kind === 'XmlElement' && random.chance(0.4)) return random.chance(0.7) ? { op: 'mapSet', key: random.pick(KEYS), value: random.pick(TEXTS) } : { op: 'mapDelete', key: random.pick(KEYS) }
  if (random.chance(0.3) && index < length) return { op: 'delete', index, len: 1 + random.below(Math.min(4, length - index)) }
  return { op: 'insert', index, values: Array.from({ length: 1 + random.below(3) }, () => listValue(random, xml)) }
}

function mapEdit (random) {
  if (random.chance(0.05)) return { op: 'mapClear' }
  return random.chance(0.75) ? { op: 'mapSet', key: random.pick(KEYS), value: keyValue(random) } : { op: 'mapDelete', key: random.pick(KEYS) }
}

// One to three edits of one type each; the first alone may move addresses, so each later one keeps to another root.
export function makeTransaction (random, ydoc, roots) {
  const all = [...types(ydoc, roots)]
  const ops = []
  const used = new Set()
  for (let count = 1 + random.below(3); count > 0; count--) {
    const { type, at } = random.pick(all)
    if (used.has(at.root)) continue
    used.add(at.root)
    const length = type._length ?? 0
    const edit = at.kind === 'Text' || at.kind === 'XmlText' ? textEdit(random, at, length) : at.kind === 'Map' || at.kind === 'XmlHook' ? mapEdit(random) : listEdit(random, at, length)
    if (at.kind === 'XmlHook' && edit.op === 'mapClear') continue
    ops.push({ at, ...edit })
  }
  return ops
}
