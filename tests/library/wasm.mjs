// wasm.mjs CRDT.WASM — the engine in WebAssembly types recorded sessions, and real Yjs reads what it says.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import { load } from '../../crdt/wasm/crdt.mjs'
import { tracePatches, traceText } from '../integration/support/traces.mjs'

const Y = createRequire(new URL('../interop/package.json', import.meta.url))('yjs')
const program = process.argv[2]

const engine = await load(fs.readFileSync(program))
for (const name of ['sveltecomponent', 'rustcode']) {
  const doc = engine.doc(1)
  const heard = engine.doc(2)
  const text = doc.text('text')
  for (const { position, deleted, inserted } of tracePatches(name)) {
    if (deleted > 0) heard.apply(text.delete(position, deleted))
    if (inserted.length > 0) heard.apply(text.insert(position, inserted))
  }
  const wanted = traceText(name)
  assert.equal(text.toString(), wanted, name)
  assert.equal(heard.text('text').toString(), wanted, `${name}, heard edit by edit`)
  const ydoc = new Y.Doc()
  Y.applyUpdate(ydoc, doc.encode())
  assert.equal(ydoc.getText('text').toString(), wanted, `${name}, loaded by Yjs`)
  doc.destroy()
  heard.destroy()
}

const doc = engine.doc(2 ** 53 - 1)
doc.text('t').insert(0, '한글 😀')
assert.equal(doc.text('t').toString(), '한글 😀')
assert.throws(() => doc.text('t').insert(99, 'x'), { code: 'range' })
assert.throws(() => doc.apply(new Uint8Array([1, 2, 3])), { code: 'malformed' })
assert.throws(() => engine.doc(2 ** 53), { code: 'range' })
console.log(`two sessions typed, heard and loaded; ${fs.statSync(program).size} bytes of WebAssembly`)
