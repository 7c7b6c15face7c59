// slow_reader.test.mjs — one client stops reading while the others write: it costs bounded memory, then its connection, and nobody else
// anything.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { stand } from './support/ground.mjs';
import { until } from './support/wait.mjs';

const ground = await stand({ 'outbox-soft-bytes': 1 << 18, 'outbox-bytes-max': 400_000, 'outbox-stall-ms': 4000 });

const PIECE = 'x'.repeat(64 * 1024);

// More than outbox and kernel together can hold, in pieces that come and go, so that the document itself stays small.
async function writeUntil(replica, done) {
    for (let i = 0; !done(); i++) {
        assert.ok(i < 2000, 'the kernel takes everything');
        replica.insert(6, PIECE);
        await replica.saved();
        replica.delete(6, PIECE.length);
        await replica.saved();
    }
}

test('a reader that stands still is closed with 4508 and comes back to the same text', async () => {
    const { owner, guest } = await ground.pair();
    const slow = await ground.guest(owner, 'Slow');
    const mine = await owner.create('big.md');
    const theirs = await guest.open('big.md');
    const late = await slow.open('big.md');
    mine.insert(0, 'begin ');
    await late.sees('begin ');

    slow.socket.pause();
    const before = ground.server.residentBytes();
    await writeUntil(mine, () => ground.server.log.includes('reader.behind'));
    await until('it has stood still for too long', () => ground.server.log.includes('outbox.full'));
    const grown = ground.server.residentBytes() - before;
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

test('what cannot be dropped for a slow reader has a hard limit', async () => {
    const { owner } = await ground.pair();
    const slow = await ground.guest(owner, 'Slow');
    const mine = await owner.create('chat.md');
    mine.insert(0, 'begin ');
    await (await slow.open('chat.md')).sees('begin ');
    ground.server.log = '';

    slow.socket.pause();
    await writeUntil(mine, () => ground.server.log.includes('reader.behind'));
    for (let i = 0; i < 10; i++)
        await owner.request('chat.send', { client_msg_id: randomUUID(), text: 'x'.repeat(16_000) });
    await until('the outbox was full', () => ground.server.log.includes('outbox.full'));
    slow.socket.resume();

    assert.equal((await slow.ended()).code, 4508);
});
