// soak.release.test.mjs — people open, edit and leave thousands of documents, some read nothing for a while, some hang up half-way, PostgreSQL
// is killed and comes back; in the end the server holds the memory and the descriptors it began with, and nothing that was acknowledged is
// missing. Before that the server itself is killed and stopped again and again. VIBESYNC_SOAK_S seconds of it; 600 with `--long`.
//
// Memory is what is allocated, all arenas of the process together. Its resident size says little of that: a soak of minutes "grew" by 5 to
// 20 MB, which were free blocks and pages between a few live ones.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { storedDocument } from './support/documents.mjs';
import { stand } from './support/ground.mjs';
import { Metrics } from './support/metrics.mjs';
import { AWARENESS } from './support/native.mjs';
import { runOperator } from './support/operator.mjs';
import { Random, seedOfThisRun } from './support/random.mjs';
import { RawSocket } from './support/raw.mjs';
import { Typist } from './support/typist.mjs';
import { pause, until } from './support/wait.mjs';

const isLong = process.env.VIBESYNC_LONG === '1';
const SECONDS = Number(process.env.VIBESYNC_SOAK_S ?? (isLong ? 600 : 6));
const PEOPLE = 8, FILES = 3000, PAGE = 'forty-eight bytes of text, as a line would have.\n'.repeat(200); // 10 KB
const seed = seedOfThisRun();
// What may come on top: glibc's caches of seven threads, 230 KB each at most. In ten minutes a leak of 80 bytes a visit is more.
const GROWTH = 3 << 19;
const ground = await stand({ 'evict-idle-ms': 500, 'checkpoint-idle-ms': 200, 'presence-ms': 500 }, { shim: true });

const descriptors = () => readdirSync(`/proc/${ground.server.child.pid}/fd`).length;

// Done, if need be again and again while PostgreSQL is away: then joins and opens are told to come later.
const patiently = (what, attempt) => until(what, () => attempt().catch((error) => {
    if (/unavailable|overloaded|1013|4503/.test(`${error.code} ${error.message}`)) return null;
    throw error;
}), 60_000);

// A cursor, as y-protocols writes it: one client, its clock, its state.
function cursor(random) {
    const id = random.between(1 << 14, 1 << 21);
    return Uint8Array.of(1, (id & 0x7f) | 0x80, ((id >> 7) & 0x7f) | 0x80, id >> 14, 1, 2, 0x7b, 0x7d);
}

// One person's hour: comes, opens a few files, writes or reads or looks away, closes some, leaves.
async function visit(session, random, written) {
    const person = await patiently('joined', () => ground.join(session));
    ground.participants.splice(ground.participants.indexOf(person), 1); // it leaves by itself
    if (random.unit() < 0.5) person.sendValue([AWARENESS, 0, cursor(random)]);
    for (let i = random.between(1, 6); i > 0; i--) {
        const file = random.between(0, FILES);
        const replica = await patiently('opened', () => person.open(`f${file}.md`));
        if (random.unit() < 0.3) person.sendValue([AWARENESS, replica.doc, cursor(random)]);
        if (random.unit() < 0.1) { // reads nothing for a while
            person.socket.pause();
            await pause(random.between(0, 300));
            person.socket.resume();
        }
        if (random.unit() < 0.7) {
            if (random.unit() < 0.3) replica.insert(0, PAGE);
            for (let n = random.between(1, 20); n > 0; n--) replica.insert(random.between(0, replica.ytext.length + 1), 'word ');
            await replica.saved(60_000);
            written.set(file, replica.file);
        }
        if (random.unit() < 0.5) await person.request('doc.close', { doc: replica.doc });
    }
    if (random.unit() < 0.7) await person.leave();
    else {
        person.socket.terminate(); // a cable pulled
        await person.ended();
    }
    assert.deepEqual(person.failures, []);
}

// Somebody who never gets in: half a request, an upgrade and no more, a wrong code.
async function stray(session, random) {
    const what = random.between(0, 3);
    if (what === 2) return void (await ground.server.post('/v1/join', { code: 'ABCD2345', name: 'x' }));
    const raw = what === 0 ? await RawSocket.open(ground.server) : await RawSocket.upgrade(ground.server, session.session);
    if (what === 0) raw.write('GET /healthz HTTP/1.1\r\nHo');
    await pause(random.between(0, 50));
    raw.end();
}

