// prosemirror.mjs — ProseMirror by y-prosemirror: XML elements with texts in them.
import { EditorState } from 'prosemirror-state'
import { EditorView } from 'prosemirror-view'
import { schema } from 'prosemirror-schema-basic'
import { undo, ySyncPlugin, yUndoPlugin, yUndoPluginKey } from 'y-prosemirror'

const ROOT = { name: 'page', kind: 'XmlFragment' }
const PIECES = ['word ', 'é', '한글 ', 'a longer piece of text ', 'z']

export const roots = [ROOT]

export async function open (ydoc, parent) {
  const fragment = ydoc.getXmlFragment(ROOT.name)
  const view = new EditorView(parent, { state: EditorState.create({ schema, plugins: [ySyncPlugin(fragment), yUndoPlugin()] }) })
  await new Promise(resolve => setTimeout(resolve, 5)) // it draws a moment later
  yUndoPluginKey.getState(view.state).undoManager.captureTimeout = 0
  return { view, fragment, undo: () => undo(view.state) }
}

export function edit ({ view }, random) {
  const { doc, tr } = view.state
  const places = []
  doc.descendants((node, at) => { if (node.isTextblock) for (let i = 0; i <= node.content.size; i++) places.push(at + 1 + i) })
  const from = random.pick(places)
  const inside = doc.resolve(from)
  const to = Math.min(from + random.below(8), inside.end())
  let plain = inside.parent.type !== schema.nodes.code_block // the binding tells nobody of marks on what is no text
  doc.nodesBetween(from, to, node => { if (node.isInline && !node.isText) plain = false })
  const { strong, em, link } = schema.marks
  const { paragraph, heading, code_block: code } = schema.nodes
  const mark = () => random.pick([strong.create(), em.create(), link.create({ href: 'https://example.org' })])
  random.pick([
    () => tr.insertText(random.pick(PIECES), from), () => tr.insertText(random.pick(PIECES), from), () => tr.delete(from, to),
    () => plain ? tr.addMark(from, to, mark()) : tr, () => plain ? tr.removeMark(from, to, strong) : tr,
    () => tr.split(from), () => tr.setBlockType(from, to, random.pick([() => paragraph, () => heading, () => code])(), null),
    () => inside.parent.type === code ? tr : tr.insert(from, schema.nodes.hard_break.create())])()
  if (tr.docChanged) view.dispatch(tr)
}

export const agent = () => [{ at: { root: ROOT.name, kind: ROOT.kind, path: [] }, op: 'insert', index: 0, values: [{ $new: { kind: 'XmlElement', name: 'paragraph', items: [{ $new: { kind: 'XmlText', text: 'agent' } }] } }] }]

export const shown = ({ view }) => view.state.doc.toJSON()
