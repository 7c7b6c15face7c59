// edits.mjs — random edits of any type in a Yjs document, as crdt-conformance.md writes them: stranger ones than people make. Every kind of
// value, keys that mean something to JavaScript, marks that are containers, types in types, indices behind the end, empty edits, long pastes.
import * as Y from 'yjs'

const CHARACTERS = ['a', 'b', 'C', 'x', ' ', 'yz', 'hello ', '한', '字', '😀', '👩‍💻', '🇰🇷', 'e\u0301', '\n', '\t', '𝒳', '\u0000', '\ufeff', '\uffff', '\u2028', '\ufffd', '\u{10ffff}',
  '\u{10000}', 'ß', '"', '\\', '<b>', '&', "'", '\u007f', '\u0080', '\u07ff', '\u0800']
export const KEYS = ['k', 'key', '', 'ключ', '12', '0', '007', '-1', '4294967295', '1.5', 'x y', '$a', '$u', '$$', '$', '😀k', '\u0000', 'a\u0000b', 'constructor', 'length', 'K', 'é', '"q"', '\u2028',
  'null', 'undefined', '\uffff', 'a-rather-long-key-name-for-string-tables']
const MARKS = ['bold', 'italic', 'link', 'color', '1', '0', '', 'комм', '$x', 'x y']
const NAMES = ['p', 'Div', 'H1', 'span', 'a-b', '', 'x1']
const NUMBERS = [0, 1, -1, 63, 64, -64, 127, 128, 8191, 8192, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53 - 1, 1 - 2 ** 53, 2 ** 53, 2 ** 63, 2 ** 64, 1e21, 1e300, Number.MAX_VALUE, 5e-324,
  1e-7, 1e-6, 0.1, 0.5, 1.5, 3.4028234663852886e38, 1.401298464324817e-45, 1 / 3, 16777217, 16777216.5]
const TYPES = ['Text', 'Array', 'Map', 'XmlElement', 'XmlText', 'XmlFragment', 'XmlHook']
const XML_TYPES = ['XmlElement', 'XmlText', 'XmlHook', 'XmlFragment']
const DEPTH = 4

const times = (count, make) => Array.from({ length: count }, make)
const escaped = key => key.startsWith('$') ? '$' + key : key

export class Edits {
  // `types`: how often a type stands in a text; `wild`: marks are also containers in containers; `json`: no value that JSON lacks; `keys`, `marks`: from these
  constructor (random, { types = 0.3, wild = false, json = false, keys = KEYS, marks = MARKS } = {}) {
    Object.assign(this, { random, types, wild, json, keys, marks })
  }

  text (most = 6) {
    const { random } = this
    return times(random.chance(0.004) ? 3000 : 1 + random.below(most), () => random.pick(CHARACTERS)).join('')
  }

  bytes () { return { $b: Buffer.from(times(this.random.pick([0, 1, 2, 10, 130]), () => this.random.below(256))).toString('base64') } }

  subdocument () {
    const { random } = this
    const meta = random.pick([undefined, 1, 's', true, [1, { a: null }], 0, '', false, this.bytes()])
    return { $doc: { guid: random.pick(['g', '', 'guid-😀']), opts: { ...(random.chance(0.3) && { gc: false }), ...(random.chance(0.3) && { autoLoad: true }), ...(meta !== undefined && { meta }) } } }
  }

  value (depth = 0) {
    const { random, json } = this
    return random.pick([() => null, () => random.chance(0.5), () => random.below(200) - 100, () => random.pick(NUMBERS), () => random.next(), () => (random.next() - 0.5) * 10 ** random.below(40),
      () => this.text(3), () => '', () => random.pick(KEYS), () => ({ $n: random.pick(['NaN', 'Infinity', '-Infinity', '-0']) }), () => json ? 1 : { $u: 1 },
      () => json ? 2 : { $i: random.pick(['0', '-1', '9223372036854775807', '-9223372036854775808']) }, () => json || depth === 0 ? 'x' : this.bytes(),
      () => depth < DEPTH ? times(random.below(4), () => this.value(depth + 1)) : [], () => depth < DEPTH ? this.object(depth) : {}])()
  }

  // Not with a constructor of its own where Yjs asks for it.
  object (depth) {
    const keys = this.random.some(KEYS, 4).filter(key => depth > 0 || key !== 'constructor')
    return Object.fromEntries(keys.map(key => [escaped(key), this.value(depth + 1)]))
  }

  fresh (kinds, depth) {
    const { random } = this
    const kind = random.pick(kinds)
    const items = () => depth < DEPTH ? times(random.below(4), () => this.item(kind.startsWith('Xml'), depth + 1)) : []
    const entries = make => [...new Set(random.some(KEYS, 3))].map(key => [key, make()])
    switch (kind) {
      case 'Text': case 'XmlText': return { $new: random.chance(0.3) ? { kind } : { kind, text: this.text() } }
      case 'Map': return { $new: { kind, entries: entries(() => this.entry(depth + 1)) } }
      case 'XmlHook': return { $new: { kind, name: random.pick(NAMES), entries: entries(() => this.entry(depth + 1)) } }
      case 'XmlElement': return { $new: { kind, name: random.pick(NAMES), items: items(), entries: entries(() => this.attribute(depth)) } }
      default: return { $new: { kind, items: items() } }
    }
  }

