/* document.ts — one file's replica and what is truly known about it.
 *
 *     waiting ──joined──▶ opening ──opened──▶ syncing ──answer──▶ live
 *        ▲ ▲                 │ later            │                   │
 *        │ └─────────────────┘                  │                   │
 *        └────────────────────── lost ──────────┴───────────────────┘
 *     any ──refused, other epoch, deleted──▶ stopped        (final: `reopen` gives another Document)
 *
 * Sending. An edit goes out at once as one update when it can. When it can't (no connection, too much on the way) the document *owes*:
 * the replica itself keeps the edit, and when there is room one diff since `#owesSince` carries everything. There is no queue of
 * updates that could overflow or be lost.
 *
 * Saved means committed in the server's database, never "sent": acknowledgements count per opening, and a connection that goes with
 * updates in flight turns them into debt, which the next opening pays again.
 *
 * A replica that was refused, or that belongs to another epoch, is never merged: it stops, keeps its text, and the application offers
 * it to the person (`stopped.text`, `stopped.unsent`, `saveCopy`).
 *
 * Invariants
 *   1  acked <= sent; #clocks holds one entry for each update in flight, in order
 *   2  #number is not 0 exactly in opening's end, syncing and live
 *   3  "saved" or "synced" only if nothing is owed and acked == sent */
import type { Awareness } from "y-protocols/awareness";
import * as Y from "yjs";
import { ConflictError, errorOf, NotFoundError, VibesyncError } from "./errors.js";
import { Events } from "./events.js";
import type { Line, Params } from "./line.js";
import { Presence } from "./presence.js";
import { backoff } from "./retry.js";

/** What can be shown to a person:
 *
 *  - `connecting`  being opened, not yet complete
 *  - `synced`      complete; nothing was edited here
 *  - `saving`      edits are on their way into the server's database
 *  - `saved`       all edits are there, durably
 *  - `offline`     no connection; edits are kept here (see `unsaved`)
 *  - `read-only`   complete; this role may not write
 *  - `stopped`     the replica can't go on; see `stopped` */
export type DocumentState = "connecting" | "synced" | "saving" | "saved" | "offline" | "read-only" | "stopped";

/** Why a replica can't go on, and what would be lost. */
export interface Stopped {
  /** `epoch_mismatch`, `permission_denied`, `limit`, `deleted`, `quarantined`, … */
  reason: string;
  error: VibesyncError;
  /** The whole text as it stands here. */
  text: string;
  /** What was typed here and never acknowledged, in the order of the text; "" when nothing was (deletions are not in it). */
  unsent: string;
  /** Whether anything, also a deletion, was not acknowledged. */
  unsaved: boolean;
}

type Phase = "waiting" | "opening" | "syncing" | "live" | "stopped" | "closed";

/** What a document needs of its session. */
export interface DocumentHost {
  readonly line: Line | null;
  readonly limits: Readonly<Record<string, number>>;
  readonly joined: boolean;
  numbered(document: Document, number: number): void;
  unnumbered(document: Document, number: number): void;
  changed(document: Document): void;
  forget(document: Document): void;
  open(file: { file?: string; path?: string }): Promise<Document>;
  create(path: string): Promise<{ id: string }>;
}

/** Most updates in flight and most bytes that wait for the network before edits are gathered into diffs. */
const inFlightMax = 1024;
const waitingMax = 1 << 20;
const takenMax = 5;
/** What a message has around its update, at most. */
const framingBytes = 64;

/** `state` comes at each change of `state` and of `unsaved`; `text` when `text` is another Y.Text now: an editor with a root of its own was the
 * first to write into the empty file. Bind to it anew. */
export class Document extends Events<{ state: DocumentState; access: "read" | "write"; stopped: Stopped; synced: void; text: void }> {
  readonly doc: Y.Doc;
  /** The awareness of this document: cursors. Set `user` and `cursor` as editor bindings do. */
  readonly awareness: Awareness;
  #host: DocumentHost;
  #presence: Presence;
  #phase: Phase = "waiting";
  #number = 0;
  #file: string | null;
  #path: string;
  #root = "text";
  #epoch: number | null = null;
  #access: "read" | "write" = "read";
  #serverVector: Map<number, number> = new Map();
  #everLive = false;
  #edited = false;
  #sent = 0;
  #acked = 0;
  #clocks: { n: number; clock: number }[] = [];
  #ackedClock = 0;
  #owes = false;
  #owesSince: Uint8Array | null = null;
  #attempts = 0;
  #taken = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #stopped: Stopped | null = null;
  #shown: DocumentState = "connecting";
  #shownUnsaved = false;

