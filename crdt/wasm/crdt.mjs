// crdt.mjs — the engine in WebAssembly, for Node and browsers.
//
//   const engine = await load(bytes)              // of crdt.wasm, or a Response
//   const doc = engine.doc(clientID)
//   const update = doc.text('t').insert(0, 'hello') // what the others need; empty if nothing changed
//   other.apply(update)
//   doc.destroy()
//
// Indices count UTF-16 units, as JavaScript does. A call that fails throws an Error whose `code` is the engine's word for it.

const STATUS_OK = 0
const BAD_FILE = 8

// The C library brings its printing along; it has nowhere to write to.
const wasi = { fd_close: () => BAD_FILE, fd_seek: () => BAD_FILE, fd_write: () => BAD_FILE }

export async function load (source) {
  const imports = { wasi_snapshot_preview1: wasi }
  const { instance } = source instanceof Response ? await WebAssembly.instantiateStreaming(source, imports) : await WebAssembly.instantiate(source, imports)
  instance.exports._initialize()
  return new Engine(instance.exports)
}

class Engine {
  constructor (exports) {
    this.exports = exports
    this.encoder = new TextEncoder()
    this.decoder = new TextDecoder()
  }

  doc (clientID, { gc = true } = {}) {
    return new Doc(this, clientID, gc)
  }

  // Calls with the bytes' place and size, which are its last arguments.
  withBytes (bytes, call) {
    const place = this.exports.wasm_alloc(bytes.length)
    if (place === 0) throw failure('no-memory')
    new Uint8Array(this.exports.memory.buffer, place, bytes.length).set(bytes)
    try {
      return call(place, bytes.length)
    } finally {
      this.exports.wasm_free(place, bytes.length)
    }
  }

  // What a call left, as bytes of one's own.
  answer (status) {
    if (status !== STATUS_OK) throw failure(this.word(status))
    return new Uint8Array(this.exports.memory.buffer, this.exports.wasm_out_data(), this.exports.wasm_out_size()).slice()
  }

  word (status) {
    const memory = new Uint8Array(this.exports.memory.buffer)
    const begin = this.exports.wasm_status_name(status)
    return this.decoder.decode(memory.subarray(begin, memory.indexOf(0, begin)))
  }
}

const failure = code => Object.assign(new Error(`crdt: ${code}`), { code })

class Doc {
  constructor (engine, clientID, gc) {
    this.engine = engine
    this.doc = engine.exports.wasm_doc_create(clientID, gc ? 1 : 0)
    if (this.doc === 0) throw failure('range')
  }

  text (name) {
    const type = this.engine.withBytes(this.engine.encoder.encode(name), (place, size) => this.engine.exports.wasm_doc_root(this.doc, place, size))
    if (type === 0) throw failure('no-memory')
    return new Text(this, type)
  }

  // Answers what became new, for others.
  apply (update) {
    return this.engine.answer(this.engine.withBytes(update, (place, size) => this.engine.exports.wasm_update_apply(this.doc, place, size)))
  }

  encode () {
    return this.engine.answer(this.engine.exports.wasm_update_encode(this.doc))
  }

  destroy () {
    this.engine.exports.wasm_doc_destroy(this.doc)
    this.doc = 0
  }
}

class Text {
  constructor (doc, type) {
    this.doc = doc
    this.engine = doc.engine
    this.type = type
  }

  insert (index, text) {
    const bytes = this.engine.encoder.encode(text)
    return this.engine.answer(this.engine.withBytes(bytes, (place, size) => this.engine.exports.wasm_text_insert(this.doc.doc, this.type, index, place, size)))
  }

  delete (index, length) {
    return this.engine.answer(this.engine.exports.wasm_text_delete(this.doc.doc, this.type, index, length))
  }

  toString () {
    return this.engine.decoder.decode(this.engine.answer(this.engine.exports.wasm_text_write(this.doc.doc, this.type)))
  }
}
