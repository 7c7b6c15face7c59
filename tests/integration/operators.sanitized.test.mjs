// operators.test.mjs — what whoever runs the database is given: verify, doc dump, quarantine and release, back-ups, the connections.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import * as Y from 'yjs';
import { newestVersion, storedDocument } from './support/documents.mjs';
import { stand } from './support/ground.mjs';
import { runOperator } from './support/operator.mjs';
import { Server } from './support/server.mjs';
import { Typist } from './support/typist.mjs';
import { until } from './support/wait.mjs';

const LOOPS = 3;
const ground = await stand({ loops: LOOPS, 'evict-idle-ms': 200, 'checkpoint-idle-ms': 100 });
const { cluster } = ground;

const operator = (words, options) => runOperator(cluster, words, options);
const journalRows = async (file) => (await cluster.row('select count(*)::int as n from crdt_journal where file_id = $1', [file])).n;
const checkpointed = (file) => until('its journal is empty and its checkpoint there', async () => (await journalRows(file)) === 0 &&
    (await cluster.row('select checkpoint_version::int as n from files where id = $1', [file])).n > 0);

// A document that is saved, checkpointed and in nobody's memory.
async function resting(path, write) {
    const owner = await ground.owner();
    const replica = await owner.create(path);
    await write(replica);
    await replica.saved();
    await checkpointed(replica.file);
    await owner.request('doc.close', { doc: replica.doc });
    await until('it leaves memory', () => ground.server.log.split('\n').some((l) => l.includes('document.evicted') && l.includes(replica.file)));
    replica.doc = undefined;
    return { owner, replica, file: replica.file };
}

const flip = (table, column) => (file) => cluster.rows(
    `update ${table} set ${column} = set_byte(${column}, length(${column}) / 2, get_byte(${column}, length(${column}) / 2) # 4) where file_id = $1`, [file]);

async function forget(file) {
    await cluster.rows('delete from files where id = $1', [file]);
    await cluster.rows('delete from crdt_journal where file_id = $1', [file]);
}

test('verify finds nothing wrong with a database that people work on', async () => {
    const { owner, guest } = await ground.pair();
    await owner.create('busy.md');
    await guest.open('busy.md');
    const typists = [owner, guest].map((person, i) => new Typist(person, i));
    for (const typist of typists) typist.start();
    for (let i = 0; i < 5; i++) {
        const { status, text, err } = await operator(['verify'], { role: 'vibesync_server' });
        assert.equal(status, 0, text + err);
        assert.match(text, /^\d+ documents, 0 damaged, 0 quarantined; \d+ journal rows, \d+ chunks of history$/m);
    }
    for (const typist of typists) await typist.stop();
});

test('verify names what is damaged, and changes nothing', async () => {
    const cases = [
        ['a bit of the state', 'check sum', flip('crdt_checkpoints', 'state')],
        ['a bit of the history', 'history', flip('crdt_history', 'updates')],
        ['a checkpoint that is gone', 'missing', (file) => cluster.rows('delete from crdt_checkpoints where file_id = $1', [file])],
        ['a journal row of noise', 'journal row', (file) => cluster.rows(
            "insert into crdt_journal (session_id, file_id, epoch, writer, writer_seq, updates) " +
            "select session_id, id, epoch, gen_random_uuid(), 1, '\\x01020304050607080900ff' from files where id = $1", [file])],
        ['a newest version that is gone', 'newest version', (file) => cluster.rows('delete from file_versions where file_id = $1', [file])],
        ['a newest version with another text', 'newest version', (file) => cluster.rows("update file_versions set content = 'x' where file_id = $1", [file])],
        ['a hash that is another text\'s', 'the file says', (file) => cluster.rows('update files set content_hash = reverse(content_hash) where id = $1', [file])],
    ];
    const rested = await Promise.all(cases.map((_, i) => resting(`verify-${i}.md`, (replica) => replica.insert(0, 'a text that matters'))));
    for (const [i, [, , damage]] of cases.entries()) await damage(rested[i].file);
    const everything = () => cluster.row(`select md5(string_agg(f::text, '' order by id)) as files, (select count(*)::int from crdt_journal) as rows,
        (select count(*)::int from crdt_checkpoints) as checkpoints from files f`);
    const before = await everything();

    const { status, text } = await operator(['verify']);

    assert.equal(status, 1);
    const lines = text.split('\n').filter((line) => line.startsWith('damaged'));
    for (const [i, [name, word]] of cases.entries()) {
        const found = lines.filter((line) => line.includes(rested[i].file));
        assert.equal(found.length, 1, `${name}: ${text}`);
        assert.ok(found[0].includes(`verify-${i}.md`) && found[0].includes(word), `${name}: ${found[0]}`);
    }
    assert.equal(lines.length, cases.length, 'nothing else is called damaged');
    assert.deepEqual(await everything(), before);
    for (const { file } of rested) await forget(file);
});

