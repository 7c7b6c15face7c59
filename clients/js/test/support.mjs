/* What the tests share: one real server for a file of tests, and clients that join it. */
import { setTimeout as sleep } from "node:timers/promises";
import { connect, createSession, join } from "../dist/index.js";
import { startServer } from "../../../tests/support/server.mjs";

export { startServer };

/** A session with `count` people in it, the owner first. `t.after` ends them. */
export async function people(t, server, count, more = {}) {
  const made = await server.createSession("room", more);
  const sessions = [];
  for (let i = 0; i < count; i++) {
    const seat = i === 0 ? made : await join({ url: server.url, code: made.code, name: `Guest ${i}` });
    sessions.push(await enter(t, server, made.session, seat.token));
  }
  return { made, sessions };
}

export async function enter(t, server, session, token, options = {}) {
  const entered = await connect({ url: server.url, session, credential: token, ...options });
  t.after(() => entered.close());
  return entered;
}

/** Waits for a state, not for a time: resolves when `holds` is true, fails with the state that is there instead. */
export async function until(holds, what = String(holds), limitMs = 60_000) {
  const end = Date.now() + limitMs;
  for (;;) {
    const value = await holds();
    if (value) return value;
    if (Date.now() > end) throw new Error(`never: ${what}`);
    await sleep(10);
  }
}

export { connect, createSession, join };
