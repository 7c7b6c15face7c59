// test.mjs — crdt-bench, compare.mjs and table.mjs do what they say; no time is judged, no npm package needed.
//
//   node test.mjs CRDT-BENCH TRACES
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { scriptB1, scriptResult, Random, Sessions } from './inputs.mjs'
import { asText, noFigures, replaceTables } from './table.mjs'
import { workloads } from './workloads.mjs'

const [bench, traces] = process.argv.slice(2)
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'crdt-bench-'))
test.after(() => fs.rmSync(folder, { recursive: true }))
const run = (...options) => execFileSync(bench, ['--traces', traces, ...options], { encoding: 'utf8' })

test('crdt-bench has the workloads that the peers have', () => {
  assert.deepEqual(run('--list').trim().split('\n'), Object.keys(workloads))
})

test('crdt-bench prints a JSON object a line, on the inputs that the peers have', () => {
  for (const workload of ['hot-key', 'merge-concurrent', 'b2']) {
    const rows = run('--json', workload).trim().split('\n').map(line => JSON.parse(line))
    for (const row of rows) {
      assert.deepEqual(Object.keys(row), ['workload', 'trace', 'engine', 'ops', 'ns_per_op_median', 'ns_per_op_min', 'total_ms_median',
        'bytes', 'heap_bytes', 'allocations'])
      assert.equal(row.workload, workload)
      assert.ok(row.ops > 0 && row.ns_per_op_min > 0 && row.ns_per_op_min <= row.ns_per_op_median && row.heap_bytes > 0)
    }
    assert.deepEqual(rows.map(row => row.trace), workloads[workload].map(row => row.trace))
  }
})

test('an unknown workload is an error', () => {
  assert.equal(spawnSync(bench, ['--traces', traces, 'sleep']).status, 1)
})

test('an exported session typed again by its patches makes its text', () => {
  run('--export', folder)
  for (const name of ['sveltecomponent', 'seeded-korean']) {
    const session = new Sessions(folder, { speaksYjs: true }, 'nobody').load(name)
    let text = ''
    for (const { position, deleted, inserted } of session.patches) text = text.slice(0, position) + inserted + text.slice(position + deleted)
    assert.equal(text, session.text)
    assert.equal(session.updates.length, session.patches.length)
  }
})

test('seeds draw the same here as in crdt-bench', () => {
  const random = new Random(77)
  assert.deepEqual([1000, 1000, 1000, 1].map(count => random.below(count)), [391, 469, 972, 0])
  const script = scriptB1(7)
  const { text } = scriptResult(script)
  assert.equal(text.length, script.length)
})

test('compare.mjs writes what it measured', () => {
  const compare = fileURLToPath(new URL('compare.mjs', import.meta.url))
  const printed = execFileSync(process.execPath, [compare, bench, folder, '--engines', 'none', 'hot-key'], { encoding: 'utf8' })
  assert.match(printed, /hot-key +10,000 +time/)
  assert.equal(JSON.parse(fs.readFileSync(path.join(folder, 'crdt.json'))).length, 2)
})

const row = (engine, workload, trace, figures) => ({ workload, trace, engine, ...figures })
const rows = [
  row('vibesync', 'local', 'automerge-paper', { ops: 10, ns_per_op_min: 20 }),
  row('yjs', 'local', 'automerge-paper', { ops: 10, ns_per_op_min: 500, note: '1 run' }),
  row('ywasm', 'local', 'automerge-paper', { ops: 5, ns_per_op_min: 50000, note: 'cut off after 10 s, 5 operations' }),
  row('loro-crdt', 'local', 'automerge-paper', noFigures('it was raining')),
  row('vibesync', 'memory', 'automerge-paper', { ops: 1, heap_bytes: 1500000 }),
  row('yjs', 'memory', 'automerge-paper', { ops: 1, heap_bytes: 3000000 })
]

test('the table has ours as it is, the others as ratios, and says what is missing and why', () => {
  const lines = asText(rows).split('\n').map(line => line.trim().split(/ {2,}/))
  assert.deepEqual(lines[1], ['local', 'automerge-paper', 'time', '20.0 ns', '25.0*', '> 2500', '–'])
  assert.deepEqual(lines[2], ['memory', 'automerge-paper', 'memory', '1.5 MB', '2.0', '–', '–'])
  assert.deepEqual(lines[5], ['loro-crdt, local, automerge-paper: it was raining'])
})

test('the Markdown table replaces what is between its markers and nothing else', () => {
  fs.mkdirSync(path.join(folder, 'bench'))
  for (const file of ['README.md', 'bench/README.md'])
    fs.writeFileSync(path.join(folder, file), 'before\n<!-- crdt-bench:short -->\nold\n<!-- /crdt-bench -->\nafter\n')
  replaceTables(rows, folder)
  const text = fs.readFileSync(path.join(folder, 'README.md'), 'utf8')
  assert.match(text, /^before\n<!-- crdt-bench:short -->\n\n\| workload /)
  assert.match(text, /\| local \| automerge-paper \| 20\.0 ns \| 25\.0\* \| > 2500 \| – \|\n/)
  assert.match(text, /\n<!-- \/crdt-bench -->\nafter\n$/)
  assert.ok(!text.includes('old'))
  replaceTables(rows, folder)
  assert.equal(fs.readFileSync(path.join(folder, 'README.md'), 'utf8'), text)
})
