/* session.ts — the life of a session's connection.
 *
 *     connecting ──open──▶ joining ──answer──▶ joined
 *         ▲                   │                  │
 *         │        lost, 45xx, refused "later"   │ lost, 1001, 45xx
 *         │                   ▼                  │
 *         └── pause over ── offline ◀────────────┘           any ── 44xx, close() ──▶ closed
 *
 * `connect` resolves when the session is joined and its files are listed. From then on the session comes back by itself (see retry.ts),
 * opens its documents again and exchanges with the server what each side misses, until it is closed or the server says that it must not
 * come back (then `error` says why and `resume` tries again, e.g. with a new token).
 *
 * Invariants
 *   1  a Line is in #line exactly in connecting, joining and joined; there is one at most
 *   2  documents are told `joined` and `lost` in turn */
import type { Awareness } from "y-protocols/awareness";
import * as Y from "yjs";
import { Chat } from "./chat.js";
import { Document, type DocumentHost } from "./document.js";
import { ClosedError, errorOf, OfflineError, VibesyncError } from "./errors.js";
import { Events } from "./events.js";
import { Files } from "./files.js";
import { Line, type Params } from "./line.js";
import { Participants } from "./participants.js";
import { Presence } from "./presence.js";
import { backoff, decideClose } from "./retry.js";

export interface ConnectOptions {
  /** Where the server is, e.g. "https://sync.example.org". */
  url: string;
  /** The session's id. */
  session: string;
  /** The access token; a function is asked before each connection. */
  credential: string | (() => string | Promise<string>);
  /** Name and version of the program, for the server's log. */
  client?: { name: string; version?: string };
  /** Gives up connecting; after `connect` has resolved it closes the session. */
  signal?: AbortSignal;
  /** Told of each failed attempt, also of those before `connect` resolves. */
  onRetry?: (error: VibesyncError, pauseMs: number) => void;
}

/** Of the whole session, the worst of its documents first: `offline`, `stopped` (one holds edits that will not be stored as they are),
 * `connecting`, `saving`, `saved` (something was edited and all of it is durable), `synced`; `closed`: over. */
export type SessionState = "connecting" | "synced" | "saving" | "saved" | "offline" | "read-only" | "stopped" | "closed";

export interface User {
  id: string;
  username: string;
  name: string;
}

const rights = { read: 1, write: 2, chat: 4, files: 8, run: 16, agents: 32, administer: 64 } as const;
export type Right = keyof typeof rights;

interface SessionEvents extends Record<string, unknown> {
  /** At each change of `state` and of `unsaved`. */
  state: SessionState;
  documents: void;
  /** A new token, to be kept for the next time. */
  token: string;
  joined: void;
}

/** A connection that lived this long was a good one: the next failure is the first again. */
const steadyMs = 5_000;
const openMs = 15_000;

export class Session extends Events<SessionEvents> {
  readonly files: Files;
  readonly participants = new Participants();
  readonly chat: Chat;
  /** Who is here and where: keep file ids in it, not paths. */
  readonly awareness: Awareness;
  #options: ConnectOptions;
  #phase: "connecting" | "joining" | "joined" | "offline" | "closed" = "connecting";
  #line: Line | null = null;
  #token: string | null = null;
  #presence: Presence;
  #documents = new Set<Document>();
  #numbers = new Map<number, Document>();
  #joined: Params | null = null;
  #limits: Record<string, number> = {};
  #joinedAt = 0;
  #attempts = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #retryAt = 0;
  #attempt = 0;
  #fault: VibesyncError | null = null;
  #error: VibesyncError | null = null;
  #shown: SessionState = "connecting";
  #shownUnsaved = false;
  #host: DocumentHost;
  #offNetwork: () => void;

