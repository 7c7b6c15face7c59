// corpus.mjs — holds crdt-conform against the corpus: every question of its checker must be answered, and rightly.
//
//   node corpus.mjs CRDT-CONFORM CORPUS-FOLDER [corpus file names…]
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const [program, corpus, ...chosen] = process.argv.slice(2)
const names = chosen.length > 0 ? chosen : ['histories', 'histories-long', 'local', 'malformed']
const here = path.dirname(fileURLToPath(import.meta.url))

// The checker is a module of its own and finds yjs beside it.
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'corpus-'))
fs.cpSync(path.join(corpus, 'checker'), folder, { recursive: true, filter: source => !source.includes('node_modules') })
fs.symlinkSync(path.join(here, 'node_modules'), path.join(folder, 'node_modules'))
const files = names.map(name => path.resolve(corpus, name + '.jsonl.gz'))
const run = spawnSync(process.execPath, [path.join(folder, 'check.mjs'), program, ...files], { stdio: 'inherit' })
fs.rmSync(folder, { recursive: true })
process.exit(run.status ?? 1)
