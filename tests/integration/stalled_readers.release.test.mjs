// stalled_readers.release.test.mjs — twenty of thirty never read: the others converge, and what the twenty cost is bounded.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stand } from './support/ground.mjs';
import { until } from './support/wait.mjs';

const READERS = 9, STALLED = 20, SOFT = 1 << 17;
const PIECE = 'x'.repeat(64 * 1024);

// They are never closed: what bounds them is the soft limit alone.
const ground = await stand({ 'outbox-soft-bytes': SOFT, 'outbox-bytes-max': 1 << 30, 'outbox-stall-ms': 600_000 }, { shim: true });

test('what is kept for twenty who never read does not grow with what is written', async () => {
    const owner = await ground.owner({ max_participants: 40 });
    const mine = await owner.create('a.md');
    const readers = [], stalled = [];
    for (let i = 0; i < READERS; i++) readers.push(await (await ground.guest(owner, `Reader ${i}`)).open('a.md'));
    for (let i = 0; i < STALLED; i++) stalled.push(await (await ground.guest(owner, `Stalled ${i}`)).open('a.md'));
    const write = async () => {
        mine.insert(0, PIECE);
        mine.delete(0, PIECE.length - 1);
        await mine.saved();
    };
    mine.insert(0, '!');
    for (const replica of [...readers, ...stalled]) await replica.sees('!');
    for (const { participant } of stalled) participant.socket.pause();

    const behind = () => new Set(ground.server.log.matchAll(/reader\.behind.*connection=(\d+)/g).map((match) => match[1])).size;
    for (let i = 0; behind() < STALLED; i++) {
        assert.ok(i < 2000, 'the kernel takes everything');
        await write();
    }
    const before = await ground.shim.bytesInUse();
    for (let i = 0; i < 512; i++) await write(); // 32 MB, if they were kept; shared by all twenty
    const grown = (await ground.shim.bytesInUse()) - before;

    const { text } = mine;
    for (const replica of readers) await replica.sees(text);
    assert.ok(grown < 8 << 20, `the server grew by ${grown} bytes`);
    assert.ok(!ground.server.log.includes('connection.closing'), 'nobody is cut off');
    for (const { participant } of stalled) participant.socket.resume();
    await until('all have the same text', () => stalled.every((replica) => replica.text === text), 60_000);
});