  // Yjs's lists take neither an undefined nor a bigint of their own.
  item (xml, depth) {
    if (xml) return this.fresh(XML_TYPES, depth)
    const plain = () => { const value = this.value(); return value?.$u || value?.$i ? null : value }
    return this.random.pick([plain, plain, plain, () => this.bytes(), () => this.subdocument(), () => depth < DEPTH ? this.fresh(TYPES, depth) : 1])()
  }

  entry (depth) {
    const plain = () => { const value = this.value(); return value?.$b ? null : value }
    return this.random.pick([plain, plain, () => this.bytes(), () => this.subdocument(), () => depth < DEPTH ? this.fresh(TYPES, depth) : null])()
  }

  attribute (depth) {
    return this.random.chance(0.6) ? this.random.pick(['x', 'left', '', this.text(2)]) : this.random.chance(0.8) ? this.value(depth) : this.entry(depth + 2)
  }

  // No NaN and its like: Yjs itself shows them, and tells others null.
  attributes () {
    const { random, wild } = this
    const values = [true, true, null, null, 'red', 'blue', 1, 0, false, '', { class: random.pick(['x', 'y']), n: random.pick(['0', '1']) }, {}, [], [1], 0.5]
    if (wild) values.push({ a: { b: 1 } }, [[1]], 1e21, { b: 1, a: 2 }, { a: 2, b: 1 }, 1.5, -1, '\u0000')
    return Object.fromEntries(random.some(this.marks, 3).map(key => [escaped(key), random.pick(values)]))
  }

  embed () {
    const { random } = this
    return random.chance(this.types) ? this.fresh(TYPES, 2) : random.chance(0.5) ? { image: this.text(2) } : random.pick([{}, [], { a: [1, { b: null }] }, { $$x: 1 }, 5, true, [null, 'x']])
  }

  delta (length) {
    const { random } = this
    const steps = []
    for (let count = 1 + random.below(5); count > 0; count--) {
      const attributes = random.chance(0.5) && { attributes: this.attributes() }
      const some = length > 0 ? Math.min(1 + random.below(5), length) : 1 + random.below(3)
      const what = random.below(3)
      if (what > 0) length = Math.max(0, length - some)
      steps.push(what === 0 ? { insert: random.chance(0.8) ? this.text() : { embed: 1 }, ...attributes } : what === 1 ? { retain: some, ...attributes } : { delete: some })
    }
    return steps
  }

  // In a text that never held anything Yjs cannot delete.
  textEdit (type) {
    const { random } = this
    const length = type._length
    if (type._start === null) return { op: 'insertText', index: 0, text: this.text() }
    const index = random.chance(0.05) ? length + random.below(3) : random.below(length + 1)
    const len = Math.max(0, Math.min(1 + random.below(random.pick([2, 5, 20])), length - index)) + (random.chance(0.05) ? 3 : 0)
    const attrs = this.attributes()
    return random.pick([
      () => ({ op: 'insertText', index, text: this.text() }), () => ({ op: 'insertText', index, text: random.pick(CHARACTERS) }), () => ({ op: 'insertText', index, text: this.text(), attrs }),
      () => ({ op: 'insertText', index, text: this.text(), attrs: {} }), () => ({ op: 'insertText', index, text: '', attrs }), () => ({ op: 'deleteText', index, len }), () => ({ op: 'deleteText', index, len }),
      () => ({ op: 'format', index, len, attrs }), () => ({ op: 'format', index, len, attrs }), () => ({ op: 'insertEmbed', index, value: this.embed(), ...(random.chance(0.6) && { attrs }) }),
      () => ({ op: 'applyDelta', delta: this.delta(length) }), () => random.chance(0.6) ? { op: 'mapSet', key: random.pick(KEYS), value: this.entry(1) } : { op: 'mapDelete', key: random.pick(KEYS) }])()
  }

  mapEdit (type) {
    const { random } = this
    const live = [...type._map.keys()]
    const key = random.pick(this.keys)
    if (random.chance(0.04)) return { op: 'mapClear' }
    return random.chance(0.7) ? { op: 'mapSet', key, value: this.entry(0) } : { op: 'mapDelete', key: live.length > 0 && random.chance(0.8) ? random.pick(live) : key }
  }

  listEdit (type, depth) {
    const { random } = this
    const xml = type instanceof Y.XmlFragment
    const length = type._length
    const index = random.below(length + 1)
    if (type instanceof Y.XmlElement && random.chance(0.4)) return random.chance(0.7) ? { op: 'mapSet', key: random.pick(KEYS), value: this.attribute(1) } : { op: 'mapDelete', key: random.pick(KEYS) }
    if (random.chance(0.35) && index < length) return { op: 'delete', index, len: 1 + random.below(Math.min(random.pick([1, 3, 10]), length - index)) }
    if (random.chance(0.004)) return { op: 'insert', index, values: times(2000, (_, i) => xml ? { $new: { kind: 'XmlElement', name: 'p' } } : random.chance(0.9) ? i : 's') }
    return { op: 'insert', index, values: times(random.below(random.pick([2, 4, 9])), () => this.item(xml, depth)) }
  }

  of ({ type, addr }) {
    const edit = type instanceof Y.Text ? this.textEdit(type) : type instanceof Y.Map ? this.mapEdit(type) : this.listEdit(type, addr.path.length)
    return { ...edit, at: addr }
  }
}
