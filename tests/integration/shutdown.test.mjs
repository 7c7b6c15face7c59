// shutdown.test.mjs — SIGTERM: everything is saved, everybody is told, and the exit status tells the truth.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newestVersion, storedDocument } from './support/documents.mjs';
import { stand } from './support/ground.mjs';
import { Participant } from './support/native.mjs';
import { pause, until } from './support/wait.mjs';

const DRAIN_MS = 2000;
const ground = await stand({ 'drain-ms': DRAIN_MS });

test('SIGTERM checkpoints every document, closes with 1001 and exits with 0', async () => {
    const { owner, guest } = await ground.pair();
    const replicas = [];
    for (const path of ['a.md', 'b.md', 'c.md']) replicas.push(await owner.create(path));
    const theirs = await guest.open('a.md');
    for (let i = 0; i < 200; i++) replicas[i % 3].insert(0, `line ${i}\n`);
    theirs.insert(0, 'and mine\n');

    const status = ground.server.stop();
    const closes = await Promise.all([owner.ended(), guest.ended()]);

    assert.deepEqual(closes.map((c) => c.code), [1001, 1001]);
    assert.equal(await status, 0);
    assert.equal((await ground.cluster.row('select count(*)::int as n from crdt_journal')).n, 0, 'the journal is empty');
    for (const replica of replicas) {
        const stored = await storedDocument(ground.cluster, replica.file);
        // What left before the signal is there; what was on its way comes back with the replica.
        assert.ok(stored.state, replica.path);
        assert.deepEqual((await newestVersion(ground.cluster, replica.file)).bytes, Buffer.from(stored.text, 'utf8'));
    }
    const present = await ground.cluster.row('select count(*)::int as n from session_participants where left_at is null');
    const online = await ground.cluster.row('select count(*)::int as n from users where is_online');
    assert.deepEqual([present.n, online.n], [0, 0], 'nobody is left behind as present');

    await ground.server.start();
    await owner.resume();
    await guest.resume();
    for (const replica of replicas) await replica.saved();
    await theirs.sees(replicas[0].text);
    const lines = replicas.flatMap((r) => r.text.split('\n')).filter((line) => line.startsWith('line '));
    assert.equal(lines.length, 200);
});

test('SIGTERM while somebody joins and PostgreSQL takes its time: what was asked of it is waited for', async () => {
    const { owner } = await ground.pair();
    const newcomer = new Participant(ground.server, owner.session);
    await newcomer.connectOnly();
    const admin = await ground.cluster.connect({ user: 'postgres' });
    await admin.query('begin');
    await admin.query('lock table access_tokens in access exclusive mode');
    newcomer.join({ credential: owner.session.token }).catch(() => {}); // it is told 1001
    await until('it waits', async () => (await admin.query("select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock'")).rows[0].n > 0);

    const status = ground.server.stop();
    assert.equal((await newcomer.ended()).code, 1001);
    await pause(200); // several ticks
    assert.ok(!ground.server.ended);
    await admin.query('commit');
    await admin.end();
    assert.equal(await status, 0);
    await ground.server.start();
});

test('SIGTERM with PostgreSQL away and edits unsaved: exit status 3 within the stated time', async () => {
    const { owner } = await ground.pair();
    const mine = await owner.create('unsaved.md');
    mine.insert(0, 'saved ');
    await mine.saved();
    await ground.cluster.stop('fast');
    await until('the server knows', async () => (await ground.server.get('/readyz')).status === 503);
    mine.insert(6, 'not saved');
    await owner.request('session.participants'); // in order behind the edit

    const began = performance.now();
    const status = await ground.server.stop();

    assert.equal(status, 3);
    const took = performance.now() - began;
    assert.ok(took >= DRAIN_MS * 0.9 && took < DRAIN_MS + 3000, `it took ${took} ms`);
    assert.equal((await owner.ended()).code, 1001);

    // And the client still has it: nothing is lost.
    await ground.cluster.start();
    await ground.server.start();
    await owner.resume();
    await mine.saved();
    assert.equal((await storedDocument(ground.cluster, mine.file)).text, 'saved not saved');
});

test('SIGTERM while PostgreSQL answers nothing that was asked: the server ends in time and leaves nothing behind', async () => {
    const { owner } = await ground.pair();
    await owner.request('file.create', { path: 'asked.md' });
    const admin = await ground.cluster.connect({ user: 'postgres' });
    await admin.query('begin');
    await admin.query('lock table crdt_clients in access exclusive mode');
    owner.open('asked.md').catch(() => {}); // it is told 1001
    await until('it waits', async () => (await admin.query("select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock'")).rows[0].n > 0);

    assert.equal(await ground.server.stop(), 0); // a leak has a status of its own
    assert.equal((await owner.ended()).code, 1001);
    await admin.query('commit');
    await admin.end();
    await ground.server.start();
});

test('SIGTERM while an operator waits for a document to leave: he is answered before the server ends', async () => {
    const { owner } = await ground.pair();
    const mine = await owner.create('leaving.md');
    const admin = await ground.cluster.connect();
    await admin.query('begin');
    await admin.query('select from files where id = $1 for update', [mine.file]); // no checkpoint for now
    mine.insert(0, 'x');
    await mine.saved();
    const evicting = ground.server.post(`/v1/admin/documents/${mine.file}/evict`, {}, ground.server.adminToken);
    evicting.catch(() => {});
    await until('it is leaving', () => mine.gone !== null);

    const status = ground.server.stop();
    assert.equal((await evicting).status, 503);
    await admin.query('commit');
    await admin.end();
    assert.equal(await status, 0);
    assert.equal((await storedDocument(ground.cluster, mine.file)).journalRows, 0);
    await ground.server.start();
});

test('a second SIGTERM does not wait', async () => {
    const { owner } = await ground.pair();
    const mine = await owner.create('impatient.md');
    mine.insert(0, 'x');
    await mine.saved();
    await ground.cluster.stop('fast');
    await until('the server knows', async () => (await ground.server.get('/readyz')).status === 503);
    mine.insert(1, 'y');
    await owner.request('session.participants');

    const began = performance.now();
    const status = ground.server.stop();
    await until('it drains', () => ground.server.log.includes('process.draining'));
    ground.server.child.kill('SIGTERM');

    assert.equal(await status, 3);
    assert.ok(performance.now() - began < DRAIN_MS);
    await ground.cluster.start();
    await ground.server.start();
});
