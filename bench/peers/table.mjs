// table.mjs — the rows of crdt-bench and of the peers side by side.
//
//   node table.mjs crdt.json                   a table
//   node table.mjs crdt.json --markdown ROOT   puts it between the markers of ROOT/bench/README.md and ROOT/README.md
//
//   <!-- crdt-bench:NAME --> … <!-- /crdt-bench -->      NAME: all, short, native
//
// A line is one workload on one input in one measure: ours as it is, the others as ratios to it. Times are the least of all runs.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const OURS = 'vibesync'

export const noFigures = note => ({
  ops: null, ns_per_op_median: null, ns_per_op_min: null, total_ms_median: null, bytes: null, heap_bytes: null, allocations: null, note
})

const measures = {
  time: row => row.ns_per_op_min,
  size: row => row.bytes,
  memory: row => row.heap_bytes
}

function measuresOf(workload) {
  if (workload === 'memory') return ['memory']
  if (workload.startsWith('memory')) return ['time', 'memory']
  return /^b\d/.test(workload) ? ['time', 'size'] : ['time']
}

const digits = value => value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toPrecision(2)

function shown(value, units) {
  let unit = 0
  while (unit + 1 < units.length && value >= 1000) {
    value /= 1000
    unit++
  }
  return `${value === 0 ? 0 : digits(value)} ${units[unit]}`
}

const absolute = (measure, value) => shown(value, measure === 'time' ? ['ns', 'µs', 'ms', 's'] : ['B', 'kB', 'MB', 'GB'])

// [{ workload, trace, measure, cells: [ours, ratio, …] }]; parsing has no size of its own.
function linesOf(rows, engines) {
  const lines = []
  for (const ours of rows.filter(row => row.engine === OURS)) {
    for (const measure of measuresOf(ours.workload)) {
      if (measure === 'size' && ours.trace.endsWith(' parse')) continue
      const value = measures[measure](ours)
      const cells = engines.filter(engine => engine !== OURS).map(engine => {
        const row = rows.find(row => row.engine === engine && row.workload === ours.workload && row.trace === ours.trace)
        const theirs = row && measures[measure](row)
        if (theirs === undefined || theirs === null) return '–'
        return (row.note?.startsWith('cut off') ? '> ' : '') + digits(theirs / value) + (/^\d runs?/.test(row.note) ? '*' : '')
      })
      lines.push({ workload: ours.workload, trace: ours.trace, measure, cells: [absolute(measure, value), ...cells] })
    }
  }
  return lines
}

const enginesOf = rows => [OURS, ...new Set(rows.map(row => row.engine).filter(engine => engine !== OURS))]

export function asText(rows, engines = enginesOf(rows)) {
  const table = [['workload', 'input', '', ...engines], ...linesOf(rows, engines).map(({ workload, trace, measure, cells }) =>
    [workload, trace, measure, ...cells])]
  const widths = table[0].map((_, column) => Math.max(...table.map(line => line[column].length)))
  const notes = rows.filter(row => row.note).map(row => `  ${row.engine}, ${row.workload}, ${row.trace}: ${row.note}\n`)
  return table.map(line => line.map((cell, i) => i < 3 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join('  ') + '\n').join('') + notes.join('')
}

// ---- Markdown ----

function asMarkdown(head, lines) {
  const line = cells => `| ${cells.join(' | ')} |\n`
  return line(head) + line(head.map((_, i) => i < head.length - lines[0].numbers ? '---' : '---:')) + lines.map(({ cells }) => line(cells)).join('')
}

function comparison(rows, chosen) {
  const engines = enginesOf(rows)
  const lines = linesOf(rows, engines).filter(chosen).map(({ workload, trace, measure, cells }) =>
    ({ numbers: engines.length, cells: [measure === 'time' || measure === workload ? workload : `${workload}, ${measure}`, trace, ...cells] }))
  return asMarkdown(['workload', 'input', ...engines], lines)
}

const SHORT = {
  local: 'automerge-paper', 'local-emit': 'automerge-paper', remote: 'automerge-paper', load: 'automerge-paper', encode: 'automerge-paper',
  'encode-again': 'automerge-paper', text: 'automerge-paper', diff: 'automerge-paper', 'merge-concurrent': 'friendsforever', b3: 'B3.5',
  'random-edits': '1 MB', memory: 'automerge-paper', 'memory-1000': 'history, live'
}

const isShort = ({ workload, trace, measure }) => SHORT[workload] === trace && (measure === 'time') !== workload.startsWith('memory')

const ONE_OPERATION = ['encode', 'text', 'diff']

// What was measured natively on another day, carried over to now by what others took then and take now: the median of all their factors.
function native(rows) {
  const { rows: lines } = JSON.parse(fs.readFileSync(fileURLToPath(new URL('native.json', import.meta.url))))
  const now = (engine, { workload, trace }) => {
    const row = rows.find(row => row.engine === engine && row.workload === workload && row.trace === trace)
    if (!row?.ns_per_op_min || row.note?.startsWith('cut off')) return undefined
    return row.ns_per_op_min * (ONE_OPERATION.includes(workload) ? 1 : row.ops) / 1e6
  }
  const factors = lines.flatMap(line => Object.keys(line.then).map(engine => now(engine, line) / line.then[engine])).filter(factor => factor > 0)
  if (factors.length === 0) return ''
  const factor = factors.sort((a, b) => a - b)[factors.length >> 1]
  const cell = ms => ms === undefined ? '–' : shown(ms * 1e6, ['ns', 'µs', 'ms', 's'])
  const table = lines.filter(line => now(OURS, line) !== undefined).map(line => {
    const scaled = engine => line.native[engine] && line.native[engine] * factor
    return { numbers: 5, cells: [line.workload, line.trace, cell(now(OURS, line)), cell(scaled('yrs')), cell(now('ywasm', line)),
      cell(scaled('diamond-types')), cell(now('diamond-types', line))] }
  })
  const head = ['workload', 'input', OURS, 'yrs, native', 'ywasm', 'diamond-types, native', 'diamond-types, WASM']
  return `Now : then = ${digits(factor)}, the median of ${factors.length} from ${digits(factors[0])} to ${digits(factors.at(-1))}.\n\n` +
    asMarkdown(head, table)
}

const machine = () => `${os.cpus()[0].model.trim()}, ${os.cpus().length} cores, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}`

const tables = {
  all: rows => `${comparison(rows, () => true)}\n${machine()}.\n`,
  short: rows => `${comparison(rows, isShort)}\n${machine()}.\n`,
  native
}

export function replaceTables(rows, root) {
  for (const name of ['bench/README.md', 'README.md']) {
    const file = path.join(root, name)
    const before = fs.readFileSync(file, 'utf8')
    const after = before.replace(/(<!-- crdt-bench:(\w+) -->\n)[^]*?(<!-- \/crdt-bench -->)/g,
      (_, open, table, close) => `${open}\n${tables[table](rows)}\n${close}`)
    if (after !== before) fs.writeFileSync(file, after)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [file, option, root] = process.argv.slice(2)
  const rows = JSON.parse(fs.readFileSync(file))
  if (option === '--markdown') replaceTables(rows, root)
  else process.stdout.write(asText(rows))
}
