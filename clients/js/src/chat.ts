/* chat.ts — the session's conversation. A message carries an id of its sender's making, so what was on the way when a connection
 * ended is simply sent again and is stored once. Messages missed while away are read after coming back. */
import { LimitError, OfflineError } from "./errors.js";
import { Events } from "./events.js";
import type { Call } from "./files.js";
import type { Params } from "./line.js";

export interface ChatMessage {
  id: string;
  /** 1, 2, 3 … in the session, without holes. */
  seq: number;
  /** Milliseconds since 1970. */
  at: number;
  user: string | null;
  name: string;
  text: string;
  replyTo: string | null;
}

interface Waiting {
  params: Params;
  busy: boolean;
  resolve(message: ChatMessage): void;
  reject(error: unknown): void;
}

/** Most own messages that wait for a connection, and most messages kept in memory. */
const waitingMax = 100;
const keptMax = 5_000;

function messageOf(given: Params): ChatMessage {
  return {
    id: String(given.id),
    seq: Number(given.seq),
    at: Number(given.at),
    user: typeof given.user === "string" ? given.user : null,
    name: String(given.name ?? ""),
    text: String(given.text),
    replyTo: typeof given.reply_to === "string" ? given.reply_to : null,
  };
}

export class Chat extends Events<{ change: void; message: ChatMessage }> {
  #call: Call;
  #messages: ChatMessage[] = [];
  #waiting = new Set<Waiting>();
  #more = true;
  #loaded = false;

  constructor(call: Call) {
    super();
    this.#call = call;
  }

  /** Oldest first; what is known here. */
  get messages(): readonly ChatMessage[] {
    return this.#messages;
  }
  /** Whether there are older ones: `older()` reads them. */
  get more(): boolean {
    return this.#more;
  }
  /** Own messages that are not stored yet. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Resolves when the message is stored, also after a lost connection. LimitError: too long; PermissionError: may not. */
  send(text: string, options: { replyTo?: string; signal?: AbortSignal } = {}): Promise<ChatMessage> {
    const { signal } = options;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (this.#waiting.size >= waitingMax) {
        return reject(new LimitError({ code: "limit", message: `${waitingMax} messages wait for the connection already.` }));
      }
      const params = { client_msg_id: uuid(), text, reply_to: options.replyTo };
      const waiting: Waiting = { params, busy: false, resolve, reject };
      this.#waiting.add(waiting);
      signal?.addEventListener("abort", () => this.#waiting.delete(waiting) && reject(signal.reason), { once: true });
      this.#deliver(waiting);
      this.emit("change", undefined);
    });
  }

  /** Reads up to `limit` older messages. */
  async older(limit = 100): Promise<void> {
    const page = await this.#call("chat.history", { before: this.#messages[0]?.seq, limit });
    this.#more = page.more === true;
    this.#merge(page.messages as Params[]);
  }

  /** For the session: reads what was missed, then sends what waits. */
  async load(): Promise<void> {
    const last = this.#messages.at(-1)?.seq ?? 0;
    for (let before: number | undefined, pages = 0; ; pages++) {
      const page = await this.#call("chat.history", { before, limit: this.#loaded ? 200 : 50 });
      const messages = page.messages as Params[];
      const oldest = Number(messages.at(-1)?.seq ?? 0);
      if (this.#loaded && pages === 4 && oldest > last + 1) this.#messages = []; // too far behind: begin with the newest
      this.#merge(messages);
      if (!this.#loaded || pages === 4) this.#more = page.more === true;
      if (!this.#loaded || messages.length === 0 || oldest <= last + 1 || pages === 4) break;
      before = oldest;
    }
    this.#loaded = true;
    for (const waiting of this.#waiting) this.#deliver(waiting);
  }

  /** For the session: `chat.posted`. */
  note(params: Params): void {
    const message = messageOf(params);
    if (this.#merge([params])) this.emit("message", message);
  }

  /** For the session: it is over. */
  close(error: Error): void {
    for (const waiting of this.#waiting) waiting.reject(error);
    this.#waiting.clear();
  }

  #deliver(waiting: Waiting): void {
    if (waiting.busy) return;
    waiting.busy = true;
    this.#call("chat.send", waiting.params).then(
      (stored) => {
        if (!this.#waiting.delete(waiting)) return;
        this.#merge([stored]);
        waiting.resolve(messageOf(stored));
      },
      (error: unknown) => {
        waiting.busy = false;
        if (error instanceof OfflineError || !this.#waiting.delete(waiting)) return; // load() sends it again
        waiting.reject(error);
        this.emit("change", undefined);
      },
    );
  }

  #merge(values: Params[]): boolean {
    const known = new Set(this.#messages.map((message) => message.seq));
    const fresh = values.map(messageOf).filter((message) => !known.has(message.seq));
    if (fresh.length > 0) {
      this.#messages = [...this.#messages, ...fresh].sort((a, b) => a.seq - b.seq);
      if (this.#messages.length > keptMax) {
        this.#messages = this.#messages.slice(-keptMax);
        this.#more = true;
      }
    }
    this.emit("change", undefined);
    return fresh.length > 0;
  }
}

/* crypto.randomUUID exists in browsers only behind https or on localhost. */
function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
