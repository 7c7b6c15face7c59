// make_corpus.mjs — writes the seeds of fuzz_update and fuzz_awareness from tests/data/yjs-corpus: a few histories of every profile as
// scripts (script.h), with local edits and state vectors in between, and every malformed case of update v1. Run by hand in a folder where
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
const awareness = path.join(here, 'corpus/awareness')
fs.mkdirSync(awareness, { recursive: true })
const entry = (client, clock, state) => Buffer.concat([Buffer.from([client, clock, state.length]), Buffer.from(state)])
const chunk = (...entries) => { const b = Buffer.concat([Buffer.from([entries.length]), ...entries]); return Buffer.concat([Buffer.from([b.length]), b]) }
fs.writeFileSync(path.join(awareness, 'come-and-go'), Buffer.concat([chunk(entry(1, 1, '{"u":"a"}'), entry(2, 1, '{}')), chunk(entry(1, 2, '{"u":"b"}')), chunk(entry(1, 2, 'null')), chunk(entry(1, 2, '{"u":"c"}'), entry(2, 3, ' null '))]))
fs.writeFileSync(path.join(awareness, 'same-twice'), chunk(entry(5, 1, '[1]'), entry(5, 2, 'null'), entry(5, 3, '"x"'), entry(6, 0, '{}')))
fs.writeFileSync(path.join(awareness, 'not-json'), Buffer.concat([chunk(entry(1, 1, '{"u":')), chunk(entry(1, 1, '{"a":[1,2.5e3,"\\u00e9",null]}'))]))
