// files.test.mjs — the tree of a session, and text in its files.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newestVersion, storedDocument } from './support/documents.mjs';
import { stand } from './support/ground.mjs';
import { until } from './support/wait.mjs';

const ground = await stand({ 'checkpoint-idle-ms': 200 });

test('files are created, listed, renamed and deleted, and everybody is told', async () => {
    const { owner, guest } = await ground.pair();

    const { file } = await owner.request('file.create', { path: 'src/main.c' });
    assert.equal((await guest.notified('file.changed', (n) => n.event === 'created')).file.path, 'src/main.c');
    await guest.request('file.rename', { file: file.id, path: 'src/start.c' });
    const renamed = await owner.notified('file.changed', (n) => n.event === 'renamed');
    assert.deepEqual([renamed.file.id, renamed.file.path, renamed.user], [file.id, 'src/start.c', guest.session.user]);
    assert.deepEqual((await owner.request('file.list')).files.map((f) => f.path), ['src/start.c']);
    await owner.request('file.delete', { file: file.id });
    await guest.notified('file.changed', (n) => n.event === 'deleted');

    assert.deepEqual((await guest.request('file.list')).files, []);
    const row = await ground.cluster.row('select * from files where id = $1', [file.id]);
    assert.ok(row.deleted_at, 'the row stays, marked');
    assert.deepEqual([row.filename, row.file_type], ['start.c', '.c']);
});

test('of two who take the same path at once one wins and the other is told that it exists', async () => {
    const { owner, guest } = await ground.pair();
    for (let round = 0; round < 10; round++) {
        const path = `race-${round}.txt`;
        const answers = await Promise.allSettled([owner, guest].map((person) => person.request('file.create', { path })));

        assert.deepEqual(answers.map((a) => a.status).sort(), ['fulfilled', 'rejected']);
        assert.equal(answers.find((a) => a.status === 'rejected').reason.code, 'exists');
    }
    const { n } = await ground.cluster.row('select count(*)::int as n from files where session_id = $1', [owner.session.session]);
    assert.equal(n, 10);
});

test('a path that is taken cannot be renamed to, and the path of a deleted file is free again', async () => {
    const owner = await ground.owner();
    const { file: a } = await owner.request('file.create', { path: 'a' });
    const { file: b } = await owner.request('file.create', { path: 'b' });

    assert.equal((await owner.refusal('file.rename', { file: b.id, path: 'a' })).code, 'exists');
    await owner.request('file.delete', { file: a.id });
    await owner.request('file.rename', { file: b.id, path: 'a' });

    assert.deepEqual((await owner.request('file.list')).files.map((f) => [f.id, f.path]), [[b.id, 'a']]);
    assert.equal((await owner.refusal('file.delete', { file: a.id })).code, 'not_found');
});

test('paths that no session can hold are refused by name', async () => {
    const owner = await ground.owner();
    const bad = ['', '/etc/passwd', '../up', 'a/../b', 'a//b', 'a/', './a', 'tab\there', 'nul\0byte', 'x'.repeat(256), `${'d/'.repeat(520)}f`];
    for (const path of bad) {
        const error = await owner.refusal('file.create', { path });
        assert.equal(error.code, 'invalid_params', JSON.stringify(path.slice(0, 20)));
    }
    assert.deepEqual((await owner.request('file.list')).files, []);
});

test('names that look alike are one name (NFC)', async () => {
    const owner = await ground.owner();
    await owner.request('file.create', { path: 'caf\u00e9.md' });

    assert.equal((await owner.refusal('file.create', { path: 'cafe\u0301.md' })).code, 'exists');
});

test('the list comes in pages', async () => {
    const owner = await ground.owner();
    const paths = Array.from({ length: 25 }, (_, i) => `f${String(i).padStart(2, '0')}`);
    for (const path of paths) await until(`${path} exists`, () => owner.request('file.create', { path }));

    const seen = [];
    let after;
    do {
        const page = await owner.request('file.list', { limit: 10, ...(after ? { after } : {}) });
        assert.ok(page.files.length <= 10);
        seen.push(...page.files.map((f) => f.path));
        after = page.next;
    } while (after);
    assert.deepEqual(seen, paths);
});

test('ten thousand files come in pages', async () => {
    const owner = await ground.owner();
    const { session } = owner.session;
    await ground.cluster.rows(`insert into files (session_id, filename, file_path)
        select $1, n || '.md', 'src/' || lpad(n::text, 5, '0') || '/' || n || '.md' from generate_series(1, 10000) n returning id`, [session]);
    const again = await ground.join(owner.session);
    assert.equal(again.joined.files_count, 10_000);
    assert.equal(again.joined.files, undefined, 'joining costs the same however many there are');

    const seen = [];
    let after;
    do {
        const page = await until('a page', () => again.request('file.list', { limit: 500, ...(after ? { after } : {}) }));
        assert.ok(page.files.length <= 500);
        seen.push(...page.files.map((f) => f.path));
        after = page.next;
    } while (after);

    assert.equal(seen.length, 10_000);
    assert.deepEqual(seen, [...new Set(seen)].sort());
    assert.equal((await again.refusal('file.list', { limit: 501 })).code, 'invalid_params');
});

test('deleting a file ends its open document for everyone', async () => {
    const { owner, guest } = await ground.pair();
    const mine = await owner.create('doomed.txt');
    const theirs = await guest.open('doomed.txt');
    mine.insert(0, 'last words');
    await theirs.sees('last words');

    await guest.request('file.delete', { file: mine.file });

    await until('both are told', () => mine.gone && theirs.gone);
    assert.deepEqual([mine.gone.reason, theirs.gone.reason], ['deleted', 'deleted']);
    assert.equal((await owner.refusal('doc.open', { path: 'doomed.txt', client_id: 1 })).code, 'not_found');
    const chatter = await owner.request('file.list'); // the connection lives on
    assert.deepEqual(chatter.files, []);
});

test('a rename keeps the open document', async () => {
    const { owner, guest } = await ground.pair();
    const mine = await owner.create('before.txt');
    const theirs = await guest.open('before.txt');
    mine.insert(0, 'one');
    await guest.request('file.rename', { file: mine.file, path: 'after.txt' });

    mine.insert(3, ' two');

    await theirs.sees('one two');
    const reader = await owner.open('after.txt', {});
    await reader.sees('one two');
});

test('text of any kind comes back as it was: NUL, CRLF, emoji, combining marks', async () => {
    const { owner, guest } = await ground.pair();
    const texts = {
        'nul.bin.txt': 'a\0b\0\0c', 'crlf.txt': 'one\r\ntwo\r\n', 'emoji.txt': '👩‍👩‍👧‍👦 flag 🇩🇪 e\u0301', 'bom.txt': '\ufeffx\uffff', 'empty.txt': '',
    };
    for (const [path, text] of Object.entries(texts)) {
        const mine = await owner.create(path);
        const theirs = await guest.open(path);
        if (text) mine.insert(0, text);
        await theirs.sees(text);
        await mine.saved();
        const stored = await storedDocument(ground.cluster, mine.file);
        assert.equal(stored.text, text, path);
        if (!text) continue;
        const version = await until(`a version of ${path}`, () => newestVersion(ground.cluster, mine.file));
        assert.deepEqual(version.bytes, Buffer.from(text, 'utf8'), path);
        assert.equal(version.content === null, text.includes('\0'), 'only what PostgreSQL cannot hold as text is bytes');
        const { file_size } = await ground.cluster.row('select file_size from files where id = $1', [mine.file]);
        assert.equal(file_size, Buffer.byteLength(text));
    }
});
