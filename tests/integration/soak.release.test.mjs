// soak.release.test.mjs — people open, edit and leave thousands of documents; in the end the server holds the memory and the descriptors it
// began with. VIBESYNC_SOAK_S seconds of it; 600 with `--long`.
//
// Memory is what is allocated, all arenas of the process together. Its resident size says little of that: a soak of minutes "grew" by 5 to
// 20 MB, which were free blocks and pages between a few live ones.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { storedDocument } from './support/documents.mjs';
import { stand } from './support/ground.mjs';
import { runOperator } from './support/operator.mjs';
import { Random, seedOfThisRun } from './support/random.mjs';
import { until } from './support/wait.mjs';

const isLong = process.env.VIBESYNC_LONG === '1';
const SECONDS = Number(process.env.VIBESYNC_SOAK_S ?? (isLong ? 600 : 6));
const PEOPLE = 8, FILES = 3000, PAGE = 'forty-eight bytes of text, as a line would have.\n'.repeat(200); // 10 KB
const seed = seedOfThisRun();
// What may come on top: glibc's caches of seven threads, 230 KB each at most, and buffers to PostgreSQL, which keep the size of the largest
// document that went through. In ten minutes a leak of 50 bytes a visit is more.
const GROWTH = 2 << 20;
const ground = await stand({ 'evict-idle-ms': 500, 'checkpoint-idle-ms': 200, 'presence-ms': 500 }, { shim: true });

const descriptors = () => readdirSync(`/proc/${ground.server.child.pid}/fd`).length;
const inMemory = () => ground.server.log.split('document.opened').length - ground.server.log.split('document.evicted').length;

// One person's hour: comes, opens a few files, writes or reads, closes some, leaves.
async function visit(session, random, written) {
    const person = await ground.join(session);
    ground.participants.splice(ground.participants.indexOf(person), 1); // it leaves by itself
    for (let i = random.between(1, 6); i > 0; i--) {
        const file = random.between(0, FILES);
        const replica = await person.open(`f${file}.md`);
        if (random.unit() < 0.7) {
            if (random.unit() < 0.3) replica.insert(0, PAGE);
            for (let n = random.between(1, 20); n > 0; n--) replica.insert(random.between(0, replica.ytext.length + 1), 'word ');
            await replica.saved();
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

async function soak(sessions, random, seconds, written) {
    const end = performance.now() + seconds * 1000;
    let visits = 0;
    await Promise.all(Array.from({ length: PEOPLE }, async (_, i) => {
        while (performance.now() < end) {
            await visit(sessions[i % sessions.length], random, written[i % sessions.length]);
            visits++;
        }
    }));
    await until('every document has left memory', () => inMemory() === 0);
    return visits;
}

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
    const held = async () => ({ bytes: await ground.shim.bytesInUse(), descriptors: descriptors() });
    await soak(sessions, random, Math.max(2, SECONDS / 10), written); // warm: pools and parsers are there now
    const before = await held();
    const visits = await soak(sessions, random, SECONDS, written);
    await until('no descriptor is left over', () => descriptors() <= before.descriptors); // the last close may be on its way
    const after = await held();

    const opened = ground.server.log.split('document.opened').length - 1;
    t.diagnostic(`${visits} visits, ${opened} documents opened; memory ${before.bytes >> 10} → ${after.bytes >> 10} KiB ` +
        `(resident ${ground.server.residentBytes() >> 10} KiB), descriptors ${before.descriptors} → ${after.descriptors}`);
    assert.ok(after.bytes < before.bytes + GROWTH, `memory grew from ${before.bytes >> 10} to ${after.bytes >> 10} KiB`);
    const files = written.flatMap((w) => [...w.values()]);
    for (let i = 0; i < 20; i++) assert.ok((await storedDocument(ground.cluster, random.pick(files))).text.length > 0);
    assert.equal((await ground.cluster.row('select count(*)::int as n from crdt_journal')).n, 0, 'the journal of idle documents is empty');
    const verified = await runOperator(ground.cluster, ['verify']);
    assert.equal(verified.status, 0, verified.text);
});
