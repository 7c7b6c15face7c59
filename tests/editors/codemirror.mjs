// codemirror.mjs — CodeMirror 6 by y-codemirror.next: a plain Y.Text.
import * as Y from 'yjs'
import { EditorState } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import { yCollab } from 'y-codemirror.next'

const ROOT = { name: 'code', kind: 'Text' }
const PIECES = ['let x = 1\n', 'é', '한글', '😀', '\n\n', '  ', 'if (a) {\n}\n', 'z']

export const roots = [ROOT]

export function open (ydoc, parent) {
  const text = ydoc.getText(ROOT.name)
  const undoManager = new Y.UndoManager(text, { captureTimeout: 0 })
  const view = new EditorView({ parent, state: EditorState.create({ doc: text.toString(), extensions: [yCollab(text, null, { undoManager })] }) })
  return { view, text, undo: () => undoManager.undo() !== null }
}

// As keys would: whole characters.
const boundary = (text, at) => /[\uDC00-\uDFFF]/.test(text[at] ?? '') ? at - 1 : at

export function edit ({ view }, random) {
  const text = view.state.doc.toString()
  const from = boundary(text, random.below(text.length + 1))
  const to = random.chance(0.35) ? boundary(text, Math.min(text.length, from + random.below(10))) : from
  view.dispatch({ changes: { from, to: Math.max(from, to), insert: random.chance(0.75) ? random.pick(PIECES) : '' } })
}

export const agent = () => [{ at: { root: ROOT.name, kind: ROOT.kind, path: [] }, op: 'insertText', index: 0, text: '// agent\n' }]

export function shown ({ view, text }) {
  const doc = view.state.doc.toString()
  if (doc !== text.toString()) throw new Error('CodeMirror shows something else than its Y.Text')
  return doc
}
