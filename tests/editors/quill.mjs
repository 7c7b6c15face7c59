// quill.mjs — Quill by y-quill: a Y.Text with attributes and embeds.
import * as Y from 'yjs'
import Quill from 'quill'
import { QuillBinding } from 'y-quill'

const ROOT = { name: 'note', kind: 'Text' }
const PIECES = ['word ', 'é', '한글 ', '\n', 'a longer piece of text ', 'z']
const MARKS = [['bold', true], ['bold', false], ['italic', true], ['link', 'https://example.org'], ['color', 'red'], ['color', false]]
const LINES = [['header', 1], ['header', false], ['align', 'right']]

export const roots = [ROOT]

export function open (ydoc, parent) {
  const text = ydoc.getText(ROOT.name)
  const quill = new Quill(parent, { modules: { history: false } })
  const binding = new QuillBinding(text, quill)
  const undoManager = new Y.UndoManager(text, { captureTimeout: 0, trackedOrigins: new Set([binding]) })
  return { quill, text, undo: () => undoManager.undo() !== null }
}

// The line feed at the very end is Quill's own: it is in no Y.Text, so what is done to it is told to nobody, whoever relays.
export function edit ({ quill, text }, random) {
  const index = random.below(text.length + 1)
  const span = Math.min(1 + random.below(8), text.length - index)
  const units = text.toDelta().flatMap(({ insert }) => typeof insert === 'string' ? insert.split('') : ['embed'])
  const hasEnd = units.indexOf('\n', index + Math.max(span - 1, 0)) >= 0
  random.pick([
    () => quill.insertText(index, random.pick(PIECES), Object.fromEntries(random.chance(0.4) ? [random.pick(MARKS)] : []), 'user'),
    () => quill.insertText(index, random.pick(PIECES), 'user'),
    () => quill.deleteText(index, span, 'user'),
    () => quill.formatText(index, span, ...random.pick(MARKS), 'user'),
    () => hasEnd && quill.formatLine(index, span, ...random.pick(LINES), 'user'),
    () => quill.insertEmbed(index, 'image', 'data:image/gif;base64,R0lGODlhAQABAAAAACw=', 'user')])()
}

export const agent = random => [{ at: { root: ROOT.name, kind: ROOT.kind, path: [] }, op: 'applyDelta', delta: [{ insert: 'agent ', attributes: { bold: true } }, { insert: random.chance(0.5) ? '\n' : ' ' }] }]

// What Quill shows, but for line feeds at its end, and all of the Y.Text.
export function shown ({ quill, text }) {
  const ops = quill.getContents().ops
  while (typeof ops.at(-1)?.insert === 'string' && /^\n*$/.test(ops.at(-1).insert)) ops.pop()
  if (typeof ops.at(-1)?.insert === 'string') ops.push({ ...ops.at(-1), insert: ops.pop().insert.replace(/\n+$/, '') })
  return { ops, text: text.toDelta() }
}
