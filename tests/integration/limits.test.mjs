// limits.test.mjs — who takes too much, slowly or fast, is bounded by the limit that docs/limits.md names, is counted there, and disturbs nobody.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import * as Y from 'yjs';
import { allLeave, yws } from './support/doors.mjs';
import { stand } from './support/ground.mjs';
import { Metrics } from './support/metrics.mjs';
import { frame, RawSocket } from './support/raw.mjs';
import { until } from './support/wait.mjs';

const HTTP_CONNECTIONS = 40, UNJOINED = 10, FRAMES = 20_000, UPDATES = 500;
const settings = {
    loops: 1, 'request-ms': 1500, 'unjoined-ms': 1500, 'http-connections-max': HTTP_CONNECTIONS, 'unjoined-max': UNJOINED,
    'frames-per-second': FRAMES, 'updates-per-second': UPDATES, 'message-bytes-max': 16384, 'unjoined-bytes-max': 4096, 'ping-ms': 1000,
};
const ground = await stand(settings);
after(allLeave);
const { server } = ground;
const { owner, guest } = await ground.pair();
const mine = await owner.create('quiet.md'), theirs = await guest.open('quiet.md');

// Who behaves goes on meanwhile: an edit is seen and saved.
async function othersGoOn() {
    mine.insert(0, '.');
    await mine.saved();
    await theirs.sees(mine.text);
}

// `what` reaches `limit`, by the server's own count.
async function reaches(limit, what) {
    const before = (await Metrics.of(server)).limited(limit);
    const answer = await what();
    await until(`${limit} is counted`, async () => (await Metrics.of(server)).limited(limit) > before);
    return answer;
}

const HEAD = 'GET /healthz HTTP/1.1\r\nHost: x\r\n';

test('a request that comes drop by drop is ended in time: head and body', async () => {
    const cases = [['', HEAD], ['', 'POST /v1/join HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{'], [`${HEAD}\r\n`, HEAD]];
    for (const [whole, begin] of cases) {
        await reaches('request_ms', async () => {
            const slow = await RawSocket.open(server);
            slow.write(whole);
            if (whole) await until('the first is answered', () => slow.bytes.includes('200 OK'));
            slow.bytes = Buffer.alloc(0);
            slow.write(begin);
            const drip = setInterval(() => slow.write('x'), 50);
            const head = await slow.httpHead(20_000).finally(() => clearInterval(drip));
            assert.match(head, /^HTTP\/1\.1 408 /);
            await until('closed', () => slow.ended);
        });
    }
    await othersGoOn();
});

test('a connection that says nothing is closed in time: before HTTP, after the upgrade, and when its peer has vanished', async () => {
    await reaches('request_ms', async () => {
        const silent = await RawSocket.open(server);
        await until('closed', () => silent.ended, 20_000);
        assert.equal(silent.bytes.length, 0);
    });
    const closed = await reaches('unjoined_ms', async () => (await RawSocket.upgrade(server, owner.session.session)).closed(20_000));
    assert.deepEqual(closed, { code: 4508, reason: 'did not join in time' });
    await reaches('ping_ms', async () => {
        const gone = await RawSocket.join(server, owner.session); // it answers no ping
        await until('closed', () => gone.ended, 20_000);
    });
    await othersGoOn();
});

test('heads, bodies, messages and what comes before joining are bounded in bytes', async () => {
    const http = async (text) => {
        const raw = await RawSocket.open(server);
        raw.write(text);
        const head = await raw.httpHead();
        raw.end();
        return Number(head.split(' ')[1]);
    };
    assert.equal(await reaches('head_bytes', () => http(`${HEAD}Cookie: ${'c'.repeat(17_000)}\r\n\r\n`)), 431);
    assert.equal(await reaches('body_bytes', () => http('POST /v1/join HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n')), 413);

    const early = await reaches('unjoined_bytes_max', async () => {
        const raw = await RawSocket.upgrade(server, owner.session.session);
        raw.write(frame(Buffer.alloc(5000)));
        return raw.closed();
    });
    assert.equal(early.code, 4401);
    const big = await reaches('message_bytes_max', async () => {
        const raw = await RawSocket.join(server, owner.session);
        raw.write(frame(Buffer.alloc(1), { length: 16385 })); // the claim and a byte are enough
        return raw.closed();
    });
    assert.equal(big.code, 1009);
    const inPieces = await reaches('message_bytes_max', async () => {
        const raw = await RawSocket.join(server, owner.session);
        raw.write(Buffer.concat(Array.from({ length: 17 }, (_, i) => frame(Buffer.alloc(1000), { opcode: i === 0 ? 2 : 0, fin: false }))));
        return raw.closed();
    });
    assert.equal(inPieces.code, 1009);
    const deep = await reaches('values', async () => {
        const raw = await RawSocket.join(server, owner.session);
        raw.write(frame(Buffer.alloc(100, 0x91))); // arrays in arrays
        return raw.closed();
    });
    assert.equal(deep.code, 1009);
    await othersGoOn();
});

