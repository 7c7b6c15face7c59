// keystroke_cost.release.test.mjs — what one keystroke asks of the machine, counted: ARCHITECTURE.md, "What a keystroke costs". Counts, not
// times: they do not depend on how busy the machine is. Release only: a sanitizer has an allocator of its own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { stand } from './support/ground.mjs';
import { until } from './support/wait.mjs';

const KEYSTROKES = 200;
const ground = await stand({ loops: 1, 'presence-ms': 600_000, 'checkpoint-idle-ms': 86_400_000, 'retention-ms': 86_400_000 }, { shim: true });

// Calls per keystroke in a room with so many readers: one keystroke at a time, each shown everywhere and durable before the next.
async function costWith(readerCount) {
    const owner = await ground.owner({ max_participants: 100 });
    const mine = await owner.create('a.md');
    const readers = [];
    for (let i = 0; i < readerCount; i++) readers.push(await (await ground.guest(owner, `Reader ${i}`)).open('a.md'));
    const type = async (count) => {
        for (let i = 0; i < count; i++) {
            mine.insert(mine.text.length, 'x');
            await until('it is shown and saved', () => mine.acked >= mine.sent.length && readers.every((r) => r.text.length === mine.text.length));
        }
    };
    await type(20);
    const before = ground.shim.calls;
    await type(KEYSTROKES);
    const after = ground.shim.calls;
    for (const { participant } of readers) await participant.leave();
    await owner.leave();
    return Object.fromEntries(Object.keys(after).map((name) => [name, (after[name] - before[name]) / KEYSTROKES]));
}

test('a delivery is one send and nothing else', async (t) => {
    const few = await costWith(2);
    const many = await costWith(42);
    const perDelivery = Object.fromEntries(Object.keys(few).map((name) => [name, (many[name] - few[name]) / 40]));
    t.diagnostic(`a keystroke with 2 readers: ${JSON.stringify(few)}; each further delivery: ${JSON.stringify(perDelivery)}`);

    // A twentieth of a call per delivery is for what goes on beside: pings, ticks of the session.
    assert.ok(perDelivery.sends > 0.95 && perDelivery.sends < 1.05, `${perDelivery.sends} sends per delivery`);
    assert.ok(perDelivery.allocations < 0.05, `${perDelivery.allocations} allocations per delivery`);
    assert.ok(perDelivery.receives < 0.05, `${perDelivery.receives} receives per delivery`);
    // The keystroke itself: one recv, the two deliveries and the ack; frame, journal row and its bytes, the ack, the commit's command.
    assert.ok(few.receives < 1.5, `${few.receives} receives`);
    assert.ok(few.sends < 4, `${few.sends} sends`);
    assert.ok(few.allocations < 12, `${few.allocations} allocations`);
});

test('an ack goes with the next delivery, and alone when there is none', async (t) => {
    const owner = await ground.owner();
    const mine = await owner.create('both.md');
    const theirs = await (await ground.guest(owner, 'Second')).open('both.md');
    const both = [mine, theirs];
    const type = async (count) => {
        for (let i = 0; i < count; i++) {
            for (const replica of both) {
                replica.insert(0, 'x');
                await until('it is shown', () => mine.text.length === theirs.text.length);
                await sleep(5); // time for the commit, whose ack then waits; a slower one makes fewer sends, never more
            }
        }
        await until('all is saved', () => both.every((replica) => replica.acked >= replica.sent.length));
    };
    await type(10);
    const before = ground.shim.calls;
    await type(100);
    const after = ground.shim.calls;

    const sends = (after.sends - before.sends) / 200;
    t.diagnostic(`a keystroke of one of two who type: ${sends} sends`);
    assert.ok(sends < 1.3, `${sends} sends: the delivery, and the ack of the other's last keystroke with it`);
});