  /** For `connect`. */
  constructor(options: ConnectOptions) {
    super();
    this.#options = options;
    const call = (method: string, params: Params, rest?: { signal?: AbortSignal }) => this.call(method, params, rest);
    this.files = new Files(call);
    this.chat = new Chat(call);
    this.#presence = new Presence(new Y.Doc(), (update) => {
      if (this.#phase === "joined") this.#line?.send(5, 0, update);
      return true;
    });
    this.awareness = this.#presence.awareness;
    this.files.on("changed", ({ event, file }) => {
      if (event === "renamed") for (const document of this.#documents) if (document.file === file.id) document.renamed(file.path);
    });
    const session = this;
    this.#host = {
      get line() {
        return session.#phase === "joined" ? session.#line : null;
      },
      get limits() {
        return session.#limits;
      },
      get joined() {
        return session.#phase === "joined";
      },
      numbered: (document, number) => void this.#numbers.set(number, document),
      unnumbered: (document, number) => void (this.#numbers.get(number) === document && this.#numbers.delete(number)),
      changed: () => this.#show(),
      forget: (document) => {
        this.#documents.delete(document);
        this.#show();
        this.emit("documents", undefined);
      },
      open: (what) => this.open(what),
      create: (path) => this.files.create(path),
    };
    this.#offNetwork = this.#followNetwork();
    options.signal?.addEventListener("abort", this.#onAbort, { once: true });
    void this.#connect();
  }

  get id(): string {
    return this.#options.session;
  }
  get state(): SessionState {
    return this.#shown;
  }
  /** Whether any document has edits that are not known to be durable. */
  get unsaved(): boolean {
    return [...this.#documents].some((document) => document.unsaved);
  }
  /** Why the session is closed, or why the last attempt failed. */
  get error(): VibesyncError | null {
    return this.#error;
  }
  /** When the next attempt is made, in ms since 1970; 0: none is planned. */
  get retryAt(): number {
    return this.#phase === "offline" ? this.#retryAt : 0;
  }
  get user(): User {
    const user = (this.#joined?.user ?? {}) as Record<string, unknown>;
    return { id: String(user.id), username: String(user.username), name: String(user.display_name) };
  }
  get role(): string {
    return this.participants.self?.role ?? String(this.#joined?.role);
  }
  get limits(): Readonly<Record<string, number>> {
    return this.#limits;
  }
  get documents(): readonly Document[] {
    return [...this.#documents];
  }
  may(right: Right): boolean {
    return (Number(this.#joined?.rights ?? 0) & rights[right]) !== 0;
  }

  /** Opens a file by path or id; resolves when its text is complete. An already open one is given again. NotFoundError: there is no
   * such file (`files.create` makes it). Works without a connection too, and then waits for one; abort with `signal`. */
  async open(what: string | { file?: string; path?: string }, options: { signal?: AbortSignal } = {}): Promise<Document> {
    const wanted = typeof what === "string" ? { path: what } : what;
    const { signal } = options;
    signal?.throwIfAborted();
    if (this.#phase === "closed") throw this.#closedError();
    const id = wanted.file ?? (wanted.path !== undefined ? this.files.find(wanted.path)?.id : undefined);
    let document = [...this.#documents].find((open) => !open.stopped && (id ? open.file === id : open.path === wanted.path));
    const fresh = !document;
    if (!document) {
      document = new Document(this.#host, id ? { file: id, path: wanted.path ?? "" } : wanted);
      this.#documents.add(document);
      this.emit("documents", undefined);
      if (this.#phase === "joined") document.joined();
    }
    const opened = document;
    try {
      await opened.when("state", () => opened.complete || opened.stopped !== null || opened.closed, signal);
      if (opened.stopped) throw opened.stopped.error;
      if (opened.closed) throw this.#error instanceof ClosedError ? this.#error : new OfflineError("The document was closed.");
    } catch (error) {
      if (fresh) opened.close();
      throw error;
    }
    return opened;
  }

  /** A request by name, for what has no method of its own here. OfflineError: there is no connection, or it went before the answer. */
  call(method: string, params: Params = {}, options: { signal?: AbortSignal } = {}): Promise<Params> {
    const { signal } = options;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (this.#phase === "closed") return reject(this.#closedError());
      if (this.#phase !== "joined") return reject(new OfflineError());
      const onAbort = () => (forget(), reject(signal!.reason));
      const forget = this.#line!.ask(method, params, (error, result) => {
        signal?.removeEventListener("abort", onAbort);
        if (error) reject(error);
        else resolve(result);
      });
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Resolves when every document's edits are durable. */
  async saved(signal?: AbortSignal): Promise<void> {
    await Promise.all(this.documents.map((document) => document.saved(signal)));
  }

  /** Tries at once instead of after the pause; with `credential`, also after the server has closed the session for this client. */
  resume(credential?: string): void {
    if (credential !== undefined) this.#options = { ...this.#options, credential };
    if (this.#phase === "closed" ? credential === undefined : this.#phase !== "offline") return;
    this.#token = credential ?? this.#token;
    this.#error = null;
    void this.#connect();
  }

  /** Ends it. What is not saved by now is given up: await `saved()` first if it matters. */
  close(): void {
    this.#over(new ClosedError("The session was closed here.", 1000));
  }

  // ---- connecting ----------------------------------------------------------------------------------------------------------------

  async #connect(): Promise<void> {
    const attempt = ++this.#attempt;
    this.#cancelTimer();
    this.#enter("connecting");
    this.#fault = null;
    let token: string;
    try {
      const { credential } = this.#options;
      token = this.#token ?? (typeof credential === "string" ? credential : await credential());
    } catch (error) {
      const cause = error instanceof VibesyncError ? error : errorOf({ code: "credentials", message: String(error), retry: "later" });
      if (attempt === this.#attempt) this.#afterFailure(cause, cause.retry === "later" ? "later" : "never", 4401);
      return;
    }
    if (attempt !== this.#attempt) return;
    const url = new URL(`/v1/sessions/${encodeURIComponent(this.#options.session)}/ws`, this.#options.url);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const line: Line = new Line(url.href, {
      open: () => this.#line === line && this.#join(line, token),
      note: (method, params) => this.#line === line && this.#note(method, params),
      data: (kind, doc, payload) => this.#line === line && this.#phase === "joined" && this.#data(kind, doc, payload),
      end: (code, reason) => this.#line === line && this.#onEnd(code, reason),
    });
    this.#line = line;
    this.#timer = setTimeout(() => this.#line === line && line.close(4000, "no answer in time"), openMs);
  }

  #join(line: Line, token: string): void {
    this.#phase = "joining";
    const { name = "vibesync.js", version = "0.1.0" } = this.#options.client ?? {};
    line.ask("session.join", { client: name, version, protocol: 1, capabilities: [], credential: token }, (error, result) => {
      if (this.#line !== line) return;
      if (error) {
        this.#fault = error.code === "offline" ? this.#fault : error; // the close that follows decides
      } else {
        this.#onJoined(line, result);
      }
    });
  }

  #onJoined(line: Line, result: Params): void {
    this.#cancelTimer();
    this.#joined = result;
    this.#limits = (result.limits ?? {}) as Record<string, number>;
    this.#joinedAt = Date.now();
    this.#error = null;
    this.#enter("joined");
    this.#presence.connected();
    for (const document of [...this.#documents]) document.joined();
    const call = (method: string, params: Params = {}) => this.call(method, params);
    void this.participants.load(result, call).catch(() => {});
    Promise.all([this.files.load(), this.chat.load()]).then(
      () => this.#line === line && this.emit("joined", undefined),
      (error: VibesyncError) => {
        // Without the lists the session would show yesterday: come again.
        if (this.#line === line && this.#phase === "joined") line.close(4000, error.message);
      },
    );
  }

  #onEnd(code: number, reason: string): void {
    this.#line = null;
    let decision = decideClose(code);
    const steady = this.#joinedAt !== 0 && Date.now() - this.#joinedAt > steadyMs;
    this.#joinedAt = 0;
    if (code === 4000) decision = "later"; // ours
    if (steady) this.#attempts = 0;
    if (decision === "at once" && this.#attempts > 0) decision = "later";
    if (code === 4401 && typeof this.#options.credential === "function" && steady) {
      this.#token = null; // the function may know a newer one
      decision = "later";
    }
    const fault = this.#fault;
    const message = fault?.message ?? (reason || `The server closed the connection (${code}).`);
    const error = decision === "never" ? new ClosedError(message, code) : (fault ?? new OfflineError(reason || undefined));
    this.#afterFailure(error, decision, code);
  }

  #afterFailure(error: VibesyncError, decision: "never" | "at once" | "later", code: number): void {
    if (decision === "never") return this.#over(error instanceof ClosedError ? error : new ClosedError(error.message, code));
    const announced = Number(error.data.after_ms) || 0;
    const pause = Math.max(announced, decision === "at once" ? Math.random() * 100 : backoff(this.#attempts));
    this.#attempts++;
    this.#error = error;
    this.#retryAt = Date.now() + pause;
    this.#cancelTimer();
    this.#timer = setTimeout(() => void this.#connect(), pause);
    this.#enter("offline");
    this.#lost();
    this.#options.onRetry?.(error, pause);
  }

  #lost(): void {
    for (const document of [...this.#documents]) document.lost();
    this.#numbers.clear();
    this.#presence.lost();
    this.participants.lost();
  }

  #over(error: ClosedError): void {
    if (this.#phase === "closed") return;
    this.#attempt++;
    this.#cancelTimer();
    const line = this.#line;
    const ours = error.closeCode === 1000;
    if (ours) for (const document of [...this.#documents]) document.close();
    this.#line = null;
    line?.close();
    this.#error = error;
    this.#enter("closed");
    this.#lost();
    this.chat.close(error);
    if (!ours) return; // documents keep their text, and `resume` may bring them back
    this.#presence.close();
    this.#offNetwork();
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
  }

  #onAbort = (): void => this.close();

  /** A browser knows when the machine's network goes and comes. */
  #followNetwork(): () => void {
    if (typeof globalThis.addEventListener !== "function") return () => {};
    const onOnline = () => this.resume();
    const onOffline = () => this.#line?.close(4000, "The machine has no network.");
    globalThis.addEventListener("online", onOnline);
    globalThis.addEventListener("offline", onOffline);
    return () => {
      globalThis.removeEventListener("online", onOnline);
      globalThis.removeEventListener("offline", onOffline);
    };
  }

  // ---- received ------------------------------------------------------------------------------------------------------------------

  #data(kind: number, number: number, payload: Uint8Array | number): void {
    if (number === 0) {
      if (kind === 5) this.#presence.apply(payload as Uint8Array);
      return;
    }
    const document = this.#numbers.get(number);
    if (!document) return; // closed here; it was on its way
    if (kind === 3) document.onUpdate(payload as Uint8Array);
    else if (kind === 4) document.onAck(payload as number);
    else if (kind === 5) document.onAwareness(payload as Uint8Array);
    else document.onVector(payload as Uint8Array);
  }

  #note(method: string, params: Params): void {
    const document = this.#numbers.get(Number(params.doc));
    if (method === "doc.rejected") document?.onRejected(params);
    else if (method === "doc.gone") document?.onGone(params);
    else if (method === "file.changed") this.files.note(params);
    else if (method === "session.participant") this.#onParticipant(params);
    else if (method === "chat.posted") this.chat.note(params);
    else if (method === "auth.expiring") this.#refresh();
    else if (method === "session.fault") this.#fault = errorOf(params);
    else if (method === "session.closed") this.#fault = errorOf({ code: "closed", message: params.message });
  }

  #onParticipant(params: Params): void {
    const before = this.participants.self?.role;
    this.participants.note(params);
    if (this.participants.self?.role === before) return;
    // Another role, other rights: each document asks what it may now.
    for (const document of [...this.#documents]) {
      document.lost();
      document.joined();
    }
  }

  #refresh(): void {
    this.call("auth.refresh").then(
      ({ token }) => {
        this.#token = String(token);
        this.emit("token", this.#token);
      },
      () => {}, // the close with 4401 says it
    );
  }

  // ---- small things --------------------------------------------------------------------------------------------------------------

  #closedError(): VibesyncError {
    return this.#error ?? new ClosedError("The session is closed.", 1000);
  }

  #cancelTimer(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #enter(phase: "connecting" | "joined" | "offline" | "closed"): void {
    this.#phase = phase;
    for (const document of this.#documents) document.refresh();
    this.#show();
  }

  #now(): SessionState {
    if (this.#phase === "closed") return "closed";
    if (this.#phase === "offline") return "offline";
    if (this.#phase !== "joined") return this.#shown === "offline" ? "offline" : "connecting";
    if ([...this.#documents].some((document) => document.stopped?.unsaved)) return "stopped";
    const states = [...this.#documents].map((document) => document.state);
    for (const state of ["offline", "connecting", "saving", "saved"] as const) if (states.includes(state)) return state;
    return this.may("write") ? "synced" : "read-only";
  }

  #show(): void {
    const now = this.#now();
    const { unsaved } = this;
    if (now === this.#shown && unsaved === this.#shownUnsaved) return;
    this.#shown = now;
    this.#shownUnsaved = unsaved;
    this.emit("state", now);
  }
}

/** Connects to a session and joins it. Resolves when its files, participants and chat are known. A server that can't be reached is tried
 * again until `signal` is aborted; a refusal (wrong token, no such session) rejects with ClosedError or the server's error. */
export async function connect(options: ConnectOptions): Promise<Session> {
  options.signal?.throwIfAborted();
  const session = new Session(options);
  await new Promise<void>((resolve, reject) => {
    const offs = [
      session.on("joined", () => (offs.forEach((off) => off()), resolve())),
      session.on("state", (state) => {
        if (state !== "closed") return;
        offs.forEach((off) => off());
        reject(options.signal?.aborted ? options.signal.reason : session.error);
        session.close();
      }),
    ];
  });
  return session;
}