async function soak(sessions, random, seconds, written, outages) {
    const end = performance.now() + seconds * 1000;
    let visits = 0;
    const killing = (async () => {
        for (let i = 0; i < outages; i++) {
            await pause((seconds * 1000) / (outages + 1));
            await ground.cluster.stop('immediate');
            await ground.cluster.start();
        }
    })();
    const straying = (async () => {
        while (performance.now() < end) await stray(random.pick(sessions), random);
    })();
    await Promise.all(Array.from({ length: PEOPLE }, async (_, i) => {
        while (performance.now() < end) {
            await visit(sessions[i % sessions.length], random, written[i % sessions.length]);
            visits++;
        }
    }));
    await Promise.all([killing, straying]);
    await ground.server.ready();
    await until('everything has left memory', async () => {
        const now = await Metrics.of(ground.server);
        return ['documents', 'sessions', 'connections', 'dirty_bytes'].every((name) => now.get(`vibesync_${name}`) === 0);
    }, 60_000);
    return visits;
}

test('a server that is killed and stopped again and again, under people who type: every text is the same everywhere', async () => {
    const random = new Random(seed);
    const { owner, guest } = await ground.pair();
    for (const name of ['a.md', 'b.md']) {
        await owner.create(name);
        await guest.open(name);
    }
    const typists = [owner, guest].map((person) => new Typist(person, random.between(0, 2 ** 32), { pauseMs: 60 }));
    for (const typist of typists) typist.start();
    const end = performance.now() + Math.max(3, SECONDS / 10) * 1000;
    for (let i = 0; performance.now() < end; i++) {
        await pause(random.between(200, 1500));
        if (i % 2 === 0) await ground.server.kill();
        else assert.equal(await ground.server.stop(), 0);
        await ground.server.start();
    }
    await Promise.all(typists.map((typist) => typist.stop()));
    await until('they are back', () => typists.every((typist) => typist.isBack), 60_000);
    for (const typist of typists) for (const replica of typist.replicas) await replica.saved(60_000);
    for (const [i, replica] of owner.openReplicas.entries()) {
        await guest.openReplicas[i].sees(replica.text);
        assert.equal((await storedDocument(ground.cluster, replica.file)).text, replica.text);
    }
    for (const person of [owner, guest]) {
        person.givenUp = true;
        await person.leave();
    }
});

test(`${SECONDS} s of opening, editing and leaving end with the memory and descriptors of the beginning (VIBESYNC_SEED=${seed})`, async (t) => {
    const random = new Random(seed);
    const sessions = [], written = [];
    for (let i = 0; i < 4; i++) {
        const session = await ground.server.createSession();
        await ground.cluster.rows(`insert into files (session_id, filename, file_path)
            select $1, 'f' || i || '.md', 'f' || i || '.md' from generate_series(0, $2 - 1) i`, [session.session, FILES]);
        sessions.push(session);
        written.push(new Map());
    }
    // libpq's buffers keep the size of the largest document that went through, in steps of 512 KB, until the connection is a new one.
    const held = async () => {
        await ground.cluster.stop('immediate');
        await ground.cluster.start();
        await ground.server.ready();
        return { bytes: await ground.shim.bytesInUse(), descriptors: descriptors() };
    };
    await soak(sessions, random, Math.max(2, SECONDS / 10), written, 1); // warm: pools and parsers are there now
    const before = await held();
    const visits = await soak(sessions, random, SECONDS, written, isLong ? 5 : 1);
    await until('no descriptor is left over', () => descriptors() <= before.descriptors); // the last close may be on its way
    const after = await held();

    const opened = ground.server.log.split('document.opened').length - 1;
    t.diagnostic(`${visits} visits, ${opened} documents opened; memory ${before.bytes >> 10} → ${after.bytes >> 10} KiB ` +
        `(resident ${ground.server.residentBytes() >> 10} KiB), descriptors ${before.descriptors} → ${after.descriptors}`);
    assert.ok(after.bytes < before.bytes + GROWTH, `memory grew from ${before.bytes >> 10} to ${after.bytes >> 10} KiB`);
    const files = written.flatMap((w) => [...w.values()]);
    for (let i = 0; i < 20; i++) assert.ok((await storedDocument(ground.cluster, random.pick(files))).text.length > 0);
    assert.equal((await ground.cluster.row('select count(*)::int as n from crdt_journal')).n, 0, 'the journal of idle documents is empty');
    const verified = await runOperator(ground.cluster, ['verify'], { ms: 600_000 });
    assert.equal(verified.status, 0, verified.text);
});
