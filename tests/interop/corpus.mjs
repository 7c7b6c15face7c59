// corpus.mjs — holds crdt-conform against the corpus: every question of its checker must be answered, and rightly.
//
//   node corpus.mjs CRDT-CONFORM CORPUS-FOLDER [corpus file names…]
import path from 'node:path'
import { Checker } from './checker.mjs'

const [program, corpus, ...chosen] = process.argv.slice(2)
const names = chosen.length > 0 ? chosen : ['histories', 'histories-long', 'local', 'malformed']

const checker = new Checker(corpus)
process.exitCode = checker.run(program, names.map(name => path.resolve(corpus, name + '.jsonl.gz')))
checker.end()
