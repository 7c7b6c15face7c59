// crash.test.mjs — SIGKILL of the server at random moments, under clients that never stop typing.
//
//   type, type, type … kill -9 ── SQL alone: is everything acknowledged there? ── start ── clients come back by themselves ── …
//
// At the end everybody has the same text, and so has the database. The same with PostgreSQL crashing instead of the server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as Y from 'yjs';
import { holds, storedDocument } from './support/documents.mjs';
import { stand } from './support/ground.mjs';
import { Random, seedOfThisRun } from './support/random.mjs';
import { Typist } from './support/typist.mjs';
import { pause, until } from './support/wait.mjs';

const isLong = process.env.VIBESYNC_LONG === '1';
const KILLS = isLong ? 100 : 3;
const TYPISTS = 4;
const FILES = ['notes.md', 'main.c'];

// Checkpoints all the time: a kill should meet them, too.
const ground = await stand({ 'checkpoint-idle-ms': 50, 'checkpoint-bytes': 2000, 'checkpoint-age-ms': 500 });
const seed = seedOfThisRun();

// `TYPISTS` people in one session, each with all FILES open, typing.
async function startTypists(random) {
    const owner = await ground.owner();
    for (const path of FILES) await owner.request('file.create', { path });
    const typists = [];
    for (let i = 0; i < TYPISTS; i++) {
        const person = i === 0 ? owner : await ground.guest(owner, `Typist ${i}`);
        for (const path of FILES) await person.open(path);
        typists.push(new Typist(person, random.between(0, 2 ** 32), { pauseMs: isLong ? 60 : 8 })); // a hundred rounds make a long text
    }
    for (const typist of typists) typist.start();
    return typists;
}

const replicasOf = (typists, path) => typists.map((t) => t.replicas.find((r) => r.path === path));
const ackedCount = (typists) => typists.flatMap((t) => t.replicas).reduce((sum, r) => sum + r.everAcked.length, 0);

async function assertAcknowledgedIsStored(typists, when) {
    for (const path of FILES) {
        const replicas = replicasOf(typists, path);
        // Before SQL is asked: more may come meanwhile. What was there after an earlier crash is not asked for again until the end.
        const acked = replicas.map((r) => r.everAcked.slice(r.foundStored ?? 0));
        const count = replicas.map((r) => r.everAcked.length);
        const { ydoc } = await storedDocument(ground.cluster, replicas[0].file);
        for (const [i, updates] of acked.entries()) {
            if (updates.length === 0 || holds(ydoc, Y.mergeUpdates(updates))) continue;
            const { ydoc: again } = await storedDocument(ground.cluster, replicas[0].file);
            const missing = updates.findIndex((update) => !holds(again, update));
            assert.fail(`${when}, ${path}: update ${missing} of typist ${i} was acknowledged and is not there`);
        }
        for (const [i, replica] of replicas.entries()) replica.foundStored = count[i];
    }
}

async function assertAllConverge(typists) {
    for (const typist of typists) await typist.stop();
    for (const path of FILES) {
        const replicas = replicasOf(typists, path);
        for (const replica of replicas) {
            await replica.saved(30_000);
            assert.equal(replica.gone, null);
        }
        await until(`all have the same ${path}`, () => replicas.every((r) => r.text === replicas[0].text));
        assert.ok(replicas[0].text.length > 0);
        for (const replica of replicas) replica.foundStored = 0;
        assert.equal((await storedDocument(ground.cluster, replicas[0].file)).text, replicas[0].text);
    }
    await assertAcknowledgedIsStored(typists, 'in the end');
    for (const { person } of typists) {
        person.givenUp = true;
        person.socket.terminate();
    }
}

