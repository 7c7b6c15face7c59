// make_corpus.mjs — writes the seeds of the fuzz targets from tests/data/yjs-corpus: of fuzz_update a few histories of every profile as
// scripts (script.h), with local edits and state vectors in between, and every malformed case of update v1;
// of the others what the histories hold. Run by hand in a folder where
// yjs is installed: node make_corpus.mjs ../../tests/data/yjs-corpus
import fs from 'node:fs'
import path from 'node:path'
import zlib from 'node:zlib'
import { createRequire } from 'node:module'

const Y = createRequire(path.resolve('package.json'))('yjs')
const corpus = process.argv[2]
const here = path.dirname(new URL(import.meta.url).pathname)
const records = name => zlib.gunzipSync(fs.readFileSync(path.join(corpus, name + '.jsonl.gz'))).toString().split('\n').filter(line => line).map(JSON.parse)
const unbase64 = text => Buffer.from(text, 'base64')
const record = (verb, bytes) => {
  const head = Buffer.alloc(2)
  head.writeUInt16LE(verb << 14 | bytes.length)
  return Buffer.concat([head, bytes])
}
const u16 = n => { const b = Buffer.alloc(2); b.writeUInt16LE(n); return b }
const SIZE_MAX = 2500
const PER_PROFILE = 3

const folder = path.join(here, 'corpus/update')
fs.mkdirSync(folder, { recursive: true })
const seen = {}
for (const history of records('histories')) {
  const key = history.profile + (history.gc ? '' : '-nogc')
  seen[key] = (seen[key] || 0) + 1
  if (seen[key] > PER_PROFILE) continue
  const parts = [Buffer.from([history.gc ? 1 : 0])]
  let size = 1
  for (const [i, update] of history.updates.entries()) {
    const bytes = update.v === 1 ? unbase64(update.u) : Buffer.from(Y.convertUpdateFormatV2ToV1(unbase64(update.u)))
    const more = [record(0, bytes)]
    if (i % 5 === 3) more.push(record(1, Buffer.concat([u16(i * 3), Buffer.from('x😀y')])), record(2, Buffer.concat([u16(i), u16(2)])))
    if (i % 7 === 6 && history.diffs.length > 0) more.push(record(3, unbase64(history.diffs[0].sv)))
    size += more.reduce((sum, part) => sum + part.length, 0)
    if (size > SIZE_MAX) break
    parts.push(...more)
  }
  fs.writeFileSync(path.join(folder, `${key}-${seen[key]}`), Buffer.concat(parts))
}
for (const bad of records('malformed')) {
  if (bad.v !== 1 || unbase64(bad.update).length > SIZE_MAX) continue
  fs.writeFileSync(path.join(folder, bad.id), Buffer.concat([Buffer.from([1]), record(0, unbase64(bad.base)), record(0, unbase64(bad.update)), record(0, unbase64(bad.after))]))
}
// Edits of every type, as script.h's verb 3 has them.
let state = 7
const below = n => { state = Math.imul(state, 1664525) + 1013904223 >>> 0; return (state >>> 8) % n }
const LETTERS = [...'ab c😀é\n'].map(letter => Buffer.from(letter))
for (let i = 0; i < 40; i++) {
  const parts = [Buffer.from([1 + i % 2]), record(1, Buffer.concat([u16(0), Buffer.from('hello 😀')]))]
  for (let n = 12 + below(20); n > 0; n--) {
    const which = below(10) === 0 ? 4 : i >= 20 && below(4) === 0 ? 19 + below(2) : 6 + below(13)
    const some = Array.from({ length: below(10) }, () => Buffer.from([below(256)]))
    parts.push(record(3, Buffer.concat([Buffer.from([which, below(12), below(30), below(256)]), ...some, ...Array.from({ length: 1 + below(4) }, () => LETTERS[below(LETTERS.length)])])))
  }
  fs.writeFileSync(path.join(folder, `edits-${i}`), Buffer.concat(parts))
}
const plain = (target, name, ...parts) => {
  fs.mkdirSync(path.join(here, 'corpus', target), { recursive: true })
  fs.writeFileSync(path.join(here, 'corpus', target, name), Buffer.concat(parts))
}
const PLAIN_PER_PROFILE = 3
const had = {}
for (const history of records('histories')) {
  const nth = had[history.profile] = (had[history.profile] ?? 0) + 1
  if (nth > PLAIN_PER_PROFILE) continue
  const v2 = history.updates.find(({ v, u }) => v === 2 && u.length < 1500)
  if (v2) plain('update_v2', `${history.profile}-${nth}`, unbase64(v2.u))
  if (history.diffs[0]) plain('state_vector', `vector-${history.id}`, Buffer.from([0]), unbase64(history.diffs[0].sv))
  if (history.relpos[0]) plain('position', history.id, Buffer.from([0]), unbase64(history.relpos[0].rpos))
}
for (const bad of records('malformed')) if (bad.v === 2 && bad.update.length < 500) plain('update_v2', bad.id, unbase64(bad.update))
const one = new Y.Doc({ gc: false })
one.clientID = 1
one.getText('t').insert(0, 'hello')
one.getText('t').delete(1, 2)
plain('state_vector', 'snapshot-v1', Buffer.from([1]), Y.encodeSnapshot(Y.snapshot(one)))
plain('state_vector', 'snapshot-v2', Buffer.from([1]), Y.encodeSnapshotV2(Y.snapshot(one)))
plain('update_v2', 'key-with-two-values', unbase64('AAAFvwHBAgAAAQIDQgAiGRJbXSLwnZKzInRrW10i8J2SsyICBEEAAgQBAQACQgACAQABAAA='))
const awareness = path.join(here, 'corpus/awareness')
fs.mkdirSync(awareness, { recursive: true })
const entry = (client, clock, state) => Buffer.concat([Buffer.from([client, clock, state.length]), Buffer.from(state)])
const chunk = (...entries) => { const b = Buffer.concat([Buffer.from([entries.length]), ...entries]); return Buffer.concat([Buffer.from([b.length]), b]) }
fs.writeFileSync(path.join(awareness, 'come-and-go'), Buffer.concat([chunk(entry(1, 1, '{"u":"a"}'), entry(2, 1, '{}')), chunk(entry(1, 2, '{"u":"b"}')), chunk(entry(1, 2, 'null')), chunk(entry(1, 2, '{"u":"c"}'), entry(2, 3, ' null '))]))
fs.writeFileSync(path.join(awareness, 'same-twice'), chunk(entry(5, 1, '[1]'), entry(5, 2, 'null'), entry(5, 3, '"x"'), entry(6, 0, '{}')))
fs.writeFileSync(path.join(awareness, 'not-json'), Buffer.concat([chunk(entry(1, 1, '{"u":')), chunk(entry(1, 1, '{"a":[1,2.5e3,"\\u00e9",null]}'))]))