test('when all places of HTTP are taken by those who wait, whoever has something to say gets in all the same', async () => {
    const idle = [];
    await reaches('http_connections_max', async () => {
        for (let i = 0; i < 3 * HTTP_CONNECTIONS; i++) {
            const raw = await RawSocket.open(server);
            raw.write(HEAD); // and no more
            idle.push(raw);
        }
    });
    assert.equal((await server.get('/healthz')).status, 200);
    await ground.guest(owner, 'Late').then((late) => late.leave());
    assert.ok((await Metrics.of(server)).get('vibesync_http_connections') <= HTTP_CONNECTIONS);
    await until('the oldest are gone', () => idle.filter((raw) => raw.ended).length >= HTTP_CONNECTIONS);
    for (const raw of idle) raw.end();
    await othersGoOn();
});

test('too many who are about to join: the next is told 1013, and joins when there is a place', async () => {
    const waiting = [];
    for (let i = 0; i < UNJOINED; i++) waiting.push(await RawSocket.upgrade(server, owner.session.session));
    const closed = await reaches('unjoined_max', async () => (await RawSocket.upgrade(server, owner.session.session)).closed());
    assert.deepEqual(closed, { code: 1013, reason: 'too many are joining; try again' });
    await othersGoOn();
    for (const raw of waiting) raw.end();
    await until('a place is free', () => RawSocket.join(server, owner.session).then((raw) => (raw.end(), true), () => false));
});

test('a thousand connections at once, and again, leave nothing behind', async () => {
    const descriptors = () => readdirSync(`/proc/${server.child.pid}/fd`).length;
    const before = descriptors();
    for (let round = 0; round < 3; round++) {
        await Promise.all(Array.from({ length: 1000 }, async (_, i) => {
            const raw = await RawSocket.open(server).catch(() => null); // refused: as good
            raw?.write(i % 3 === 0 ? `${HEAD}\r\n` : i % 3 === 1 ? HEAD : '');
            raw?.end();
        }));
    }
    await until('they are gone', () => descriptors() <= before + 1); // a kept-alive one of ours
    await othersGoOn();
});

test('a flood of frames is read as fast as is allowed, and loses nothing', async () => {
    const raw = await RawSocket.join(server, owner.session);
    const count = 4 * FRAMES;
    const began = performance.now();
    await reaches('frames_per_second', async () => {
        raw.write(Buffer.concat(Array.from({ length: count }, () => frame(Buffer.alloc(0), { opcode: 10 }))));
        raw.sendValue([0, 7, 'session.participants', [{}]]);
        await raw.answer(7, 30_000);
    });
    // A burst of two seconds is free, and what the last read brought.
    assert.ok(performance.now() - began > 1000 * (count - 65536 / 6) / FRAMES - 2000, 'it was slowed down');
    assert.equal(raw.close, null);
    raw.end();
    await othersGoOn();
});

test('a flood of updates is slowed down, not refused', async () => {
    const writer = await ground.guest(owner, 'Fast');
    const replica = await writer.create('fast.md');
    await reaches('updates_per_second', async () => {
        for (let i = 0; i < 4 * UPDATES; i++) replica.insert(replica.ytext.length, 'x');
        await othersGoOn();
        await replica.saved(60_000);
    });
    assert.equal(replica.rejected, null);
    await writer.leave();
});

test('who sends ten seconds too much at once is closed with 4529', async () => {
    await server.stop();
    await server.start({ ...settings, 'frames-per-second': 10 });
    const session = await server.createSession();
    const raw = await RawSocket.join(server, session);
    raw.write(Buffer.concat(Array.from({ length: 1000 }, () => frame(Buffer.alloc(0), { opcode: 10 }))));
    assert.equal((await raw.closed()).code, 4529);
    await server.stop();
    await server.start();
});

