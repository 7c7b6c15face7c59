/* Connections that end: killed servers, drains, other epochs. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { OfflineError } from "../dist/index.js";
import { backoff, decideClose } from "../dist/retry.js";
import { enter, people, startServer, until } from "./support.mjs";

let server;
before(async () => void (server = await startServer()));
after(() => server.stop());

test("close codes are read by band", () => {
  for (const code of [4400, 4401, 4403, 4404, 4405, 4410, 4499, 1002, 1003, 1009]) assert.equal(decideClose(code), "never", String(code));
  for (const code of [4503, 4508, 4529, 4599, 1006, 1011, 1013]) assert.equal(decideClose(code), "later", String(code));
  assert.equal(decideClose(1001), "at once");
});

test("pauses double to 30 s and are half chance", () => {
  assert.deepEqual([0, 1, 2, 7, 50].map((n) => backoff(n, 1)), [250, 500, 1000, 30_000, 30_000]);
  assert.equal(backoff(2, 0), 500);
});

test("a server killed while two people type: both go on, nothing acknowledged is lost, nothing typed is lost", async (t) => {
  const { sessions: [a, b] } = await people(t, server, 2);
  await a.files.create("k.txt");
  const [first, second] = await Promise.all([a.open("k.txt"), b.open("k.txt")]);
  first.text.insert(0, "before ");
  await first.saved();
  await until(() => second.text.toString() === "before "); // else what the other types may stand before it

  for (let i = 0; i < 50; i++) first.text.insert(first.text.length, "x");
  const killed = server.kill();
  for (let i = 0; i < 50; i++) second.text.insert(second.text.length, "y");
  await killed;
  await until(() => first.state === "offline" && second.state === "offline" && a.state === "offline");
  first.text.insert(0, "offline ");
  assert.ok(first.unsaved);
  await assert.rejects(a.files.create("not-now.txt"), OfflineError);
  const chat = a.chat.send("written offline");
  await server.start();
  a.resume();
  b.resume();
  await Promise.all([first.saved(), second.saved()]);

  await until(() => first.text.toString() === second.text.toString());
  const text = first.text.toString();
  assert.ok(text.startsWith("offline before "), text);
  assert.equal(text.replace(/[^x]/g, "").length, 50);
  assert.equal(text.replace(/[^y]/g, "").length, 50);
  assert.equal((await chat).text, "written offline");
  await until(() => b.chat.messages.length === 1 && a.participants.list.length === 2);
});

test("the session says at once that an edit made offline is not saved", async (t) => {
  const { sessions: [a] } = await people(t, server, 1);
  await a.files.create("first.txt");
  const document = await a.open("first.txt");
  await server.kill();
  await until(() => a.state === "offline");
  const said = [];
  a.on("state", (state) => said.push([state, a.unsaved]));

  document.text.insert(0, "mine");

  assert.deepEqual(said, [["offline", true]]);
  await server.start();
  a.resume();
  await document.saved();
  assert.deepEqual(said.at(-1), ["saved", false]);
});

test("what was deleted offline is deleted for everybody", async (t) => {
  const { sessions: [a, b] } = await people(t, server, 2);
  await a.files.create("d.txt");
  const [first, second] = await Promise.all([a.open("d.txt"), b.open("d.txt")]);
  first.text.insert(0, "one two three");
  await first.saved();
  await until(() => second.text.length === 13);

  await server.kill();
  await until(() => first.state === "offline");
  first.text.delete(4, 4);
  await server.start();

  await first.saved();
  await until(() => second.text.toString() === "one three");
});

test("files and messages of others, missed while away, are there after coming back", async (t) => {
  const { sessions: [a, b] } = await people(t, server, 2);
  await a.chat.send("one");
  await until(() => b.chat.messages.length === 1);
  const made = await a.files.create("old.txt");

  await server.kill();
  await until(() => b.state === "offline");
  await server.start();
  a.resume();
  await until(() => a.state !== "offline" && a.state !== "connecting");
  await a.files.rename(made.id, "new.txt");
  await a.chat.send("two");

  await until(() => b.files.find("new.txt") && !b.files.find("old.txt"));
  await until(() => b.chat.messages.map((one) => one.text).join() === "one,two");
});

test("a drained server is left at once and found again", async (t) => {
  const { sessions: [a] } = await people(t, server, 1);
  await a.files.create("s.txt");
  const document = await a.open("s.txt");
  document.text.insert(0, "drained");
  await document.saved();

  server.child.kill("SIGTERM");
  await server.ended;
  await server.start();

  await until(() => a.state === "saved");
  document.text.insert(0, "not ");
  await document.saved();
  const again = await document.reopen();
  assert.equal(again.text.toString(), "not drained");
});

test("a drained server says when to come back, and that is kept", async (t) => {
  const pauses = [];
  const { made } = await people(t, server, 0);
  const rooms = await Promise.all([1, 2].map(() => enter(t, server, made.session, made.token, { onRetry: (error, pause) => pauses.push({ error, pause }) })));

  server.child.kill("SIGTERM");
  await server.ended;
  await until(() => pauses.length >= rooms.length);
  await server.start();

  for (const { error, pause } of pauses.slice(0, rooms.length)) {
    assert.equal(error.code, "unavailable");
    assert.ok(Number.isInteger(error.data.after_ms) && pause >= error.data.after_ms, `${pause} ms`);
  }
  await until(() => rooms.every((room) => room.state === "synced"));
});

test("another epoch: the replica stops, its text is offered, nothing is merged", async (t) => {
  const { sessions: [a] } = await people(t, server, 1);
  const file = await a.files.create("e.txt");
  const document = await a.open("e.txt");
  document.text.insert(0, "shared ");
  await document.saved();

  await server.kill();
  await until(() => document.state === "offline");
  document.text.insert(7, "mine");
  await server.sql(`update files set epoch = epoch + 1 where id = '${file.id}'`);
  await server.start();
  await until(() => document.stopped);

  assert.equal(document.stopped.reason, "epoch_mismatch");
  assert.equal(document.stopped.text, "shared mine");
  assert.equal(document.stopped.unsent, "mine");
  const theirs = await document.reopen();
  assert.equal(theirs.text.toString(), "", "the new history began empty");
  theirs.text.insert(0, document.stopped.text);
  await theirs.saved();
});
