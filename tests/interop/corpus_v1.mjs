// corpus_v1.mjs — holds crdt-conform against the corpus in update v1.
//
//   node corpus_v1.mjs CRDT-CONFORM CORPUS-FOLDER [corpus file names…]
//
// The recorded histories deliver some updates in v2. They are rewritten in v1 by Yjs itself, cases that are about v2 alone are left out, and
// the corpus's own checker then judges, with questions that the engine does not answer counted as skipped. The checker asks for v2 in local
// edits, so those of plain text are held against Yjs's bytes here. Fails if anything fails.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import zlib from 'node:zlib'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import * as Y from 'yjs'

const [program, corpus, ...chosen] = process.argv.slice(2)
const names = chosen.length > 0 ? chosen : ['histories', 'histories-long', 'malformed']
const here = path.dirname(fileURLToPath(import.meta.url))
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'corpus-v1-'))

const toV1 = base64 => Buffer.from(Y.convertUpdateFormatV2ToV1(Buffer.from(base64, 'base64'))).toString('base64')

const files = names.map(name => {
  const records = zlib.gunzipSync(fs.readFileSync(path.join(corpus, name + '.jsonl.gz'))).toString().split('\n').filter(line => line)
  const kept = []
  for (const line of records) {
    const record = JSON.parse(line)
    if (name === 'malformed' && record.v === 2) continue
    if (Array.isArray(record.updates) && name.startsWith('histories')) {
      record.updates = record.updates.map(update => update.v === 2 ? { v: 1, u: toV1(update.u) } : update)
    }
    kept.push(JSON.stringify(record))
  }
  const file = path.join(folder, name + '.jsonl.gz')
  fs.writeFileSync(file, zlib.gzipSync(kept.join('\n') + '\n'))
  return file
})

// The checker is a module of its own and finds yjs beside this file.
const checker = path.join(folder, 'checker')
fs.cpSync(path.join(corpus, 'checker'), checker, { recursive: true, filter: source => !source.includes('node_modules') })
fs.symlinkSync(path.join(here, 'node_modules'), path.join(checker, 'node_modules'))
const run = spawnSync(process.execPath, [path.join(checker, 'check.mjs'), '--allow-skip', program, ...files], { stdio: 'inherit' })
fs.rmSync(folder, { recursive: true })
const localFailures = chosen.length > 0 ? 0 : checkLocal()
process.exit(run.status === 0 && localFailures === 0 ? 0 : 1)

// Every transaction of the plain-text scripts must give the very bytes that Yjs emitted.
function checkLocal () {
  const records = zlib.gunzipSync(fs.readFileSync(path.join(corpus, 'local.jsonl.gz'))).toString().split('\n').filter(line => line).map(JSON.parse)
  let transactions = 0
  let failed = 0
  for (const record of records) {
    const supported = record.script.findIndex(ops => ops.some(op =>
      !['insertText', 'deleteText'].includes(op.op) || op.attrs !== undefined || op.at.kind !== 'Text' || op.at.path.length > 0))
    const script = supported < 0 ? record.script : record.script.slice(0, supported)
    if (script.length === 0) continue
    const questions = [{ op: 'new', doc: 'd', gc: record.gc, clientID: record.client, roots: record.roots },
      ...record.base.map(update => ({ op: 'apply', doc: 'd', update })), ...script.map(ops => ({ op: 'local', doc: 'd', ops }))]
    const answers = spawnSync(program, { input: questions.map((question, id) => JSON.stringify({ id, ...question })).join('\n') + '\n' })
    const lines = answers.stdout.toString().split('\n').filter(line => line).map(JSON.parse).slice(1 + record.base.length)
    for (const [i, answer] of lines.entries()) {
      if (answer.unsupported) break // formatting marks in the text
      transactions++
      if (!answer.ok || answer.update !== record.updates[i]) {
        failed++
        console.log(`FAIL local: ${record.id} tx ${i}: got ${JSON.stringify(answer)} want ${record.updates[i]}`)
        break
      }
    }
    if (lines.length !== script.length) {
      failed++
      console.log(`FAIL local: ${record.id}: the program ended`)
    }
  }
  console.log(`local text: ${transactions} transactions with Yjs's own bytes, ${failed} scripts failed`)
  return failed + (transactions === 0 ? 1 : 0)
}
