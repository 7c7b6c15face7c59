// documents.test.mjs — documents come and go in memory: shared loads, eviction, many loops, damage on disk.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { newestVersion, storedDocument } from './support/documents.mjs';
import { stand } from './support/ground.mjs';
import { Participant } from './support/native.mjs';
import { until } from './support/wait.mjs';

const ground = await stand({ loops: 4, 'evict-idle-ms': 300, 'checkpoint-idle-ms': 200 });

// The server's own word on a document: one line of its log per event.
const logged = (event, file) => ground.server.log.split('\n').filter((line) => line.includes(event) && line.includes(file)).length;

async function evicted(replica, participants, times = 1) {
    for (const person of participants)
        for (const open of person.openReplicas.filter((r) => r.path === replica.path)) await person.request('doc.close', { doc: open.doc });
    await until('it leaves memory', () => logged('document.evicted', replica.file) === times);
}

test('a document nobody reads is saved, leaves memory, and comes back as it was', async () => {
    const { owner, guest } = await ground.pair();
    const mine = await owner.create('idle.md');
    mine.insert(0, 'to be kept\n');
    await mine.saved();

    await evicted(mine, [owner]);
    assert.equal((await ground.cluster.row('select count(*)::int as n from crdt_journal where file_id = $1', [mine.file])).n, 0);
    assert.equal((await newestVersion(ground.cluster, mine.file)).content, 'to be kept\n');

    const theirs = await guest.open('idle.md');
    await theirs.sees('to be kept\n');
    theirs.insert(0, 'and changed: ');
    await theirs.saved();
    const again = await owner.open('idle.md');
    await again.sees('and changed: to be kept\n');
});

test('everybody who opens a cold document at once shares one load', async () => {
    const owner = await ground.owner({ max_participants: 100 });
    const mine = await owner.create('popular.md');
    mine.insert(0, 'read by many');
    await mine.saved();
    await evicted(mine, [owner]);
    const loads = logged('document.opened', mine.file);
    const readers = await Promise.all(Array.from({ length: 25 }, (_, i) => ground.guest(owner, `reader ${i}`)));

    const replicas = await Promise.all(readers.map((reader) => reader.open('popular.md')));

    for (const replica of replicas) await replica.sees('read by many');
    assert.equal(new Set(replicas.map((r) => r.doc)).size, 1, 'one number for all');
    assert.equal(logged('document.opened', mine.file), loads + 1);
});

test('opening an open document again begins to count anew', async () => {
    const owner = await ground.owner();
    const mine = await owner.create('again.md');
    for (const word of ['one ', 'two ', 'three ']) mine.insert(0, word);
    await mine.saved();
    assert.equal(mine.acked, 3);

    await mine.open();
    mine.insert(0, 'four ');
    await mine.saved();

    assert.ok(mine.acked < 3);
    assert.equal((await storedDocument(ground.cluster, mine.file)).text, 'four three two one ');
});

test('sessions spread over the loops, and people of one session meet whatever loop took their connection', async () => {
    const sessions = 24;
    const numbers = [];
    for (let s = 0; s < sessions; s++) {
        const owner = await ground.owner();
        const people = [owner, ...(await Promise.all([1, 2, 3].map((i) => ground.guest(owner, `guest ${i}`))))];
        const [first, ...others] = [await owner.create('meet.md'), ...(await Promise.all(people.slice(1).map((p) => p.open('meet.md'))))];
        first.insert(0, `session ${s}`);
        for (const replica of others) {
            assert.equal(replica.doc, first.doc);
            await replica.sees(`session ${s}`);
        }
        numbers.push(first.doc);
        for (const person of people) person.socket.terminate();
    }
    // Each loop numbers its documents by itself: were all sessions on one loop, no number would come twice.
    assert.ok(new Set(numbers).size < sessions, `document numbers: ${numbers}`);
});

describe('damage on disk', () => {
    // A document with a checkpoint and nothing in memory; `damage` breaks what is stored.
    async function damaged(name, damage) {
        const { owner, guest } = await ground.pair();
        const mine = await owner.create(name);
        const other = await owner.create(`sound-${name}`);
        mine.insert(0, 'precious text, typed for hours');
        other.insert(0, 'sound');
        await mine.saved();
        await other.saved();
        await evicted(mine, [owner]);
        await damage(mine.file);
        return { owner, guest, mine, other };
    }
    const stored = (file) => ground.cluster.row(
        'select md5(state) as state, version from crdt_checkpoints where file_id = $1', [file]);
    const flip = (column) => (file) => ground.cluster.rows(
        `update crdt_checkpoints set ${column} = set_byte(${column}, length(${column}) / 2, get_byte(${column}, length(${column}) / 2) # 4) ` +
        'where file_id = $1', [file]);
    const cases = [
        ['a flipped bit in the state', flip('state')],
        ['a flipped bit in the state vector', flip('state_vector')],
        ['half a state', (file) => ground.cluster.rows(
            'update crdt_checkpoints set state = substr(state, 1, length(state) / 2) where file_id = $1', [file])],
        ['a checkpoint that is gone', (file) => ground.cluster.rows('delete from crdt_checkpoints where file_id = $1', [file])],
        ['a journal row of noise', (file) => ground.cluster.rows(
            "insert into crdt_journal (session_id, file_id, epoch, writer, writer_seq, updates) " +
            "select session_id, id, epoch, gen_random_uuid(), 1, '\\x01020304050607080900ff' from files where id = $1", [file])],
    ];
    for (const [i, [name, damage]] of cases.entries()) {
        test(`${name}: quarantined, nothing is overwritten, everything else goes on`, async () => {
            const { owner, guest, mine, other } = await damaged(`damaged-${i}.md`, damage);
            const before = await stored(mine.file);

            const error = await guest.refusal('doc.open', { path: mine.path, client_id: 11 });
            assert.deepEqual([error.code, error.retry], ['quarantined', 'never']);
            const row = await until('it is marked', async () => {
                const file = await ground.cluster.row('select * from files where id = $1', [mine.file]);
                return file.quarantined_at && file;
            });
            assert.ok(row.quarantine_reason.length > 10);
            assert.equal((await owner.refusal('doc.open', { file: mine.file, client_id: mine.ydoc.clientID })).code, 'quarantined');
            assert.deepEqual(await stored(mine.file), before);
            assert.equal((await newestVersion(ground.cluster, mine.file)).content, 'precious text, typed for hours');
            const { files } = await owner.request('file.list');
            assert.deepEqual(files.map((f) => [f.path, f.quarantined]), [[mine.path, true], [other.path, false]]);
            other.insert(0, 'still ');
            await other.saved();
            assert.deepEqual([owner.closeEvent, guest.closeEvent], [null, null]);
        });
    }
});

test('an unknown session of a good token, joined on every loop, is refused on each', async () => {
    const owner = await ground.owner();
    for (let i = 0; i < 8; i++) {
        const stranger = new Participant(ground.server, { ...owner.session, session: crypto.randomUUID() });
        await stranger.connectOnly();
        assert.equal((await stranger.refusal('session.join', { client: 'x', protocol: 1, credential: owner.session.token })).code, 'credentials');
        assert.equal((await stranger.ended()).code, 4401);
    }
});