test('an edit that commits only behind a checkpoint gets another: its journal does not stay', async () => {
    const replica = await (await ground.owner()).create('behind.md');
    const admin = await cluster.connect({ user: 'postgres' });
    await admin.query('begin');
    await admin.query('lock table crdt_journal in share mode'); // it can be read
    replica.insert(0, 'on its way');
    await until('a checkpoint has it, or waits to be written', async () =>
        ground.server.log.split('\n').some((l) => l.includes('checkpoint.written') && l.includes(replica.file)) ||
        (await admin.query("select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock'")).rows[0].n > 1);
    await admin.query('commit');
    await admin.end();
    await replica.saved();
    await checkpointed(replica.file);
    assert.equal((await newestVersion(cluster, replica.file)).content, 'on its way');
});

describe('doc dump', () => {
    test('gives text, update, version and log; the log knows who deleted', async () => {
        const { owner, guest } = await ground.pair();
        const mine = await owner.create('dumped.md');
        const theirs = await guest.open('dumped.md');
        mine.insert(0, 'written by the owner, ');
        await mine.saved();
        await theirs.sees('written by the owner, ');
        await checkpointed(mine.file); // this part is in the history, what follows may be in the journal
        theirs.delete(0, 8);
        theirs.insert(theirs.text.length, 'and the guest');
        await theirs.saved();
        const text = 'by the owner, and the guest';
        await mine.sees(text);

        assert.equal((await operator(['doc', 'dump', mine.file])).text, text);
        const { out } = await operator(['doc', 'dump', mine.file, '--as', 'update']);
        const ydoc = new Y.Doc();
        Y.applyUpdate(ydoc, new Uint8Array(out));
        assert.equal(ydoc.getText('text').toString(), text);
        const log = (await operator(['doc', 'dump', mine.file, '--as', 'log'])).text.trim().split('\n').map((l) => l.split(/\s+/));
        const deleted = log.filter(([, , , minus]) => minus !== '-0');
        assert.deepEqual(deleted.map(([, author, , minus]) => [author, minus]), [[guest.session.user, '-8']]);
        assert.deepEqual(log.map(([, author]) => author), [owner.session.user, guest.session.user, guest.session.user]);
        await checkpointed(mine.file);
        assert.equal((await operator(['doc', 'dump', mine.file, '--as', 'version'])).text, text);
    });

    test('reads what is left of a damaged document', async () => {
        const { owner, file } = await resting('half.md', (replica) => replica.insert(0, 'the part in the checkpoint'));
        await cluster.rows("insert into crdt_journal (session_id, file_id, epoch, writer, writer_seq, updates) " +
            "select session_id, id, epoch, gen_random_uuid(), 1, '\\x01020304050607080900ff' from files where id = $1", [file]);
        assert.equal((await owner.refusal('doc.open', { path: 'half.md', client_id: 5 })).code, 'quarantined');

        const refused = await operator(['doc', 'dump', file]);
        assert.equal(refused.status, 1);
        assert.match(refused.err, /journal row .* fails its check/);
        const { status, text, err } = await operator(['doc', 'dump', file, '--as', 'salvage']);
        assert.deepEqual([status, text], [0, 'the part in the checkpoint']);
        assert.match(err, /journal row/);
        assert.equal((await operator(['doc', 'dump', file, '--as', 'version'])).text, 'the part in the checkpoint');
        await forget(file);
    });

    test('says what it was not told well', async () => {
        assert.equal((await operator(['doc', 'dump', 'nonsense'])).status, 2);
        assert.equal((await operator(['doc', 'dump', crypto.randomUUID()])).status, 1);
        assert.equal((await operator(['doc', 'dump', crypto.randomUUID(), '--as', 'poetry'])).status, 2);
        assert.equal((await operator(['doc', 'fry', crypto.randomUUID()])).status, 2);
        assert.equal((await operator(['verify'], { url: 'postgresql://nobody@/nowhere?host=/nonexistent' })).status, 1);
    });
});