test('out of descriptors, arrivals are answered 503, joined people go on, and the server does not spin', async () => {
    const { owner: ada, guest: grace } = await ground.pair();
    const here = await ada.create('fd.md'), there = await grace.open('fd.md');
    const { pid } = server.child;
    // Six numbers are free below the limit; an inherited descriptor may stand far above.
    const open = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
    let limit = 0;
    for (let free = 0; free < 6; limit++) free += !open.has(limit);
    execFileSync('prlimit', [`--nofile=${limit}:`, '--pid', String(pid)]);
    const held = [];
    const answered = () => held.filter((raw) => raw.bytes.includes('HTTP/1.1 503')).length;
    for (let i = 0; i < 30 && answered() === 0; i++) {
        held.push(await RawSocket.open(server));
        held.at(-1).write('GET /');
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await until('somebody is answered 503', () => answered() > 0);
    here.insert(0, 'still here');
    await here.saved();
    await there.sees('still here');

    const ticks = () => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ').slice(11, 13).reduce((a, b) => a + Number(b), 0);
    const before = ticks();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    assert.ok(ticks() - before < 60, `${ticks() - before} of 100 ticks of CPU while nothing could be accepted`);

    execFileSync('prlimit', ['--nofile=20000:', '--pid', String(pid)]);
    for (const raw of held) raw.end();
    await until('there is room again', async () => (await server.get('/healthz').catch(() => ({}))).status === 200);
    assert.ok((await Metrics.of(server)).limited('descriptors') > 0);
    await Promise.all([ada.leave(), grace.leave()]);
});

test('a loop that falls behind again and again turns newcomers away, and only them', async () => {
    await server.stop();
    await server.start({ ...settings, 'lag-max-ms': 20 });
    const { owner: ada, guest: grace } = await ground.pair();
    const here = await ada.create('lag.md'), there = await grace.open('lag.md');
    const before = (await Metrics.of(server)).limited('lag_max_ms');
    await until('a newcomer is turned away', async () => {
        for (let i = 0; i < 12; i++) { // as a machine that has too much to do
            server.child.kill('SIGSTOP');
            await new Promise((resolve) => setTimeout(resolve, 150));
            server.child.kill('SIGCONT');
            await new Promise((resolve) => setTimeout(resolve, 40));
        }
        const closed = await RawSocket.upgrade(server, ada.session.session).then((raw) => raw.closed(500), () => null).catch(() => null);
        return closed?.code === 1013 && closed.reason === 'the server has too much to do; try again';
    });
    assert.ok((await Metrics.of(server)).limited('lag_max_ms') > before);
    here.insert(0, 'in');
    await here.saved();
    await there.sees('in');
    await until('newcomers come in again', () => ground.join(ada.session).then((late) => late.leave().then(() => true), () => false));
    await Promise.all([ada.leave(), grace.leave()]);
});

test('what the process may hold: newcomers are turned away', async () => {
    await server.stop();
    await server.start({ ...settings, 'resident-max': 1 << 20 });
    const session = await server.createSession();
    const closed = await until('the server has seen its memory', async () => {
        const raw = await RawSocket.upgrade(server, session.session);
        return raw.closed(300).catch(() => null);
    });
    assert.deepEqual(closed, { code: 1013, reason: 'the server holds too much in memory; try again' });
    assert.equal((await Metrics.of(server)).get('vibesync_loops_shedding'), 1);
});

test('what the documents of one session may hold: that session is told, another is not', async () => {
    await server.stop();
    await server.start({ loops: 1, 'session-bytes-max': 256 << 10 });
    const { owner: ada, guest: grace } = await ground.pair();
    const other = await ground.owner();
    const before = await Metrics.of(server);
    const page = 'a line as any other\n'.repeat(1000);
    const held = [];
    for (let full = false; !full;) {
        assert.ok(held.length < 40, 'it ends');
        const replica = await ada.create(`full-${held.length}.md`).catch((error) => (assert.equal(error.code, 'overloaded'), null));
        if (!replica) break;
        held.push(replica);
        replica.insert(0, page);
        await until('saved or refused', () => replica.rejected || replica.acked === replica.sent.length);
        full = replica.rejected?.code === 'overloaded';
    }
    held[0].insert(0, page);
    await until('an update is refused', () => held[0].rejected);
    assert.equal(held[0].rejected.code, 'overloaded');
    await assert.rejects(ada.create('one-more.md'), { code: 'overloaded' });
    const after = await Metrics.of(server);
    assert.ok(after.limited('session_bytes_max') > before.limited('session_bytes_max'));
    const free = await other.create('free.md');
    free.insert(0, page);
    await free.saved();
    await Promise.all([ada.leave(), grace.leave(), other.leave()]);
});

test('connections above connections-max: the next is told 1013, and joins when there is a place', async () => {
    await server.stop();
    await server.start({ loops: 1, 'connections-max': 2 });
    const { owner: ada, guest: grace } = await ground.pair();
    const closed = await reaches('connections_max', async () => (await RawSocket.upgrade(server, ada.session.session)).closed());
    assert.deepEqual(closed, { code: 1013, reason: 'all places are taken; try again' });
    await grace.leave();
    await until('a place is free', () => RawSocket.join(server, ada.session).then((raw) => (raw.end(), true), () => false));
    await ada.leave();
});

// Two people, one character each by turns: as many runs as characters. Then forty runs before the last one, each from the beginning: each
// walks over all.
function manyRuns() {
    const [one, two] = [1, 2].map((id) => Object.assign(new Y.Doc(), { clientID: id }));
    for (let i = 0; i < 60; i++) {
        const [from, to] = i % 2 ? [two, one] : [one, two];
        from.getText('text').insert(i, 'a');
        Y.applyUpdate(to, Y.encodeStateAsUpdate(from));
    }
    const walk = Buffer.concat([Buffer.from([1, 40, 9, 0]), ...Array(40).fill(Buffer.from([0x44, 2, 29, 1, 0x78])), Buffer.of(0)]);
    return { base: Y.encodeStateAsUpdate(two), walk };
}

// Text whose beginning nobody has.
function behindAGap(size) {
    const ydoc = new Y.Doc();
    ydoc.getText('text').insert(0, 'a');
    const vector = Y.encodeStateVector(ydoc);
    ydoc.getText('text').insert(1, 'x'.repeat(size));
    return Y.encodeStateAsUpdate(ydoc, vector);
}

function textOf(size) {
    const ydoc = new Y.Doc();
    ydoc.getText('text').insert(0, 'x'.repeat(size));
    return Y.encodeStateAsUpdate(ydoc);
}

test('an update that makes a document too large, waits for too much, or costs too much is refused, and nobody gets it', async () => {
    await server.stop();
    await server.start({ loops: 1, 'document-bytes-max': 65536, 'pending-bytes-max': 4096, 'conflict-steps-max': 1000 });
    const { owner: ada, guest: grace } = await ground.pair();
    const { base, walk } = manyRuns();
    const cases = [
        ['document_bytes_max', [textOf(30_000), textOf(30_000), textOf(30_000)], textOf(10)],
        ['document_bytes_max', [textOf(10)], textOf(65_536)],
        ['pending_bytes_max', [behindAGap(3000)], behindAGap(3000)],
        ['conflict_steps_max', [base], walk],
    ];
    for (const [i, [limit, taken, refused]] of cases.entries()) {
        const replica = await ada.create(`too-much-${i}.md`);
        for (const update of taken) replica.send(update);
        await replica.saved();
        const reader = await grace.open(replica.path);
        await until(`${limit}: the reader has what was taken`, () => i === 2 || reader.text.length > 0);
        const before = reader.text;
        await reaches(limit, async () => {
            replica.send(refused);
            await until(`${limit}: it is refused`, () => replica.rejected);
        });
        assert.equal(replica.rejected.code, 'limit');
        await grace.request('session.participants'); // in order behind whatever it would have got
        assert.equal(reader.text, before);
    }
    await Promise.all([ada.leave(), grace.leave()]);
});

test('a door makes no file in a session that can have no more', async () => {
    await server.stop();
    await server.start({ loops: 1, 'files-max': 2 });
    const ada = await ground.owner();
    await ada.create('one.md');
    await ada.create('two.md');
    const visitor = yws(server, ada.session, 'three.md');
    await visitor.closedWith(4404);
    visitor.leave();
    const { n } = await ground.cluster.row('select count(*)::int as n from files where session_id = $1', [ada.session.session]);
    assert.equal(n, 2);
    await ada.leave();
});
