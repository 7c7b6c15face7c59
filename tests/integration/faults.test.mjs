// faults.test.mjs — what PostgreSQL can do to a server that relies on it, one fault at a time. In each: nothing acknowledged is missing,
// nothing is there twice, everybody has the same in the end, and everybody is told the truth meanwhile.
//
// Elsewhere: SIGKILL and restarts (crash), PostgreSQL away (outage), slow (slow_commit), full (disk_full), damaged rows (documents), two
// servers on one document (two_servers), clocks (clock), memory (memory).
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { newestVersion, storedDocument, storedUpdates } from './support/documents.mjs';
import { stand } from './support/ground.mjs';
import { PgCutter } from './support/pg_cutter.mjs';
import { Random, seedOfThisRun } from './support/random.mjs';
import { Typist } from './support/typist.mjs';
import { pause, until, within } from './support/wait.mjs';

const isLong = process.env.VIBESYNC_LONG === '1';
const cutter = new PgCutter();
const ground = await stand({ 'checkpoint-idle-ms': 100, 'checkpoint-bytes': 4000, 'evict-idle-ms': 200 },
    { url: (cluster) => cutter.listen(cluster) });
const { cluster } = ground;
const seed = seedOfThisRun();

const logged = (event, file) => ground.server.log.split('\n').filter((l) => l.includes(event) && l.includes(file)).length;
const evicted = async (person, replica) => {
    const before = logged('document.evicted', replica.file);
    await person.request('doc.close', { doc: replica.doc });
    replica.doc = undefined;
    await until('it leaves memory', () => logged('document.evicted', replica.file) > before);
};

// Four people typing in one file.
async function typing(path, random) {
    const owner = await ground.owner();
    await owner.request('file.create', { path });
    const people = [owner, await ground.guest(owner, 'b'), await ground.guest(owner, 'c'), await ground.guest(owner, 'd')];
    for (const person of people) await person.open(path);
    const typists = people.map((person) => new Typist(person, random.between(0, 2 ** 32)));
    for (const typist of typists) typist.start();
    return { typists, replicas: people.map((p) => p.openReplicas[0]) };
}

async function assertWell({ typists, replicas }) {
    for (const typist of typists) await typist.stop();
    for (const replica of replicas) await replica.saved(60_000);
    await until('all have the same text', () => replicas.every((r) => r.text === replicas[0].text));
    assert.equal((await storedDocument(cluster, replicas[0].file)).text, replicas[0].text);
    for (const { person } of typists) {
        person.givenUp = true;
        person.socket.terminate();
    }
}

const ackedCount = (replicas) => replicas.reduce((sum, r) => sum + r.everAcked.length, 0);

test(`connections cut between a commit and its answer: the outcome is found out, nothing is there twice (VIBESYNC_SEED=${seed})`, async (t) => {
    const work = await typing('cut.md', new Random(seed));
    const cuts = isLong ? 60 : 8;
    for (let i = 0; i < cuts; i++) {
        const before = ackedCount(work.replicas);
        await until('something more is saved', () => ackedCount(work.replicas) > before);
        await cutter.cutAfterAnAnswer(); // the statement has reached PostgreSQL, its answer reaches nobody
    }
    assert.deepEqual(work.typists.map(({ person }) => person.closeEvent), [null, null, null, null], 'nobody lost the line');
    await assertWell(work);
    const updates = await storedUpdates(cluster, work.replicas[0].file);
    const keys = updates.map((u) => `${u.origin} ${Buffer.from(u.update).toString('hex')}`);
    assert.equal(new Set(keys).size, keys.length, 'journal and history hold each update once');
    assert.ok(cutter.lost > 0, 'answers were lost');
    t.diagnostic(`${cuts} cuts, ${cutter.lost} bytes of answers lost, ${updates.length} updates stored`);
});

test('a chat message whose answer is lost behind its commit is answered, and told to everybody once', async () => {
    const { owner, guest } = await ground.pair();
    const cut = cutter.silence('chat_send');
    const message = { client_msg_id: randomUUID(), text: 'is it there?' };
    const sent = owner.request('chat.send', message);
    await until('it is stored', () => cluster.row('select 1 from chat_messages where client_msg_id = $1', [message.client_msg_id]));
    cut();
    const { id, seq } = await sent;
    assert.equal((await guest.notified('chat.posted')).id, id);
    const next = await guest.request('chat.send', { client_msg_id: randomUUID(), text: 'it is' });
    assert.equal(next.seq, seq + 1);
    await owner.notified('chat.posted', (posted) => posted.id === next.id); // in order behind what else was told
    for (const person of [owner, guest])
        assert.deepEqual(person.notifications.filter(({ method }) => method === 'chat.posted').map(({ params }) => params.text), ['is it there?', 'it is']);
});

test('a killed backend takes the whole cluster down and up again: the same', async () => {
    const work = await typing('backend.md', new Random(seed + 1));
    for (let i = 0; i < (isLong ? 10 : 1); i++) {
        const before = ackedCount(work.replicas);
        await until('something more is saved', () => ackedCount(work.replicas) > before);
        const admin = await cluster.connect({ user: 'postgres' });
        const { rows } = await admin.query("select pid from pg_stat_activity where usename = 'vibesync_server' order by random() limit 1");
        const down = new Promise((resolve) => admin.once('end', resolve)); // all backends are ended, this one too
        process.kill(rows[0].pid, 'SIGKILL');
        await within('PostgreSQL has seen it', down);
        await until('PostgreSQL is back', async () => {
            await cluster.end();
            return cluster.row('select 1');
        });
        await ground.server.ready();
    }
    await assertWell(work);
});