test(`nothing acknowledged is missing after ${KILLS} kills, and all converge (VIBESYNC_SEED=${seed})`, async (t) => {
    const random = new Random(seed);
    const typists = await startTypists(random);
    for (let kill = 1; kill <= KILLS; kill++) {
        const before = ackedCount(typists);
        // Less than the 40 s after which a statement is given up whose connection died unnoticed: that must not be needed.
        await until('something was acknowledged', () => ackedCount(typists) > before, 30_000);
        await pause(random.between(0, 1500)); // the random moment
        await ground.server.kill();
        await until('every client has noticed', () => typists.every((t) => t.person.closeEvent));

        await assertAcknowledgedIsStored(typists, `kill ${kill}`);
        t.diagnostic(`kill ${kill}: ${ackedCount(typists) - before} updates acknowledged since the last, all in the database`);
        await ground.server.start();
        // Now and then once more, while they are still coming back.
        if (random.unit() < 0.3) {
            await pause(random.between(0, 300));
            await ground.server.kill();
            await ground.server.start();
        }
        await until('every client is back', () => typists.every((t) => t.isBack));
    }
    await assertAllConverge(typists);
});

test(`the same after ${KILLS} crashes of PostgreSQL, without anybody losing the connection (VIBESYNC_SEED=${seed})`, async (t) => {
    const random = new Random(seed + 1);
    const typists = await startTypists(random);
    for (let crash = 1; crash <= KILLS; crash++) {
        const before = ackedCount(typists);
        // Less than the 40 s after which a statement is given up whose connection died unnoticed: that must not be needed.
        await until('something was acknowledged', () => ackedCount(typists) > before, 30_000);
        await pause(random.between(0, 1500));
        await ground.cluster.stop('immediate');
        await ground.cluster.start();
        await assertAcknowledgedIsStored(typists, `crash ${crash}`);
        t.diagnostic(`crash ${crash}: ${ackedCount(typists) - before} updates acknowledged since the last, all in the database`);
    }
    assert.deepEqual(typists.map((t) => t.person.closeEvent), typists.map(() => null));
    await assertAllConverge(typists);
    await ground.server.ready(); // for those who come next
});

// The story: after a kill everybody comes back at once. Whoever is first brings what the server lost, also of others who are connected
// again but have not spoken yet. That was refused as a forgery, and with it everything else that this client had.
test('who comes back first may bring the lost edits of another who is there again and has not spoken yet', async () => {
    const { owner, guest } = await ground.pair();
    const mine = await owner.create('relayed.md');
    const theirs = await guest.open('relayed.md');
    mine.insert(0, 'saved. ');
    await mine.saved();
    await theirs.sees('saved. ');
    await ground.cluster.stop('fast'); // so that nothing more is durable
    mine.insert(7, 'seen by both, saved nowhere. ');
    await theirs.sees('saved. seen by both, saved nowhere. ');
    await ground.server.kill();
    await ground.cluster.start();
    await ground.server.start();

    await owner.connect();
    await owner.request('doc.open', { path: 'relayed.md', client_id: mine.ydoc.clientID, epoch: mine.epoch });
    await guest.resume();
    theirs.insert(0, 'And mine: ');
    await theirs.saved();
    assert.equal(theirs.rejected, null);

    await mine.open();
    await mine.saved();
    await mine.sees('And mine: saved. seen by both, saved nowhere. ');
    assert.equal((await storedDocument(ground.cluster, mine.file)).text, mine.text);
});

test('after a kill nobody is online who is not there', async () => {
    const { owner, guest } = await ground.pair();
    await owner.create('open.txt');
    const online = () => ground.cluster.rows('select id from users where is_online and id = any($1)', [[owner.session.user, guest.session.user]]);
    await until('both are online', async () => (await online()).length === 2);

    await ground.server.kill();
    await ground.server.start();

    await until('both are offline', async () => (await online()).length === 0);
    const open = await ground.cluster.row(
        'select count(*)::int as n from session_participants where session_id = $1 and left_at is null', [owner.session.session]);
    const visits = await ground.cluster.row(
        'select count(*)::int as n from participant_visits where session_id = $1 and left_at is null', [owner.session.session]);
    assert.deepEqual([open.n, visits.n], [0, 0]);
});
