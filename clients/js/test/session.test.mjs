/* Two and more real clients on the real server with a real PostgreSQL. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ClosedError, ExistsError, InvalidError, join, NotFoundError, OfflineError, PermissionError, VibesyncError } from "../dist/index.js";
import { connect, enter, people, startServer, until } from "./support.mjs";

let server;
before(async () => void (server = await startServer()));
after(() => server.stop());

test("a code becomes a seat; a wrong one is an error with a class", async () => {
  const made = await server.createSession("Räume");

  const seat = await join({ url: server.url, code: made.code.toLowerCase(), name: "Grace" });

  assert.equal(seat.session, made.session);
  assert.equal(seat.name, "Räume");
  await assert.rejects(join({ url: server.url, code: "00000000", name: "Grace" }), NotFoundError);
  await assert.rejects(join({ url: "http://127.0.0.1:1", code: "00000000", name: "Grace" }), OfflineError);
});

test("who joins knows user, role, rights, files and the others", async (t) => {
  const { sessions } = await people(t, server, 2);
  const [owner, guest] = sessions;

  assert.equal(owner.user.name, "Owner");
  assert.equal(owner.role, "owner");
  assert.ok(guest.may("write") && guest.may("chat") && !guest.may("administer"));
  assert.ok(guest.limits.message_bytes > 0);
  assert.deepEqual(guest.files.list, []);
  await until(() => owner.participants.list.length === 2 && guest.participants.list.length === 2);
  assert.deepEqual(guest.participants.list.map((one) => [one.name, one.self]), [["Owner", false], ["Guest 1", true]]);

  guest.close();
  await until(() => owner.participants.list.length === 1);
});

test("files made, renamed and deleted are in everybody's list", async (t) => {
  const { sessions: [a, b] } = await people(t, server, 2);

  const file = await a.files.create("src/main.py");
  await until(() => b.files.find("src/main.py"));
  await assert.rejects(b.files.create("src/main.py"), ExistsError);
  await b.files.rename(file.id, "src/app.py");
  await until(() => a.files.find("src/app.py") && !a.files.find("src/main.py"));
  await a.files.delete(file.id);
  await until(() => b.files.list.length === 0);
  await assert.rejects(b.open("src/app.py"), NotFoundError);
});

test("two people type at once and have the same text, durably", async (t) => {
  const { made, sessions: [a, b] } = await people(t, server, 2);
  const file = await a.files.create("a.txt");
  const [first, second] = await Promise.all([a.open("a.txt"), b.open({ file: file.id })]);
  assert.equal(first.state, "synced");

  for (let i = 0; i < 300; i++) {
    first.text.insert(first.text.length, "a");
    second.text.insert(0, "한");
    if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(first.state, "saving");
  await Promise.all([first.saved(), second.saved()]);

  await until(() => first.text.toString() === second.text.toString());
  assert.equal(first.text.length, 600);
  assert.equal(first.state, "saved");
  assert.equal(a.state, "saved");
  const rows = await server.sql(`select count(*) from files where session_id = '${made.session}'`);
  assert.equal(rows, "1");
});

test("cursors of one are seen by the other, and go with him", async (t) => {
  const { sessions: [a, b] } = await people(t, server, 2);
  await a.files.create("c.txt");
  const [first, second] = await Promise.all([a.open("c.txt"), b.open("c.txt")]);

  first.awareness.setLocalStateField("cursor", { anchor: 1, head: 2 });
  a.awareness.setLocalState({ file: first.file });

  await until(() => [...second.awareness.getStates().values()].some((state) => state.cursor?.head === 2));
  await until(() => [...b.awareness.getStates().values()].some((state) => state.file === first.file));
  a.close();
  await until(() => second.awareness.getStates().size === 1 && b.awareness.getStates().size === 1);
});

test("chat is stored, ordered, and read back by who comes later", async (t) => {
  const { made, sessions: [a, b] } = await people(t, server, 2);

  const sent = await a.chat.send("hello 👩‍👩‍👧");
  await until(() => b.chat.messages.length === 1);
  await b.chat.send("hi", { replyTo: sent.id });
  const late = await enter(t, server, made.session, (await join({ url: server.url, code: made.code, name: "Late" })).token);

  assert.deepEqual(late.chat.messages.map((one) => [one.seq, one.text, one.replyTo]), [[1, "hello 👩‍👩‍👧", null], [2, "hi", sent.id]]);
  await assert.rejects(a.chat.send("x".repeat(20_000)), InvalidError);
});

test("an aborted call rejects with the signal's reason, and so does an aborted connect", async (t) => {
  const { sessions: [a] } = await people(t, server, 1);
  const reason = new Error("enough");

  await assert.rejects(a.call("file.list", {}, { signal: AbortSignal.abort(reason) }), reason);
  await assert.rejects(a.open("nothing", { signal: AbortSignal.abort(reason) }), reason);
  const controller = new AbortController();
  const attempts = [];
  const connecting = connect({
    url: "http://127.0.0.1:1",
    session: a.id,
    credential: "x",
    signal: controller.signal,
    onRetry: (error, pause) => attempts.push([error, pause]) && attempts.length === 2 && controller.abort(reason),
  });
  await assert.rejects(connecting, reason);
  assert.ok(attempts[0][0] instanceof OfflineError && attempts[1][1] >= 250);
});

test("a wrong credential is permanent", async (t) => {
  const { made } = await people(t, server, 0);

  await assert.rejects(connect({ url: server.url, session: made.session, credential: "wrong" }), (error) => {
    assert.ok(error instanceof ClosedError && error.closeCode === 4401 && error.retry === "join", String(error));
    return true;
  });
});

test("a token that is about to end is renewed, told, and good for the next time", async (t) => {
  const { made } = await people(t, server, 0);
  const seat = await join({ url: server.url, code: made.code, name: "Grace" });
  await server.sql(`update access_tokens set created_at = now() - interval '1 hour', expires_at = now() + interval '50 s' where user_id = '${seat.user}'`);

  const session = await enter(t, server, made.session, seat.token);
  let renewed = null;
  session.on("token", (token) => (renewed = token));
  await until(() => renewed, "a new token");

  assert.notEqual(renewed, seat.token);
  const again = await enter(t, server, made.session, renewed);
  assert.equal(again.user.id, seat.user);
});

test("an unknown method is an error, and the connection goes on", async (t) => {
  const { sessions: [a] } = await people(t, server, 1);

  await assert.rejects(a.call("chat.sing"), (error) => error instanceof VibesyncError && error.code === "method_not_found");
  await a.files.create("still-here.txt");
});

test("a viewer reads; what he types is kept and offered, never sent", async (t) => {
  const { made, sessions: [owner] } = await people(t, server, 1);
  const seat = await join({ url: server.url, code: made.code, name: "Viewer" });
  await server.sql(`insert into session_participants (session_id, user_id, role) values ('${made.session}', '${seat.user}', 'viewer')
    on conflict (session_id, user_id) do update set role = 'viewer'`);
  const viewer = await enter(t, server, made.session, seat.token);
  await owner.files.create("v.txt");
  const written = await owner.open("v.txt");
  written.text.insert(0, "read me");
  const read = await viewer.open("v.txt");

  await until(() => read.text.toString() === "read me");
  assert.equal(read.state, "read-only");
  await assert.rejects(viewer.files.create("w.txt"), PermissionError);

  read.text.insert(0, "never ");
  assert.ok(read.unsaved);
  viewer.close();
  await written.saved();
  assert.equal(written.text.toString(), "read me");
});

test("a deleted file stops its documents and keeps what was not saved", async (t) => {
  const { sessions: [a, b] } = await people(t, server, 2);
  const file = await a.files.create("gone.txt");
  const document = await a.open("gone.txt");
  document.text.insert(0, "kept");
  await document.saved();

  await b.files.delete(file.id);
  await until(() => document.stopped);

  assert.equal(document.stopped.reason, "deleted");
  assert.equal(document.stopped.text, "kept");
  assert.equal(document.state, "stopped");
  const copy = await document.saveCopy("copy.txt");
  await copy.saved();
  assert.equal((await b.open("copy.txt")).text.toString(), "kept");
});

test("a refused edit stops the document: what was typed is offered, what the server has is untouched", async (t) => {
  const small = await startServer({ settings: ["--document-bytes-max", "65536"] });
  t.after(() => small.stop());
  const { sessions: [a, b] } = await people(t, small, 2);
  await a.files.create("r.txt");
  const [document, other] = await Promise.all([a.open("r.txt"), b.open("r.txt")]);
  document.text.insert(0, "saved ");
  await document.saved();

  document.text.insert(6, "x".repeat(70_000));
  document.text.insert(0, "and more ");
  await until(() => document.stopped);

  assert.equal(document.stopped.reason, "limit");
  assert.equal(a.state, "stopped");
  assert.equal(document.stopped.unsent, "and more " + "x".repeat(70_000));
  assert.equal(document.stopped.text.length, 70_015);
  await assert.rejects(document.saved());
  const fresh = await document.reopen();
  assert.equal(fresh.text.toString(), "saved ");
  assert.equal(other.text.toString(), "saved ");
  fresh.text.insert(0, "still ");
  await fresh.saved();
});
