/* quill.mjs — Quill bound by y-quill. */
import "quill/dist/quill.core.css";
import Quill from "quill";
import QuillCursors from "quill-cursors";
import { QuillBinding } from "y-quill";
import { awareness, ydoc } from "./door.mjs";

Quill.register("modules/cursors", QuillCursors);
const quill = new Quill("#editor", { modules: { cursors: true, history: { userOnly: true } } });
new QuillBinding(ydoc.getText("quill"), quill, awareness);

window.content = () => JSON.stringify(quill.getContents().ops);
