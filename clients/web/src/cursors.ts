/* cursors.ts — the others' cursors and selections in an editor, and the own one told to them.
 *
 * A cursor travels as a pair of Yjs relative positions (`cursor`, as y-codemirror and its relatives write it), so that it stays with its
 * text; beside it `position` in UTF-16 units and `typing` for those who have no Yjs. What others say is checked: a colour is a colour
 * and a position lies in the text. The name shows for a moment whenever a cursor moves, and under the mouse. */
import type { Document } from "@vibesync/client";
import { Annotation, type Extension, type Range } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, ViewPlugin, type ViewUpdate, WidgetType } from "@codemirror/view";
import * as Y from "yjs";
import { checkedColor } from "./colors.js";

const othersMoved = Annotation.define<true>();
const typingMs = 1500;

class Caret extends WidgetType {
  constructor(
    readonly client: number,
    readonly name: string,
    readonly color: string,
    readonly key: string,
    readonly top: boolean,
  ) {
    super();
  }

  /* Another place or name is another caret: made anew, it shows its name again. */
  override eq(other: Caret): boolean {
    return other.client === this.client && other.key === this.key && other.name === this.name && other.color === this.color && other.top === this.top;
  }

  override toDOM(): HTMLElement {
    const caret = document.createElement("span");
    caret.className = this.top ? "caret top" : "caret";
    caret.style.setProperty("--person", this.color);
    caret.dataset.name = this.name;
    const label = document.createElement("span");
    label.className = "caret-name";
    label.textContent = this.name;
    caret.append("\u2060", label, "\u2060");
    return caret;
  }

  override ignoreEvent(): boolean {
    return true;
  }
}

interface State {
  user?: { name?: unknown; color?: unknown };
  cursor?: { anchor?: unknown; head?: unknown } | null;
}

/** The extension for one document; behind yCollab in the list, so that the text is there before the cursors. */
export function cursors(document: Document): Extension {
  const { awareness, text, doc } = document;

  const place = (position: unknown, length: number): number | null => {
    try {
      const at = Y.createAbsolutePositionFromRelativePosition(Y.createRelativePositionFromJSON(position), doc);
      return at && at.type === text ? Math.min(at.index, length) : null;
    } catch {
      return null;
    }
  };

  const decorate = (view: EditorView): DecorationSet => {
    const found: Range<Decoration>[] = [];
    const lines = view.state.doc;
    for (const [client, value] of awareness.getStates()) {
      const state = value as State;
      if (client === awareness.clientID || !state.cursor?.anchor || !state.cursor.head) continue;
      const anchor = place(state.cursor.anchor, lines.length);
      const head = place(state.cursor.head, lines.length);
      if (anchor === null || head === null) continue;
      const { color, light } = checkedColor(state.user?.color, client);
      const name = typeof state.user?.name === "string" ? state.user.name.slice(0, 100) : "Somebody";
      if (anchor !== head) {
        const mark = Decoration.mark({ class: "others-selection", attributes: { style: `background-color: ${light}` } });
        found.push(mark.range(Math.min(anchor, head), Math.max(anchor, head)));
      }
      const key = JSON.stringify(state.cursor.head);
      const widget = new Caret(client, name, color, key, lines.lineAt(head).number === 1);
      found.push(Decoration.widget({ widget, side: head > anchor ? -1 : 1 }).range(head));
    }
    return Decoration.set(found, true);
  };

  const others = ViewPlugin.fromClass(
    class {
      decorations: DecorationSet;
      readonly listener: (changed: { added: number[]; updated: number[]; removed: number[] }) => void;

      constructor(readonly view: EditorView) {
        this.decorations = decorate(view);
        this.listener = ({ added, updated, removed }) => {
          if ([...added, ...updated, ...removed].some((id) => id !== awareness.clientID)) view.dispatch({ annotations: othersMoved.of(true) });
        };
        awareness.on("change", this.listener);
      }

      update(update: ViewUpdate): void {
        if (update.docChanged || update.transactions.some((transaction) => transaction.annotation(othersMoved))) this.decorations = decorate(update.view);
      }

      destroy(): void {
        awareness.off("change", this.listener);
      }
    },
    { decorations: (plugin) => plugin.decorations },
  );

  const own = ViewPlugin.fromClass(
    class {
      typing = false;
      timer = 0;

      update(update: ViewUpdate): void {
        const typed = update.transactions.some((transaction) => transaction.docChanged && (transaction.isUserEvent("input") || transaction.isUserEvent("delete")));
        if (typed) {
          this.typing = true;
          clearTimeout(this.timer);
          this.timer = window.setTimeout(() => this.rest(), typingMs);
        }
        if (typed || update.selectionSet || update.docChanged || update.focusChanged) this.tell(update.view);
      }

      tell(view: EditorView): void {
        const state = awareness.getLocalState();
        if (state === null || (!view.hasFocus && !state.cursor)) return;
        const { anchor, head } = view.state.selection.main;
        const cursor = { anchor: Y.createRelativePositionFromTypeIndex(text, anchor), head: Y.createRelativePositionFromTypeIndex(text, head) };
        const position = { anchor, head };
        const same =
          state.typing === this.typing &&
          state.position?.anchor === anchor &&
          state.position?.head === head &&
          JSON.stringify(state.cursor) === JSON.stringify(cursor);
        if (!same) awareness.setLocalState({ ...state, cursor, position, typing: this.typing });
      }

      rest(): void {
        this.typing = false;
        const state = awareness.getLocalState();
        if (state) awareness.setLocalState({ ...state, typing: false });
      }

      destroy(): void {
        clearTimeout(this.timer);
      }
    },
  );

  return [others, own];
}
