// engine.mjs — crdt-conform behind a pipe.
import { spawn } from 'node:child_process'
import readline from 'node:readline'

export const toBase64 = bytes => Buffer.from(bytes).toString('base64')
export const fromBase64 = text => new Uint8Array(Buffer.from(text, 'base64'))

// One answer a question, in order; an answer that is not `ok` is an Error.
export class Engine {
  constructor (program) {
    this.child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.waiting = []
    readline.createInterface({ input: this.child.stdout }).on('line', line => this.waiting.shift()(JSON.parse(line)))
    this.child.on('exit', () => {
      this.ended = true
      for (const resolve of this.waiting) resolve({ ok: false, error: 'the program ended' })
    })
    this.child.stdin.on('error', () => {}) // its exit tells
    this.next = 0
  }

  async ask (op, question = {}) {
    if (this.ended) throw new Error(`${op}: the program ended before`)
    const answer = await new Promise(resolve => {
      this.waiting.push(resolve)
      this.child.stdin.write(JSON.stringify({ id: this.next++, op, ...question }) + '\n')
    })
    if (!answer.ok) throw new Error(`${op}: ${answer.error ?? 'unsupported'}`)
    return answer
  }
}
