// run.mjs — one engine, one workload, in a process of its own.
//
//   node --expose-gc run.mjs ENGINE WORKLOAD --sessions FOLDER [--trace NAME]      FOLDER: from crdt-bench --export
//   node run.mjs ENGINE --prepare --sessions FOLDER                                types the sessions, for engines of another format
//
// Prints a JSON object a line, as crdt-bench --json does; figures that an engine does not have are null, and `note` says why, or that a
// row was measured less well than others. A row takes runs until 0.3 seconds have passed, three at least; but after 2 seconds there is no
// further run, and one that takes 6 seconds is cut off: its figure is then that of the operations so far. What takes 5 ms or more is
// measured in the main thread's CPU time, as far as Node tells it; what is shorter by the wall clock.
import { performance } from 'node:perf_hooks'
import fs from 'node:fs'
import { noFigures } from './table.mjs'

const RUNS_MIN = 3
const RUNS_MAX = 200
const LONG_MS = 300
const TOO_LONG_MS = 2000
const CUT_MS = 6000
const SHORT_MS = 5

function cpuMs() {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
const busyMs = process.threadCpuUsage ? cpuMs : () => performance.now()

// Linear memories of what is written in Rust: its heap.
const memories = []
const Instance = WebAssembly.Instance
WebAssembly.Instance = class extends Instance {
  constructor(...parts) {
    super(...parts)
    for (const value of Object.values(this.exports)) if (value instanceof WebAssembly.Memory) memories.push(value)
  }
}

// One run. The clock may be started and stopped more than once.
class Outcome {
  ms = 0
  ops = null
  bytes = 0
  heapBytes = null
  cut = false
  born = busyMs()
  start() {
    this.beganBusy = busyMs()
    this.began = performance.now()
  }
  stop() {
    const ms = performance.now() - this.began
    this.ms += ms < SHORT_MS ? ms : busyMs() - this.beganBusy
  }
  // Asked before operation i: whether the run has taken too long.
  late(i, every = 256) {
    if (i === 0 || i % every !== 0 || busyMs() - this.born < CUT_MS) return false
    this.cut = true
    this.ops = i
    return true
  }
  heap() {
    for (let i = 0; i < 3; i++) globalThis.gc()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers + memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0)
  }
}

const whatLacks = {
  lists: 'has texts only',
  v2: 'has another format',
  merge: 'merges updates in documents only',
  diffs: 'answers no diffs',
  becoming: 'a document keeps its client',
  together: 'takes too long to type it: milliseconds for each change heard'
}

function measure(context, row) {
  const runs = []
  const begin = performance.now()
  const spent = () => performance.now() - begin
  let out
  do {
    out = context.out = new Outcome()
    row.run(context)
    runs.push(out)
  } while (runs.length < RUNS_MAX && spent() < TOO_LONG_MS && (runs.length < RUNS_MIN || spent() < LONG_MS))
  // Runs that were cut off did not all come equally far.
  const times = runs.map(({ ms, ops }) => ms * 1e6 / ops).sort((a, b) => a - b)
  const median = times[times.length >> 1]
  const notes = []
  if (out.cut) notes.push(`cut off after ${CUT_MS / 1000} s, ${out.ops} operations`)
  else if (runs.length < RUNS_MIN) notes.push(runs.length === 1 ? '1 run' : `${runs.length} runs`)
  if (context.engine.notes?.[context.workload]) notes.push(context.engine.notes[context.workload])
  return {
    ops: out.ops,
    ns_per_op_median: Number(median.toFixed(2)),
    ns_per_op_min: Number(times[0].toFixed(2)),
    total_ms_median: Number((median * out.ops / 1e6).toFixed(5)),
    bytes: out.bytes,
    heap_bytes: runs[0].heapBytes, // later ones find memory that has grown already
    allocations: null,
    ...(notes.length > 0 ? { note: notes.join('; ') } : {})
  }
}

const [name, workload, ...options] = process.argv.slice(2)
const option = key => options.includes(key) ? options[options.indexOf(key) + 1] : undefined
const { engine } = await import(`./engines/${name}.mjs`)
const { ALL, ONE_WRITER, Sessions } = await import('./inputs.mjs')
const { dependencies } = JSON.parse(fs.readFileSync(new URL('package.json', import.meta.url)))
const context = { engine, workload, sessions: new Sessions(option('--sessions'), engine, `${name}-${dependencies[engine.package]}`) }

if (workload === '--prepare') {
  const names = engine.lacks.includes('together') ? ONE_WRITER : ALL
  if (!engine.speaksYjs) names.forEach(session => context.sessions.load(session))
} else {
  const { workloads } = await import('./workloads.mjs')
  const trace = option('--trace')
  for (const row of workloads[workload]) {
    if (trace !== undefined && trace !== row.trace) continue
    const lacking = row.lacks.find(what => engine.lacks.includes(what))
    const figures = lacking ? noFigures(whatLacks[lacking]) : measure(context, row)
    fs.writeSync(1, JSON.stringify({ workload, trace: row.trace, engine: name, ...figures }) + '\n')
  }
}
