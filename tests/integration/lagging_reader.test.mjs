// lagging_reader.test.mjs — a reader that was too slow and reads on: updates were dropped for it, one diff brings them, and whatever else
// it was owed meanwhile has come, too.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as Y from 'yjs';
import { stand } from './support/ground.mjs';
import { Metrics } from './support/metrics.mjs';
import { until } from './support/wait.mjs';

const ground = await stand({ 'outbox-soft-bytes': 1 << 17, 'outbox-stall-ms': 600_000 });
const PIECE = 'x'.repeat(64 * 1024);
const STATE_VECTOR = 6;

const linesOf = (word) => ground.server.log.split('\n').filter((line) => line.includes(word)).length;

// Grows the document at `index` until `done`, then by as much again: more than is kept for a slow reader.
async function pour(replica, done) {
    let pieces = 0;
    const one = async () => {
        replica.insert(0, PIECE);
        replica.delete(0, PIECE.length - 1); // a character of each stays
        await replica.saved();
        pieces++;
    };
    while (!done()) {
        assert.ok(pieces < 2000, 'the kernel takes everything');
        await one();
    }
    for (const rest = pieces; pieces < 2 * rest;) await one();
    return pieces;
}

// Two people who write, one who stands still until the server has found it behind.
async function fallBehind(path, text = '!') {
    const { owner, guest } = await ground.pair();
    const slow = await ground.guest(owner, 'Slow');
    const mine = await owner.create(path);
    const theirs = await guest.open(path);
    const late = await slow.open(path);
    mine.insert(0, text);
    await late.sees(text);
    await theirs.sees(text);
    const before = linesOf('reader.behind');
    let heard = 0;
    const { onUpdate } = late; // all that comes: the document's own event tells only what is new
    late.onUpdate = (update) => ((heard += update.length), onUpdate.call(late, update));
    slow.socket.pause();
    return { owner, guest, slow, mine, theirs, late, heard: () => heard, pour: () => pour(mine, () => linesOf('reader.behind') > before) };
}

test('it catches up by one diff, without what was dropped', async () => {
    const { slow, mine, late, theirs, heard, pour } = await fallBehind('a.md');
    const pieces = await pour();

    slow.socket.resume();

    const expected = `${'x'.repeat(pieces)}!`;
    await late.sees(expected);
    await theirs.sees(expected);
    assert.ok(heard() < 0.75 * pieces * PIECE.length, `of ${pieces} pieces ${heard()} bytes came`);
    mine.insert(0, 'live again ');
    await late.sees(`live again ${expected}`);
});

test('of a text that it had before nothing comes again', async () => {
    const text = 'y'.repeat(4 << 20);
    const { slow, mine, late, heard, pour } = await fallBehind('before.md', text);
    const pieces = await pour();

    slow.socket.resume();
    mine.insert(0, 'live again ');

    await late.sees(`live again ${'x'.repeat(pieces)}${text}`);
    assert.ok(heard() < pieces / 2 * PIECE.length + text.length / 2, `of ${pieces} pieces ${heard()} bytes came`);
});

test('who asks for everything again and again, and does not read, gets it once or twice', async () => {
    const text = 'y'.repeat(8 << 20); // more than the kernel takes
    const { slow, owner, mine, late, heard } = await fallBehind('again.md', text);
    const before = await Metrics.of(ground.server);

    for (let i = 0; i < 50; i++) slow.sendValue([STATE_VECTOR, late.doc, Uint8Array.of(0)]);
    await until('the server has them', async () => (await Metrics.of(ground.server)).since(before, 'vibesync_messages_total') >= 50);
    await owner.request('session.participants');
    slow.socket.resume();
    await slow.request('session.participants');
    mine.insert(0, 'live again ');

    await late.sees(`live again ${text}`);
    assert.ok(heard() > text.length && heard() < 4 * text.length, `${heard()} bytes came`);
});

