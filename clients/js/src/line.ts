/* line.ts — one WebSocket: values in, values out, requests matched with their responses. Knows no documents and never reconnects.
 *
 *   [0, msgid, method, [params]]  request       [3, doc, update]        [5, doc, awareness]
 *   [1, msgid, error, result]     response      [4, doc, n]  ack        [6, doc, state vector]
 *   [2, method, [params]]         notification
 *
 * A message holds one or more values. What is sent in one turn of the event loop leaves as one message.
 * Answers are delivered by callback, in the order of the wire: a promise would let the values behind a response overtake it. */
import { Socket } from "#socket";
import { errorOf, OfflineError, type VibesyncError } from "./errors.js";
import { pack, unpack } from "./pack.js";

export type Params = Record<string, unknown>;
export type Answer = (error: VibesyncError | null, result: Params) => void;

export interface LineEvents {
  open(): void;
  note(method: string, params: Params): void;
  /** Kinds 3 to 6. */
  data(kind: number, doc: number, payload: Uint8Array | number): void;
  /** Exactly once, last. 1006: lost without a word. */
  end(code: number, reason: string): void;
}

/** Silence after which the other side is asked for a sign of life, and how long it has for one. */
const quietMs = 25_000;
const silentMs = 10_000;
/** Values gathered before they leave without waiting for the end of the turn. */
const batchBytes = 256 * 1024;

export class Line {
  #socket: WebSocket;
  #events: LineEvents;
  #calls = new Map<number, Answer>();
  #nextId = 1;
  #batch: Uint8Array<ArrayBuffer>[] = [];
  #batchBytes = 0;
  #ended = false;
  #heardAt = Date.now();
  #watch: ReturnType<typeof setInterval>;

  constructor(url: string, events: LineEvents) {
    this.#events = events;
    this.#socket = new Socket(url, "vibesync.v1");
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onopen = () => this.#ended || events.open();
    this.#socket.onmessage = (event) => this.#read(event.data);
    this.#socket.onclose = (event) => this.#end(event.code, event.reason);
    this.#socket.onerror = () => {}; // a close follows
    this.#watch = setInterval(() => this.#listen(), 5_000);
    (this.#watch as { unref?(): void }).unref?.();
  }

  /** Bytes that wait to leave. */
  get waiting(): number {
    return this.#socket.bufferedAmount + this.#batchBytes;
  }

  /** Asks; `answer` is called once, also when the line ends first. Returns a function that forgets the request. */
  ask(method: string, params: Params, answer: Answer): () => void {
    const id = this.#nextId++;
    this.#calls.set(id, answer);
    this.#send([0, id, method, [params]]);
    return () => void this.#calls.set(id, () => {});
  }

  send(kind: 3 | 5 | 6, doc: number, payload: Uint8Array): void {
    this.#send([kind, doc, payload]);
  }

  /** Ends the line; `end` is called before this returns. */
  close(code = 1000, reason = ""): void {
    if (this.#ended) return;
    this.#flush();
    try {
      this.#socket.close(code === 1000 || (code >= 3000 && code < 5000) ? code : undefined, reason);
    } catch {
      // It never was open.
    }
    this.#end(code, reason);
  }

  #send(value: unknown[]): void {
    if (this.#ended) return;
    const bytes = pack(value);
    if (this.#batch.length === 0) queueMicrotask(() => this.#flush());
    this.#batch.push(bytes);
    this.#batchBytes += bytes.length;
    if (this.#batchBytes >= batchBytes) this.#flush();
  }

  #flush(): void {
    if (this.#batch.length === 0) return;
    let message = this.#batch[0]!;
    if (this.#batch.length > 1) {
      message = new Uint8Array(this.#batchBytes);
      let at = 0;
      for (const part of this.#batch) {
        message.set(part, at);
        at += part.length;
      }
    }
    this.#batch = [];
    this.#batchBytes = 0;
    if (!this.#ended && this.#socket.readyState === 1) this.#socket.send(message);
  }

  #read(data: unknown): void {
    if (this.#ended) return;
    this.#heardAt = Date.now();
    if (!(data instanceof ArrayBuffer)) return this.close(4400, "not binary");
    try {
      for (const value of unpack(new Uint8Array(data))) {
        if (this.#ended) return;
        if (Array.isArray(value)) this.#value(value);
      }
    } catch (error) {
      console.error(error);
      this.close(4400, "a message that can't be read");
    }
  }

  #value(value: unknown[]): void {
    const [kind, second, third, fourth] = value;
    if (kind === 1) {
      const answer = this.#calls.get(second as number);
      this.#calls.delete(second as number);
      answer?.(third == null ? null : errorOf(third), (fourth ?? {}) as Params);
    } else if (kind === 2 && typeof second === "string") {
      this.#events.note(second, ((third as unknown[] | undefined)?.[0] ?? {}) as Params);
    } else if (kind === 4 && typeof third === "number") {
      this.#events.data(4, second as number, third);
    } else if ((kind === 3 || kind === 5 || kind === 6) && third instanceof Uint8Array) {
      this.#events.data(kind, second as number, third);
    }
  }

  /* A browser sees no pings, and a connection that died without a word looks open for minutes. */
  #listen(): void {
    const quiet = Date.now() - this.#heardAt;
    if (quiet > quietMs + silentMs) this.close(4000, "silent");
    else if (quiet > quietMs) this.ask("session.participants", { limit: 1 }, () => {});
  }

  #end(code: number, reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#watch);
    this.#socket.onmessage = null;
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const answer of calls) answer(new OfflineError("The connection was lost before the answer came."), {});
    this.#events.end(code, reason);
  }
}
