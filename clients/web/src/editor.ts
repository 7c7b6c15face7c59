/* editor.ts — one open file: a CodeMirror view bound to its document's Y.Text. It lives as long as the document is open, also while
 * another file is shown, and keeps its place and its undo history (the own edits only). */
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, codeFolding, foldGutter, foldKeymap, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import {
  crosshairCursor, drawSelection, dropCursor, EditorView, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars, keymap, lineNumbers,
  rectangularSelection,
} from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";
import type { Document } from "@vibesync/client";
import { yCollab, yUndoManagerKeymap } from "y-codemirror.next";
import * as Y from "yjs";
import { cursors } from "./cursors.js";
import { languageOf } from "./languages.js";

/* Colours are in style.css, as variables: light and dark are one theme. */
const basics: Extension = [
  lineNumbers(), highlightActiveLineGutter(), highlightSpecialChars(), foldGutter(), codeFolding(), drawSelection(), dropCursor(),
  EditorState.allowMultipleSelections.of(true), indentOnInput(), bracketMatching(), closeBrackets(), autocompletion(),
  rectangularSelection(), crosshairCursor(), highlightActiveLine(), highlightSelectionMatches(), search({ top: true }),
  syntaxHighlighting(classHighlighter), indentUnit.of("    "), EditorState.lineSeparator.of("\n"),
  keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...yUndoManagerKeymap, ...foldKeymap, ...completionKeymap, indentWithTab]),
];

export interface Place {
  line: number;
  column: number;
  selected: number;
}

export class Editor {
  readonly view: EditorView;
  readonly document: Document;
  #language = new Compartment();
  #writable = new Compartment();
  #name = "";
  #offs: (() => void)[] = [];

  constructor(document: Document, onPlace: (place: Place) => void) {
    this.document = document;
    const undoManager = new Y.UndoManager(document.text, { captureTimeout: 400 });
    this.view = new EditorView({
      state: EditorState.create({
        doc: document.text.toString(),
        extensions: [
          basics,
          yCollab(document.text, null, { undoManager }),
          cursors(document),
          this.#language.of([]),
          this.#writable.of(this.#access()),
          EditorView.contentAttributes.of({ "aria-label": `Text of ${document.path}` }),
          EditorView.updateListener.of((update) => {
            if (update.selectionSet || update.docChanged) onPlace(this.place);
          }),
        ],
      }),
    });
    this.#offs.push(document.on("access", () => this.#refresh()), document.on("stopped", () => this.#refresh()), () => undoManager.destroy());
    void this.named(document.path);
  }

  get language(): string {
    return languageOf(this.document.path).name;
  }

  get place(): Place {
    const { state } = this.view;
    const { head, empty, from, to } = state.selection.main;
    const line = state.doc.lineAt(head);
    return { line: line.number, column: head - line.from + 1, selected: empty ? 0 : to - from };
  }

  /** The file has this path now: its mode may be another. */
  async named(path: string): Promise<void> {
    const language = languageOf(path);
    if (language.name === this.#name) return;
    this.#name = language.name;
    const mode = await language.load().catch(() => []); // without its mode a file is plain text
    if (this.#name === language.name) this.view.dispatch({ effects: this.#language.reconfigure(mode) });
  }

  /** Shows the place where `client` has its cursor. */
  goTo(client: number): void {
    const head = this.document.awareness.getStates().get(client)?.position?.head;
    if (typeof head !== "number") return;
    this.view.dispatch({ effects: EditorView.scrollIntoView(Math.min(head, this.view.state.doc.length), { y: "center" }) });
  }

  destroy(): void {
    for (const off of this.#offs) off();
    this.view.destroy();
  }

  #access(): Extension {
    const writable = this.document.access === "write" && !this.document.stopped;
    return [EditorState.readOnly.of(!writable), EditorView.editable.of(writable)];
  }

  #refresh(): void {
    this.view.dispatch({ effects: this.#writable.reconfigure(this.#access()) });
  }
}