test('two documents in which it was behind come, one after the other', async () => {
    const { owner, slow, mine, late, pour } = await fallBehind('first.md');
    slow.socket.resume();
    const other = await owner.create('second.md');
    const there = await slow.open('second.md');
    slow.socket.pause();
    const pieces = await pour();
    const before = linesOf('reader.behind');
    other.insert(0, 'the other');
    await until('it is behind in both', () => linesOf('reader.behind') > before);

    slow.socket.resume();

    await there.sees('the other');
    await late.sees(`${'x'.repeat(pieces)}!`);
});

test('it types, asks and moves its cursor meanwhile: all is acknowledged, answered and shown', async () => {
    const { owner, slow, guest, mine, late, theirs, pour } = await fallBehind('b.md');
    const pieces = await pour();
    const vector = Y.encodeStateVector(late.ydoc);

    late.insert(late.text.length, ' and mine'); // it knows the text before it stood still
    slow.sendValue([STATE_VECTOR, late.doc, vector]);
    const asked = slow.request('session.participants', {});
    mine.insert(0, 'more ');
    const expected = `more ${'x'.repeat(pieces)}! and mine`;
    await theirs.sees(expected);
    await owner.request('session.participants'); // nothing of it holds anybody up
    slow.socket.resume();

    await asked;
    await late.saved();
    await late.sees(expected);
    theirs.insert(0, 'live again ');
    await late.sees(`live again ${expected}`);
    await mine.sees(`live again ${expected}`);
    await guest.leave();
});

test('a document that it opens while it is behind comes whole', async () => {
    const { owner, slow, mine, late, pour } = await fallBehind('c.md');
    const other = await owner.create('d.md');
    other.insert(0, 'the other');
    await other.saved();
    const pieces = await pour();

    const opening = slow.open('d.md');
    mine.insert(0, 'more ');
    await mine.saved();
    slow.socket.resume();

    await (await opening).sees('the other');
    await late.sees(`more ${'x'.repeat(pieces)}!`);
});

test('of presence it gets the newest state, and who has gone is gone', async () => {
    const { guest, owner, slow, mine, theirs, late, pour } = await fallBehind('e.md');
    const state = (client, clock, json) => {
        const bytes = Buffer.from(json);
        return Uint8Array.from([1, client, clock, bytes.length, ...bytes]);
    };
    const move = (replica, client, clock, json) => replica.participant.sendValue([5, replica.doc, state(client, clock, json)]);
    const shown = (replica, client) => replica.awareness.flatMap((update) => readStates(update)).filter((one) => one.client === client);
    const observer = await (await ground.guest(owner, 'Observer')).open('e.md');
    move(mine, 1, 1, '{"at":0}');
    move(theirs, 2, 1, '{"at":0}');
    await until('both are shown', () => shown(observer, 1).length && shown(observer, 2).length);
    await pour();

    for (let clock = 2; clock <= 100; clock++) {
        move(mine, 1, clock, `{"at":${clock}}`);
        await until('the others see it', () => shown(observer, 1).at(-1)?.clock === clock);
    }
    await guest.leave();
    await until('the others see it go', () => shown(observer, 2).at(-1)?.json === 'null');
    const before = late.awareness.length;
    slow.socket.resume();

    await until('it sees the newest state', () => shown(late, 1).at(-1)?.json === '{"at":100}');
    await until('and who has gone', () => shown(late, 2).at(-1)?.json === 'null');
    assert.ok(late.awareness.length - before < 50, `${late.awareness.length - before} ticks`);
});

function readStates(update) {
    let at = 0;
    const number = () => {
        let value = 0;
        for (let shift = 1; ; shift *= 128) {
            const byte = update[at++];
            value += (byte & 127) * shift;
            if (byte < 128) return value;
        }
    };
    const states = [];
    for (let left = number(); left > 0; left--) {
        const client = number(), clock = number(), size = number();
        states.push({ client, clock, json: Buffer.from(update.subarray(at, at + size)).toString() });
        at += size;
    }
    return states;
}