  /** For the session: `session.open` is the way to get one. */
  constructor(host: DocumentHost, what: { file?: string; path?: string }) {
    super();
    this.#host = host;
    this.#file = what.file ?? null;
    this.#path = what.path ?? "";
    this.doc = new Y.Doc();
    this.#presence = new Presence(this.doc, (update) => this.#say(5, update));
    this.awareness = this.#presence.awareness;
    this.doc.on("update", (update: Uint8Array, origin: unknown, _doc: Y.Doc, transaction: Y.Transaction) => {
      if (origin !== this) this.#onEdit(update, transaction);
    });
  }

  /** The text of the file. */
  get text(): Y.Text {
    return this.doc.getText(this.#root);
  }
  /** The file's id; null until it was opened for the first time. */
  get file(): string | null {
    return this.#file;
  }
  get path(): string {
    return this.#path;
  }
  get access(): "read" | "write" {
    return this.#access;
  }
  get epoch(): number | null {
    return this.#epoch;
  }
  get state(): DocumentState {
    return this.#shown;
  }
  /** Whether edits made here are not known to be durable. True offline too: what the page may lose if it is closed now. */
  get unsaved(): boolean {
    return this.#stopped ? this.#stopped.unsaved : this.#owes || this.#acked < this.#sent;
  }
  /** Whether the server's text has been here in full once. */
  get complete(): boolean {
    return this.#everLive;
  }
  get stopped(): Stopped | null {
    return this.#stopped;
  }
  get closed(): boolean {
    return this.#phase === "closed";
  }

  /** Resolves when nothing waits to be saved; rejects if the document stops. */
  async saved(signal?: AbortSignal): Promise<void> {
    await this.when("state", () => !this.unsaved || this.#stopped !== null || this.closed, signal);
    if (this.unsaved && this.#stopped) throw this.#stopped.error;
    if (this.unsaved) throw new ConflictError({ code: "conflict", message: "The document was closed before it was saved." });
  }

  /** A new replica of the same file with the server's text. This one's text is given up unless the application kept it. */
  reopen(): Promise<Document> {
    const what = this.#file ? { file: this.#file } : { path: this.#path };
    this.close();
    return this.#host.open(what);
  }

  /** Puts this replica's text into a new file and opens that. */
  async saveCopy(path: string): Promise<Document> {
    const text = this.#stopped ? this.#stopped.text : this.text.toString();
    const { id } = await this.#host.create(path);
    const copy = await this.#host.open({ file: id });
    copy.text.insert(0, text);
    return copy;
  }

  /** Ends it here; the file stays. What is not yet acknowledged is given up: await `saved()` first if it matters. */
  close(): void {
    if (this.#phase === "closed") return;
    this.#presence.close();
    if (this.#number !== 0) this.#host.line?.ask("doc.close", { doc: this.#number }, () => {});
    this.#unnumber();
    this.#enter("closed");
    this.#host.forget(this);
    this.doc.destroy();
  }

  // ---- called by the session -----------------------------------------------------------------------------------------------------

  /** There is a joined line: open. */
  joined(): void {
    if (this.#phase !== "waiting" || !this.#host.joined) return;
    this.#cancelTimer();
    this.#enter("opening");
    const line = this.#host.line!;
    const what = this.#file ? { file: this.#file } : { path: this.#path };
    const params = { ...what, epoch: this.#epoch ?? undefined, client_id: this.doc.clientID };
    line.ask("doc.open", params, (error, result) => {
      if (this.#phase !== "opening" || this.#host.line !== line) return;
      if (error) this.#onRefused(error);
      else this.#onOpened(result);
    });
  }

  /** The line has gone. */
  lost(): void {
    if (this.#phase === "stopped" || this.#phase === "closed") return;
    if (this.#acked < this.#sent) this.#owe(null);
    this.#sent = this.#acked = 0;
    this.#clocks = [];
    this.#unnumber();
    this.#presence.lost();
    this.#enter("waiting");
  }

  /** The session came or went: what is shown may, too. */
  refresh(): void {
    this.#show();
  }

  renamed(path: string): void {
    this.#path = path;
  }

  onUpdate(update: Uint8Array): void {
    Y.applyUpdate(this.doc, update, this);
    if (this.#phase === "syncing" && this.#covers(this.#serverVector)) this.#onLive();
  }

  onAck(n: number): void {
    if (n <= this.#acked || n > this.#sent) return;
    this.#acked = n;
    while (this.#clocks.length > 0 && this.#clocks[0]!.n <= n) this.#ackedClock = this.#clocks.shift()!.clock;
    this.#settle();
    this.#show();
  }

  onVector(vector: Uint8Array): void {
    if (this.#access === "write") this.#send(Y.encodeStateAsUpdate(this.doc, vector));
  }

  onAwareness(update: Uint8Array): void {
    this.#presence.apply(update);
  }

  onRejected(note: Params): void {
    const later = note.code === "overloaded" || note.code === "unavailable" || note.code === "rate";
    const error = errorOf({ code: note.code, message: note.message, retry: later ? "later" : "reopen" });
    if (later) this.#again(error);
    else this.#stop(error.code, error);
  }

  onGone(note: Params): void {
    const reason = String(note.reason);
    if (reason === "deleted") {
      this.#stop(reason, new NotFoundError({ code: "not_found", message: "The file was deleted." }));
    } else if (reason === "epoch") {
      const message = "The document was given another history.";
      this.#stop("epoch_mismatch", errorOf({ code: "epoch_mismatch", message, retry: "reopen", data: { epoch: note.epoch } }));
    } else if (reason === "denied") {
      this.#stop("permission_denied", errorOf({ code: "permission_denied", message: "You may not read this file any more." }));
    } else if (reason === "quarantined") {
      this.#stop(reason, errorOf({ code: reason, message: "The stored document needs an operator." }));
    } else {
      this.#again(errorOf({ code: "unavailable", message: "The document was put aside.", retry: "later" }));
    }
  }

  // ---- opening -------------------------------------------------------------------------------------------------------------------

  #onOpened(result: Params): void {
    const vector = result.state_vector as Uint8Array;
    const access = result.access === "write" ? "write" : "read";
    this.#number = result.doc as number;
    this.#host.numbered(this, this.#number);
    this.#file = String(result.file);
    this.#path = String(result.path);
    this.#epoch = Number(result.epoch);
    if (typeof result.root === "string" && result.root !== this.#root) {
      this.#root = result.root;
      this.emit("text", undefined);
    }
    this.#serverVector = Y.decodeStateVector(vector);
    this.#setAccess(access);
    this.#sent = this.#acked = 0;
    this.#clocks = [];
    if (access === "read" && this.#owes) {
      const message = "You may only read this file now; what you typed before was not sent.";
      this.#stop("permission_denied", errorOf({ code: "permission_denied", message }));
      return;
    }
    this.#enter("syncing");
    this.#say(6, Y.encodeStateVector(this.doc));
    this.#presence.connected();
    if (access === "write" && (this.#owes || this.#exceeds(this.#serverVector))) {
      this.#settled();
      this.#send(Y.encodeStateAsUpdate(this.doc, vector));
    }
  }

  #onRefused(error: VibesyncError): void {
    if (error.code === "client_id_taken" && this.#taken++ < takenMax) {
      // The replica stays: what it wrote under the old id goes out as that writer's, what comes is written under the new one.
      this.doc.clientID = (crypto.getRandomValues(new Uint32Array(1))[0]! || 1) >>> 0;
      this.#ackedClock = 0;
      this.#presence.rename(this.doc.clientID);
      this.#enter("waiting");
      this.joined();
    } else if (error.retry === "later" || error.code === "offline") {
      this.#again(error);
    } else {
      this.#stop(error.code, error);
    }
  }

  #onLive(): void {
    this.#attempts = this.#taken = 0;
    this.#everLive = true;
    this.#enter("live");
    this.#settle();
    this.emit("synced", undefined);
  }

  /** The same once more, after a pause. */
  #again(error: VibesyncError): void {
    const open = this.#number !== 0;
    const number = this.#number;
    this.lost();
    if (open) this.#host.line?.ask("doc.close", { doc: number }, () => {});
    const pause = Math.max(backoff(this.#attempts++), Number(error.data.after_ms) || 0);
    this.#cancelTimer();
    this.#timer = setTimeout(() => this.joined(), pause);
  }

  #stop(reason: string, error: VibesyncError): void {
    if (this.#phase === "stopped" || this.#phase === "closed") return;
    const unsaved = this.unsaved;
    this.#stopped = { reason, error, unsaved, text: this.text.toString(), unsent: unsaved ? this.#unsent() : "" };
    if (this.#number !== 0) this.#host.line?.ask("doc.close", { doc: this.#number }, () => {});
    this.#unnumber();
    this.#presence.lost();
    this.#setAccess("read");
    this.#enter("stopped");
    this.emit("stopped", this.#stopped);
  }

  /** The pieces of text that this replica inserted and that were never acknowledged. */
  #unsent(): string {
    let found = "";
    for (let item = this.text._start; item; item = item.right) {
      if (item.deleted || !(item.content instanceof Y.ContentString)) continue;
      const skip = Math.max(0, this.#ackedClock - item.id.clock);
      if (item.id.client === this.doc.clientID && skip < item.length) found += item.content.str.slice(skip);
    }
    return found;
  }

  // ---- sending -------------------------------------------------------------------------------------------------------------------

  #onEdit(update: Uint8Array, transaction: Y.Transaction): void {
    if (this.#phase === "stopped" || this.#phase === "closed") return;
    this.#edited = true;
    if (this.#canSend()) this.#send(update);
    else this.#owe(Y.encodeStateVector(transaction.beforeState));
    this.#show();
  }

  #canSend(): boolean {
    return (
      !this.#owes &&
      this.#connected() &&
      this.#access === "write" &&
      this.#sent - this.#acked < inFlightMax &&
      this.#host.line!.waiting < waitingMax
    );
  }

  #connected(): boolean {
    return this.#number !== 0 && this.#host.line !== null && (this.#phase === "syncing" || this.#phase === "live");
  }

  #send(update: Uint8Array): void {
    const max = this.#host.limits.update_bytes;
    if (max && update.length + framingBytes > max) {
      const message = `This edit is larger than the server takes (${max} bytes).`;
      this.#owes = true;
      this.#stop("limit", errorOf({ code: "limit", message, data: { limit: "update_bytes", max } }));
      return;
    }
    if (!this.#say(3, update)) return this.#owe(null);
    this.#sent++;
    this.#clocks.push({ n: this.#sent, clock: Y.getState(this.doc.store, this.doc.clientID) });
  }

  /** Remembers that the server lacks what came after `since`; null: that is not known exactly. */
  #owe(since: Uint8Array | null): void {
    if (!this.#owes) this.#owesSince = since;
    else if (since === null) this.#owesSince = null;
    this.#owes = true;
  }

  #settled(): void {
    this.#owes = false;
    this.#owesSince = null;
  }

  /** Pays what is owed, if there is room: far below the marks, so that debts are few and big instead of many and small. */
  #settle(): void {
    if (!this.#owes || !this.#connected() || this.#access !== "write") return;
    if (this.#sent - this.#acked > inFlightMax / 2) return; // the next acknowledgement comes back here
    if (this.#host.line!.waiting > waitingMax / 4) {
      this.#cancelTimer();
      this.#timer = setTimeout(() => this.#settle(), 50);
      return;
    }
    const since = this.#owesSince;
    this.#settled();
    this.#send(Y.encodeStateAsUpdate(this.doc, since ?? undefined));
    this.#show();
  }

  #say(kind: 3 | 5 | 6, payload: Uint8Array): boolean {
    if (!this.#connected()) return false;
    this.#host.line!.send(kind, this.#number, payload);
    return true;
  }

  // ---- small things --------------------------------------------------------------------------------------------------------------

  /** Whether this replica has all that `vector` names. */
  #covers(vector: Map<number, number>): boolean {
    for (const [client, clock] of vector) if (Y.getState(this.doc.store, client) < clock) return false;
    return true;
  }

  /** Whether this replica has anything that `vector` does not name. */
  #exceeds(vector: Map<number, number>): boolean {
    for (const client of this.doc.store.clients.keys()) {
      if (Y.getState(this.doc.store, client) > (vector.get(client) ?? 0)) return true;
    }
    return false;
  }

  #unnumber(): void {
    this.#cancelTimer();
    if (this.#number !== 0) this.#host.unnumbered(this, this.#number);
    this.#number = 0;
  }

  #cancelTimer(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #setAccess(access: "read" | "write"): void {
    if (this.#access === access) return;
    this.#access = access;
    this.emit("access", access);
  }

  #enter(phase: Phase): void {
    this.#phase = phase;
    this.#show();
  }

  #now(): DocumentState {
    if (this.#phase === "stopped" || this.#phase === "closed") return "stopped";
    if (!this.#host.joined && this.#everLive) return "offline";
    if (this.#phase !== "live") return "connecting";
    if (this.#access === "read") return "read-only";
    if (this.unsaved) return "saving";
    return this.#edited ? "saved" : "synced";
  }

  #show(): void {
    const now = this.#now();
    const { unsaved } = this;
    const same = now === this.#shown && unsaved === this.#shownUnsaved && this.#phase !== "closed";
    this.#shown = now;
    this.#shownUnsaved = unsaved;
    this.#host.changed(this);
    if (!same) this.emit("state", now);
  }
}