test('one poisoned row: the others in its group commit, its document is quarantined, said so, and comes back unharmed', async () => {
    const { owner, guest } = await ground.pair();
    const poisoned = await owner.create('poisoned.md');
    const sound = await owner.create('sound.md');
    const theirs = await guest.open('poisoned.md');
    poisoned.insert(0, 'good. ');
    await poisoned.saved();
    await theirs.sees('good. ');
    await cluster.rows(`create function refuse() returns trigger language plpgsql as $$ begin
        if new.file_id = '${poisoned.file}' then raise exception 'no' using errcode = '22000'; end if; return new; end $$`);
    await cluster.rows('create trigger refuse before insert on crdt_journal for each row execute function refuse()');

    poisoned.insert(0, 'poison. '); // one message for each, in one turn: one group
    for (let i = 0; i < 20; i++) sound.insert(0, `${i} `);
    await sound.saved();
    await until('both readers of the culprit are told', () => poisoned.gone && theirs.gone);
    assert.deepEqual([poisoned.gone.reason, theirs.gone.reason], ['quarantined', 'quarantined']);
    assert.equal(poisoned.acked, 1, 'the refused one was never acknowledged');
    assert.equal((await owner.refusal('doc.open', { path: 'poisoned.md', client_id: 4 })).code, 'quarantined');
    assert.equal((await storedDocument(cluster, poisoned.file)).text, 'good. ');

    await cluster.rows('drop trigger refuse on crdt_journal');
    await cluster.rows('update files set quarantined_at = null, quarantine_reason = null where id = $1', [poisoned.file]);
    await poisoned.open();
    await poisoned.saved();
    assert.equal((await storedDocument(cluster, poisoned.file)).text, 'poison. good. ');
    assert.deepEqual([owner.closeEvent, guest.closeEvent], [null, null]);
});

describe('a checkpoint that fails', { concurrency: true }, () => {
    // `body`: what happens to it between its first and its last row.
    async function halfWay(path, body, during) {
        const name = path.split('.')[0];
        const { owner, guest } = await ground.pair();
        const mine = await owner.create(path);
        const theirs = await guest.open(path);
        mine.insert(0, 'one. ');
        await mine.saved();
        await until('it is checkpointed', async () => (await storedDocument(cluster, mine.file)).journalRows === 0);
        const before = await cluster.row('select md5(state) as state, version from crdt_checkpoints where file_id = $1', [mine.file]);
        await cluster.rows(`create function ${name}() returns trigger language plpgsql as $$ begin
            if new.file_id = '${mine.file}' then ${body} end if; return new; end $$`);
        await cluster.rows(`create trigger ${name} before insert on crdt_history for each row execute function ${name}()`);
        mine.insert(0, 'two. ');
        await mine.saved();
        await during(mine);
        const stored = await storedDocument(cluster, mine.file);
        assert.equal(stored.text, 'two. one. ');
        assert.ok(stored.journalRows > 0, 'the journal still has what no checkpoint has');
        assert.deepEqual(await cluster.row('select md5(state) as state, version from crdt_checkpoints where file_id = $1', [mine.file]), before);
        theirs.insert(0, 'three. ');
        await theirs.saved(); // saving does not depend on it
        await cluster.rows(`drop trigger ${name} on crdt_history`);
        await until('the next one does it', async () => (await storedDocument(cluster, mine.file)).journalRows === 0);
        await mine.sees('three. two. one. ');
        assert.equal((await storedDocument(cluster, mine.file)).text, 'three. two. one. ');
        assert.equal((await newestVersion(cluster, mine.file)).content, 'three. two. one. ');
        assert.deepEqual([owner.closeEvent, guest.closeEvent, mine.gone, theirs.gone], [null, null, null, null]);
    }

    test('refused by PostgreSQL half-way: nothing has changed, and the next one does it', () =>
        halfWay('refused.md', "raise exception 'half-way' using errcode = '53100';", (mine) =>
            until('it was tried', () => logged('checkpoint.failed', mine.file) > 0)));

    test('its connection killed half-way: the same', () =>
        halfWay('killed.md', 'perform pg_sleep(60);', async (mine) => {
            const admin = await cluster.connect({ user: 'postgres' });
            await until('it is under way', async () => (await admin.query(
                "select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep' and usename = 'vibesync_server'")).rows.length > 0);
            await admin.end();
            await until('it was noticed', () => logged('checkpoint.failed', mine.file) > 0);
        }));
});

test('a load that fails is no blank document: it is refused for now, nothing is written over it, and works when it can', async () => {
    const { owner, guest } = await ground.pair();
    const mine = await owner.create('unloadable.md');
    mine.insert(0, 'typed for hours');
    await mine.saved();
    await evicted(owner, mine);
    const before = await cluster.row('select md5(state) as state, version from crdt_checkpoints where file_id = $1', [mine.file]);
    await cluster.rows('revoke select on crdt_checkpoints from vibesync_server');

    for (const [i, person] of [owner, guest].entries()) {
        const error = await person.refusal('doc.open', { path: 'unloadable.md', client_id: 4 + i });
        assert.deepEqual([error.code, error.retry], ['unavailable', 'later']);
    }
    await pause(500); // longer than a checkpoint or an eviction would wait
    assert.deepEqual(await cluster.row('select md5(state) as state, version from crdt_checkpoints where file_id = $1', [mine.file]), before);
    assert.equal((await cluster.row('select quarantined_at from files where id = $1', [mine.file])).quarantined_at, null, 'nothing is damaged');

    await cluster.rows('grant select on crdt_checkpoints to vibesync_server');
    const theirs = await guest.open('unloadable.md');
    await theirs.sees('typed for hours');
});
