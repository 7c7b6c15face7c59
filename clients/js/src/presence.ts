/* presence.ts — a y-protocols Awareness and its standing with the server: the session's own (doc 0) or a document's.
 *
 * Only the own state is sent, at most every `paceMs`, the newest wins. When the connection goes, the others' states go with it: who
 * is not heard of is not shown. After it is back the own state is said again with a higher clock. */
import { applyAwarenessUpdate, Awareness, encodeAwarenessUpdate, removeAwarenessStates } from "y-protocols/awareness";
import * as Y from "yjs";

const paceMs = 40;

export class Presence {
  readonly awareness: Awareness;
  #send: (update: Uint8Array) => boolean;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #sentAt = 0;

  /** `send` says whether there was somebody to send to. */
  constructor(doc: Y.Doc, send: (update: Uint8Array) => boolean) {
    this.#send = send;
    this.awareness = new Awareness(doc);
    (this.awareness._checkInterval as { unref?(): void })?.unref?.();
    this.awareness.on("update", (changed: { added: number[]; updated: number[]; removed: number[] }) => {
      const own = this.awareness.clientID;
      if (changed.added.includes(own) || changed.updated.includes(own) || changed.removed.includes(own)) this.#schedule();
    });
  }

  apply(update: Uint8Array): void {
    applyAwarenessUpdate(this.awareness, update, this);
  }

  /** There is a connection (again): say the own state anew. */
  connected(): void {
    this.awareness.setLocalState(this.awareness.getLocalState());
  }

  /** The connection has gone. */
  lost(): void {
    const others = [...this.awareness.getStates().keys()].filter((id) => id !== this.awareness.clientID);
    removeAwarenessStates(this.awareness, others, this);
  }

  /** The document writes under another client id from now on. */
  rename(id: number): void {
    const state = this.awareness.getLocalState();
    removeAwarenessStates(this.awareness, [this.awareness.clientID], this);
    this.awareness.clientID = id;
    this.awareness.setLocalState(state);
  }

  /** Says goodbye and ends. */
  close(): void {
    this.awareness.setLocalState(null);
    this.#flush();
    this.awareness.destroy();
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #schedule(): void {
    if (this.#timer) return;
    const wait = this.#sentAt + paceMs - Date.now();
    if (wait <= 0) this.#flush();
    else this.#timer = setTimeout(() => this.#flush(), wait);
  }

  #flush(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#sentAt = Date.now();
    this.#send(encodeAwarenessUpdate(this.awareness, [this.awareness.clientID]));
  }
}
