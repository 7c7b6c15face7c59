/* prosemirror.mjs — ProseMirror bound by y-prosemirror. */
import "prosemirror-view/style/prosemirror.css";
import { baseKeymap, setBlockType, toggleMark } from "prosemirror-commands";
import { keymap } from "prosemirror-keymap";
import { schema } from "prosemirror-schema-basic";
import { EditorState } from "prosemirror-state";
import { EditorView } from "prosemirror-view";
import { redo, undo, yCursorPlugin, ySyncPlugin, yUndoPlugin } from "y-prosemirror";
import { awareness, ydoc } from "./door.mjs";

const keys = { "Mod-b": toggleMark(schema.marks.strong), "Mod-Alt-2": setBlockType(schema.nodes.heading, { level: 2 }), "Mod-z": undo, "Mod-y": redo };
const plugins = [ySyncPlugin(ydoc.getXmlFragment("prosemirror")), yCursorPlugin(awareness), yUndoPlugin(), keymap(keys), keymap(baseKeymap)];
const view = new EditorView(document.querySelector("#editor"), { state: EditorState.create({ schema, plugins }) });

window.content = () => view.state.doc.toString();