describe('doc quarantine and release', () => {
    test('a quarantined document leaves everybody within seconds; released as it is, old replicas go on', async () => {
        const { owner, guest } = await ground.pair();
        const mine = await owner.create('aside.md');
        const theirs = await guest.open('aside.md');
        mine.insert(0, 'before. ');
        await mine.saved();
        await theirs.sees('before. ');

        assert.equal((await operator(['doc', 'quarantine', mine.file])).status, 2, 'it needs a reason');
        assert.equal((await operator(['doc', 'quarantine', mine.file, '--reason', 'to look at it'])).text, 'quarantined: to look at it\n');
        await until('both are told', () => mine.gone && theirs.gone);
        assert.deepEqual([mine.gone.reason, theirs.gone.reason], ['quarantined', 'quarantined']);
        mine.doc = undefined; // what is typed now stays in the replica
        mine.insert(0, 'meanwhile. ');
        assert.equal((await guest.refusal('doc.open', { path: 'aside.md', client_id: 77 })).code, 'quarantined');

        const { status, text } = await operator(['doc', 'release', mine.file]); // waits until ten seconds have passed
        assert.deepEqual([status, text], [0, 'released as it is\n']);
        await mine.open();
        await mine.saved();
        await theirs.open();
        await theirs.sees('meanwhile. before. ');
        assert.equal((await operator(['doc', 'release', mine.file])).status, 1, 'it is not quarantined any more');
    });

    test('a damaged one stays out until it gets a new epoch from a saved version', async () => {
        const { owner, file, replica } = await resting('broken.md', (r) => r.insert(0, 'the last saved version'));
        await flip('crdt_checkpoints', 'state')(file);
        assert.equal((await owner.refusal('doc.open', { path: 'broken.md', client_id: 5 })).code, 'quarantined');
        await until('it is marked', async () => (await cluster.row('select quarantined_at from files where id = $1', [file])).quarantined_at);
        await cluster.rows("update files set quarantined_at = quarantined_at - interval '1 minute' where id = $1", [file]);

        const refused = await operator(['doc', 'release', file]);
        assert.equal(refused.status, 1);
        assert.match(refused.err, /check sum/);
        const { status, text, err } = await operator(['doc', 'release', file, '--version', '0'], { role: 'vibesync_server' });
        assert.deepEqual([status, text], [0, 'released with a new epoch: 2\n'], err);

        const error = await owner.refusal('doc.open', { path: 'broken.md', client_id: replica.ydoc.clientID, epoch: 1 });
        assert.deepEqual([error.code, error.data.epoch], ['epoch_mismatch', 2]);
        const again = await owner.open('broken.md');
        await again.sees('the last saved version');
        again.insert(0, 'on with ');
        await again.saved();
        await checkpointed(file);
        assert.equal((await newestVersion(cluster, file)).content, 'on with the last saved version');
        assert.equal((await operator(['verify'])).status, 0);
    });
});

test('a copy of the files with the write-ahead log, taken while people type, is a whole database', async () => {
    const { owner, guest } = await ground.pair();
    const mine = await owner.create('copied.md');
    await guest.open('copied.md');
    const typists = [owner, guest].map((person, i) => new Typist(person, 10 + i));
    for (const typist of typists) typist.start();
    await until('something is saved', () => mine.everAcked.length > 20);
    const acked = [...mine.everAcked];
    const copy = await cluster.copy();
    let server;
    after(async () => {
        await server?.destroy(); // first: what it has loaded wants a checkpoint
        await copy.destroy();
    });
    for (const typist of typists) await typist.stop();
    await copy.start();

    const { status, text, err } = await runOperator(copy, ['verify']);
    assert.equal(status, 0, text + err);
    const { ydoc } = await storedDocument(copy, mine.file);
    for (const update of acked) Y.applyUpdate(ydoc, update);
    assert.equal((await storedDocument(copy, mine.file)).text, ydoc.getText('text').toString(), 'what was acknowledged before the copy is in it');
    // And a server runs on it.
    server = await Server.create(copy, { loops: 1 });
    const there = await ground.join({ ...owner.session }, undefined, server);
    const replica = await there.open('copied.md');
    await replica.sees((await storedDocument(copy, mine.file)).text);
    there.socket.terminate();
});

test('the server holds three connections per loop and never more', async () => {
    const admin = await cluster.connect({ user: 'postgres' }); // others may not see this
    after(() => admin.end());
    const count = async () => (await admin.query("select count(*)::int as n from pg_stat_activity where usename = 'vibesync_server' and backend_type = 'client backend'")).rows[0].n;
    assert.equal(await count(), 3 * LOOPS);
    const owner = await ground.owner({ max_participants: 100 });
    const people = await Promise.all(Array.from({ length: 30 }, (_, i) => ground.guest(owner, `guest ${i}`)));
    await owner.request('file.create', { path: 'many.md' });
    let most = 0;
    await Promise.all([...people.map((p) => p.open('many.md')), ...Array.from({ length: 20 }, () => owner.request('file.list')),
        (async () => {
            for (let i = 0; i < 20; i++) most = Math.max(most, await count());
        })()]);
    assert.equal(most, 3 * LOOPS);
});
