/* participants.ts — who is connected to the session. One person may be here several times. */
import { Events } from "./events.js";
import type { Call } from "./files.js";
import type { Params } from "./line.js";

export interface Participant {
  /** The connection: one number for each, never given twice by one boot of the server. */
  id: number;
  /** The person. */
  user: string;
  username: string;
  name: string;
  role: string;
  self: boolean;
}

export class Participants extends Events<{ change: void; left: Participant; joined: Participant }> {
  #people = new Map<number, Participant>();
  #self = 0;

  /** In the order of arrival. */
  get list(): Participant[] {
    return [...this.#people.values()].sort((a, b) => a.id - b.id);
  }
  get self(): Participant | undefined {
    return this.#people.get(this.#self);
  }

  /** For the session: the answer to `session.join`, and the pages that follow it. */
  async load(joined: Params, call: Call): Promise<void> {
    const user = joined.user as Record<string, unknown>;
    this.#people.clear();
    this.#self = Number(joined.participant);
    this.#put({ ...user, user: user.id, id: this.#self, role: joined.role });
    (joined.participants as unknown[]).forEach((value) => this.#put(value));
    let next = Number(joined.participants_next);
    this.emit("change", undefined);
    while (next > 0) {
      const page = await call("session.participants", { after: next, limit: 200 });
      (page.participants as unknown[]).forEach((value) => this.#put(value));
      next = Number(page.next);
      this.emit("change", undefined);
    }
  }

  /** For the session: `session.participant`. */
  note(params: Params): void {
    const participant = this.#put(params.participant);
    if (params.event === "left") {
      this.#people.delete(participant.id);
      this.emit("left", participant);
    } else if (params.event === "joined") {
      this.emit("joined", participant);
    }
    this.emit("change", undefined);
  }

  /** For the session: without a connection nobody is known to be here. */
  lost(): void {
    const self = this.self;
    this.#people.clear();
    if (self) this.#people.set(self.id, self);
    this.emit("change", undefined);
  }

  #put(value: unknown): Participant {
    const given = value as Record<string, unknown>;
    const participant: Participant = {
      id: Number(given.id),
      user: String(given.user),
      username: String(given.username),
      name: String(given.display_name),
      role: String(given.role),
      self: Number(given.id) === this.#self,
    };
    this.#people.set(participant.id, participant);
    return participant;
  }
}
