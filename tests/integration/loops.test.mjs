// loops.test.mjs — several loops in one process: whoever comes for a session finds the loop that it lives on, sessions are placed by load,
// and loops share nothing that a thread could trip over: with `--long` this runs under ThreadSanitizer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stand } from './support/ground.mjs';
import { Metrics } from './support/metrics.mjs';
import { Random, seedOfThisRun } from './support/random.mjs';
import { frame, RawSocket } from './support/raw.mjs';
import { until } from './support/wait.mjs';

const LOOPS = 4, SECONDS = Number(process.env.VIBESYNC_LOOPS_S ?? (process.env.VIBESYNC_LONG === '1' ? 60 : 5));
const seed = seedOfThisRun();
const ground = await stand({ loops: LOOPS, 'evict-idle-ms': 100, 'checkpoint-idle-ms': 100, 'frames-per-second': 10_000_000 });
const { server } = ground;

// The loops on which a session was opened, in order.
const loopsOf = (session) => [...server.log.matchAll(new RegExp(`session\\.opened session=${session} loop=(\\d+)`, 'g'))].map((m) => Number(m[1]));

test('who comes at the same instant for a new session meets the others there', async () => {
    for (let round = 0; round < 10; round++) {
        const session = await server.createSession();
        const people = await Promise.all(Array.from({ length: 20 }, () => RawSocket.join(server, session)));
        people[0].sendValue([0, 5, 'session.participants', [{ limit: 200 }]]);
        const [, , , page] = await people[0].answer(5);
        assert.equal(page.participants.length, 20);
        assert.equal(loopsOf(session.session).length, 1);
        for (const raw of people) raw.end();
    }
});

test('sessions are spread over all loops', async () => {
    const used = new Set();
    const open = [];
    await until('every loop has one', async () => {
        const session = await server.createSession();
        open.push(await RawSocket.join(server, session));
        used.add(loopsOf(session.session)[0]);
        return used.size === LOOPS;
    });
    for (const raw of open) raw.end();
});

test('a loop that has much to do gets no new session', async () => {
    const busy = await server.createSession();
    const noisy = await RawSocket.join(server, busy);
    const noise = Buffer.concat(Array.from({ length: 10_000 }, () => frame(Buffer.alloc(0), { opcode: 10 })));
    let on = true;
    const pump = () => on && noisy.socket.write(noise, () => setImmediate(pump));
    pump();
    await new Promise((resolve) => setTimeout(resolve, 3000)); // loops tell each other once a second
    const open = [], loops = [];
    for (let i = 0; i < 20; i++) {
        const session = await server.createSession();
        open.push(await RawSocket.join(server, session));
        loops.push(loopsOf(session.session)[0]);
    }
    on = false;
    const [loop] = loopsOf(busy.session);
    assert.ok(!loops.includes(loop), `the busy one is ${loop}; new ones: ${loops.join(' ')}`);
    for (const raw of [...open, noisy]) raw.end();
});

test('a session that has left memory is placed anew, and is as it was', async () => {
    const owner = await ground.owner();
    const replica = await owner.create('stays.md');
    replica.insert(0, 'as it was');
    await replica.saved();
    await owner.leave();
    await until('it has left', () => server.log.includes(`session.closed session=${owner.session.session}`));
    const again = await ground.join(owner.session);
    await (await again.open('stays.md')).sees('as it was');
    assert.equal(loopsOf(owner.session.session).length, 2);
    await again.leave();
});

test(`people join, type, leave and ask by HTTP for ${SECONDS} s, all at once (VIBESYNC_SEED=${seed})`, async (t) => {
    const random = new Random(seed);
    const sessions = await Promise.all(Array.from({ length: 6 }, () => server.createSession({ max_participants: 50 })));
    const end = performance.now() + SECONDS * 1000;
    const counts = { visits: 0, calls: 0, drops: 0 };
    const inserted = new Map(sessions.map(({ session }) => [session, 0]));

    const visitor = async () => {
        while (performance.now() < end) {
            const session = random.pick(sessions);
            const person = await ground.join(session);
            ground.participants.splice(ground.participants.indexOf(person), 1); // it leaves by itself
            const replica = await person.open('storm.md').catch((error) => {
                if (error.code !== 'not_found') throw error;
                return person.create('storm.md').catch((e) => (assert.equal(e.code, 'exists'), person.open('storm.md')));
            });
            for (let n = random.between(1, 20); n > 0; n--) {
                replica.insert(random.between(0, replica.ytext.length + 1), 'x');
                inserted.set(session.session, inserted.get(session.session) + 1);
            }
            await replica.saved();
            if (random.unit() < 0.5) await person.leave();
            else {
                person.socket.terminate();
                await person.ended();
            }
            assert.deepEqual(person.failures, []);
            counts.visits++;
        }
    };
    const caller = async () => {
        while (performance.now() < end) {
            const what = random.between(0, 4);
            if (what === 0) assert.ok((await Metrics.of(server)).get('vibesync_loops') === LOOPS);
            else if (what === 1) assert.equal((await server.get('/readyz')).status, 200);
            else if (what === 2) assert.ok([404, 429].includes((await server.post('/v1/join', { code: 'ABCD2345', name: 'x' })).status));
            else assert.ok((await server.createSession()).session);
            counts.calls++;
        }
    };
    // Comes for a session and goes before it has joined: the session is placed and forgotten while others come for it.
    const dropper = async () => {
        const stranger = '01932c07-209c-7f3a-8c11-5d1b2a9e4c77';
        while (performance.now() < end) {
            const raw = await RawSocket.upgrade(server, random.unit() < 0.7 ? stranger : random.pick(sessions).session);
            if (random.unit() < 0.5) await new Promise((resolve) => setTimeout(resolve, random.between(0, 20)));
            raw.end();
            counts.drops++;
        }
    };
    await Promise.all([...Array.from({ length: 8 }, visitor), ...Array.from({ length: 3 }, caller), ...Array.from({ length: 4 }, dropper)]);
    t.diagnostic(JSON.stringify(counts));
    for (const session of sessions.filter(({ session }) => inserted.get(session) > 0)) {
        const person = await ground.join(session);
        const replica = await person.open('storm.md');
        await until('every letter is there', () => replica.text.length === inserted.get(session.session));
        await person.leave();
    }
    assert.ok(counts.visits > 0 && counts.calls > 0 && counts.drops > 0);
});
