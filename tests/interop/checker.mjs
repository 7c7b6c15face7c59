// checker.mjs — the corpus's checker in a folder where it finds yjs: it is a module of its own.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { spawnSync } from 'node:child_process'

const here = path.dirname(fileURLToPath(import.meta.url))

export class Checker {
  constructor (corpus) {
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'corpus-'))
    fs.cpSync(path.join(corpus, 'checker'), this.folder, { recursive: true, filter: source => !source.includes('node_modules') })
    fs.symlinkSync(path.join(here, 'node_modules'), path.join(this.folder, 'node_modules'))
  }

  // What it judges with, as a module. Its Yjs is ours.
  library (name) { return import(path.join(this.folder, 'lib', name)) }

  // Holds the program against the files; the status of the checker.
  run (program, files) {
    return spawnSync(process.execPath, [path.join(this.folder, 'check.mjs'), program, ...files], { stdio: 'inherit' }).status ?? 1
  }

  end () { fs.rmSync(this.folder, { recursive: true }) }
}
