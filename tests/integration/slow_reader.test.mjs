// slow_reader.test.mjs — one client stops reading while the others write: it costs bounded memory, then its connection, and nobody else
// anything.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { stand } from './support/ground.mjs';
import { until } from './support/wait.mjs';

const OUTBOX_BYTES_MAX = 1 << 20;
const ground = await stand({ 'outbox-bytes-max': OUTBOX_BYTES_MAX });

const rssBytes = () => 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${ground.server.child.pid}/status`, 'utf8'))[1]);

test('a reader that stands still is closed with 4508 and comes back to the same text', async () => {
    const { owner, guest } = await ground.pair();
    const slow = await ground.guest(owner, 'Slow');
    const mine = await owner.create('big.md');
    const theirs = await guest.open('big.md');
    const late = await slow.open('big.md');
    mine.insert(0, 'begin ');
    await late.sees('begin ');

    slow.socket.pause();
    // More than outbox and kernel together can hold, in pieces that come and go, so that the document itself stays small.
    const piece = 'x'.repeat(64 * 1024);
    const before = rssBytes();
    for (let i = 0; !ground.server.log.includes('outbox.full'); i++) {
        assert.ok(i < 2000, 'the outbox was never full');
        mine.insert(6, piece);
        await mine.saved();
        mine.delete(6, piece.length);
        await mine.saved();
    }
    const grown = rssBytes() - before;
    slow.socket.resume();

    const close = await slow.ended();
    assert.deepEqual([close.code, close.reason], [4508, 'reads slower than the session writes']);
    assert.ok(grown < 256 << 20, `the server grew by ${grown} bytes`);
    mine.insert(6, 'and end');
    await theirs.sees('begin and end');
    await until('the others are told that it left', () =>
        guest.notifications.some((n) => n.method === 'session.participant' && n.params.event === 'left'));

    await slow.resume();
    await late.sees('begin and end');
});
