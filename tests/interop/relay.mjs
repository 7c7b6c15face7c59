// relay.mjs — is what a server relays all that the others need?
//
//   node relay.mjs CRDT-CONFORM CORPUS-FOLDER
//
// Every recorded history goes update by update into the engine. What a server would pass on (the sender's bytes if they were wholly new, else
// what the transaction emitted, nothing while it waits) goes to a real Yjs document. That must end with the units and the content of a Yjs document
// that heard the history itself, and must never have to wait. So must those who sent the updates, here three in turn, and were told what the
// others sent and what theirs woke.
import fs from 'node:fs'
import path from 'node:path'
import zlib from 'node:zlib'
import { spawnSync } from 'node:child_process'
import * as Y from 'yjs'

const [program, corpus] = process.argv.slice(2)
const unbase64 = text => Buffer.from(text, 'base64')
let histories = 0
let relayed = 0
let verbatim = 0
let failed = 0

const declare = (doc, roots) => {
  for (const { name, kind } of roots) {
    if (kind === 'Text') doc.getText(name)
    else if (kind === 'Array') doc.getArray(name)
    else if (kind === 'Map') doc.getMap(name)
    else if (kind === 'XmlFragment') doc.getXmlFragment(name)
    else if (kind === 'XmlText') doc.get(name, Y.XmlText)
    else if (kind === 'XmlElement') doc.get(name, Y.XmlElement)
  }
}
// Subdocuments, bytes and maps, whose keys stand in the order of arrival, as something that can be compared.
const shown = doc => JSON.stringify([...doc.share.keys()].sort().map(name => [name, doc.share.get(name).toJSON()]), (key, value) =>
  value instanceof Y.Doc ? { $doc: value.guid } : typeof value === 'bigint' ? { $i: String(value) }
    : value?.constructor === Object ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1)) : value)
const units = doc => JSON.stringify([...Y.decodeStateVector(Y.encodeStateVector(doc))].sort((a, b) => a[0] - b[0]))

for (const name of ['histories', 'histories-long']) {
  const lines = zlib.gunzipSync(fs.readFileSync(path.join(corpus, name + '.jsonl.gz'))).toString().split('\n').filter(line => line)
  for (const record of lines.map(JSON.parse)) {
    const updates = record.updates.map(({ v, u }) => v === 1 ? unbase64(u) : Buffer.from(Y.convertUpdateFormatV2ToV1(unbase64(u))))
    const questions = [{ op: 'new', doc: 'd', gc: record.gc, clientID: 1, roots: record.roots },
      ...updates.map(update => ({ op: 'apply', doc: 'd', update: update.toString('base64') }))]
    const run = spawnSync(program, { input: questions.map((question, id) => JSON.stringify({ id, ...question })).join('\n') + '\n', maxBuffer: 1 << 28 })
    const answers = run.stdout.toString().split('\n').filter(line => line).map(JSON.parse).slice(1)
    // Both readers apply in one transaction at the end of each update only; clean-up of redundant marks is a client's business and left out.
    const heard = new Y.Doc({ gc: record.gc })
    const listened = new Y.Doc({ gc: record.gc })
    const senders = [0, 1, 2].map(() => new Y.Doc({ gc: record.gc }))
    let waited = false
    for (const [i, answer] of answers.entries()) {
      Y.applyUpdate(heard, updates[i])
      const sender = senders[i % senders.length]
      Y.applyUpdate(sender, updates[i])
      if (!answer.ok) throw new Error(`${record.id}: ${JSON.stringify(answer)}`)
      if (answer.relay === null) continue
      relayed++
      verbatim += answer.verbatim ? 1 : 0
      for (const doc of [listened, ...senders]) {
        if (doc !== sender || answer.woke) Y.applyUpdate(doc, unbase64(answer.relay))
      }
      waited ||= listened.store.pendingStructs !== null || listened.store.pendingDs !== null
    }
    declare(heard, record.roots)
    for (const doc of [listened, ...senders]) declare(doc, record.roots)
    histories++
    const why = answers.length !== updates.length ? 'the program ended'
      : waited ? 'a relayed update had to wait'
        : units(heard) !== units(listened) ? 'units differ'
          : senders.some(doc => units(heard) !== units(doc) || shown(heard) !== shown(doc)) ? 'a sender was not told all'
          : shown(heard) !== shown(listened) ? `content differs: ${shown(listened).slice(0, 200)} instead of ${shown(heard).slice(0, 200)}` : null
    if (why !== null) {
      failed++
      console.log(`FAIL ${record.id}: ${why}`)
    }
  }
}
console.log(`${histories} histories, ${relayed} relayed updates, ${verbatim} of them as they came; ${failed} failed`)
process.exit(failed === 0 && histories > 0 ? 0 : 1)
