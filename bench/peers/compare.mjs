// compare.mjs — crdt-bench and every peer, in turn, at the same work; then the table.
//
//   node compare.mjs CRDT-BENCH OUT-FOLDER [--engines A,B…|none] [--markdown] [WORKLOAD…]
//
// For each workload crdt-bench goes first, then each engine, each in a process of its own; so what else the machine does is spread over all.
// A process that takes more than ten minutes is ended, and the rows that it did not print say so. Sessions are exported to
// OUT-FOLDER/sessions; all rows go to OUT-FOLDER/crdt.json (one array), rows of workloads that were not run this time staying as they
// were. `--markdown` puts the table between the markers of bench/README.md and README.md.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { asText, noFigures, replaceTables } from './table.mjs'
import { workloads } from './workloads.mjs'

const here = path.dirname(fileURLToPath(import.meta.url))
const ENGINES = fs.readdirSync(path.join(here, 'engines')).map(file => path.basename(file, '.mjs'))
const TRACES = path.join(here, '../../tests/data/traces')
const PROCESS_MS = 600000

function fail(what) {
  console.error(`compare: ${what}`)
  process.exit(1)
}

const usage = what => fail(`${what}\nusage: compare.mjs CRDT-BENCH OUT-FOLDER [--engines A,B…|none] [--markdown] [WORKLOAD…]`)

function readArguments([bench, folder, ...rest]) {
  const wanted = { bench, folder, engines: ENGINES, markdown: false, workloads: [] }
  while (rest.length > 0) {
    const argument = rest.shift()
    if (argument === '--markdown') wanted.markdown = true
    else if (argument === '--engines') wanted.engines = rest.shift().split(',').filter(name => name !== 'none')
    else if (argument in workloads) wanted.workloads.push(argument)
    else usage(`no workload is called '${argument}'; there are: ${Object.keys(workloads).join(' ')}`)
  }
  const unknown = wanted.engines.find(name => !ENGINES.includes(name))
  if (bench === undefined || folder === undefined || unknown) usage(unknown ? `no engine is called '${unknown}'` : 'too few arguments')
  if (wanted.workloads.length === 0) wanted.workloads = Object.keys(workloads)
  return wanted
}

// The rows that a program prints, and its error if it did not end well.
function rowsOf(program, ...options) {
  const run = spawnSync(program, options, { timeout: PROCESS_MS, maxBuffer: 1 << 26 })
  const rows = run.stdout.toString().split('\n').filter(line => line.startsWith('{')).map(line => JSON.parse(line))
  if (run.status === 0) return { rows }
  if (run.error?.code === 'ETIMEDOUT') return { rows, error: `ended after ${PROCESS_MS / 60000} min` }
  const why = run.stderr.toString().match(/^(\w*Error: .*|.*panicked.*|crdt-bench: .*)$/m)?.[1]
  return { rows, error: why ?? `ended with ${run.signal ?? run.status}` }
}

function runPeer(engine, workload, traces, sessions) {
  const runner = ['--expose-gc', path.join(here, 'run.mjs'), engine, workload, '--sessions', sessions]
  // A memory that has grown once does not shrink again: a process for each row.
  const parts = workload.startsWith('memory') ? traces.map(trace => ['--trace', trace]) : [[]]
  const rows = []
  let error
  for (const part of parts) {
    const run = rowsOf(process.execPath, ...runner, ...part)
    rows.push(...run.rows)
    error ??= run.error
  }
  const missing = traces.filter(trace => !rows.some(row => row.trace === trace))
  return [...rows, ...missing.map(trace => ({ workload, trace, engine, ...noFigures(error ?? 'no figure') }))]
}

const wanted = readArguments(process.argv.slice(2))
const sessions = path.join(wanted.folder, 'sessions')
const file = path.join(wanted.folder, 'crdt.json')
fs.mkdirSync(sessions, { recursive: true })
const exported = spawnSync(wanted.bench, ['--traces', TRACES, '--export', sessions], { stdio: 'inherit' })
if (exported.status !== 0) fail('crdt-bench could not export the sessions')
for (const engine of wanted.engines) {
  const made = spawnSync(process.execPath, [path.join(here, 'run.mjs'), engine, '--prepare', '--sessions', sessions], { stdio: 'inherit' })
  if (made.status !== 0) fail(`${engine} could not type the sessions`)
}
const kept = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file)) : []
const isRunNow = row => wanted.workloads.includes(row.workload) && (row.engine === 'vibesync' || wanted.engines.includes(row.engine))
let rows = kept.filter(row => !isRunNow(row))
for (const workload of wanted.workloads) {
  console.error(`${new Date().toTimeString().slice(0, 8)} ${workload}`)
  const ours = rowsOf(wanted.bench, '--json', '--traces', TRACES, workload)
  if (ours.error) fail(ours.error)
  const now = [...ours.rows]
  for (const engine of wanted.engines) now.push(...runPeer(engine, workload, ours.rows.map(row => row.trace), sessions))
  rows.push(...now)
  const order = Object.keys(workloads)
  rows.sort((a, b) => order.indexOf(a.workload) - order.indexOf(b.workload))
  fs.writeFileSync(file, '[\n' + rows.map(row => JSON.stringify(row)).join(',\n') + '\n]\n')
}
process.stdout.write(asText(rows.filter(isRunNow), ['vibesync', ...wanted.engines]))
if (wanted.markdown) replaceTables(rows, path.join(here, '..', '..'))
