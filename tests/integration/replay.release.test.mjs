// replay.release.test.mjs — whole recorded editing sessions, typed by several C clients through the server, watched by a C client and by
// a real Yjs document. In the end all texts, the checkpoint and the newest version are the trace's final text, byte for byte.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as Y from 'yjs';
import { CliWatcher, runCli } from './support/cli.mjs';
import { newestVersion, storedDocument } from './support/documents.mjs';
import { stand } from './support/ground.mjs';
import { Random, seedOfThisRun } from './support/random.mjs';
import { traceText, tracePath } from './support/traces.mjs';
import { pause, until } from './support/wait.mjs';

const LONG_MS = 240_000;
const ground = await stand({ 'presence-ms': 200, 'checkpoint-idle-ms': 500 });

for (const name of ['friendsforever', 'automerge-paper']) {
    test(`${name}, typed by four C clients`, async (t) => {
        const text = traceText(name);
        const path = `${name}.txt`;
        const { owner } = await ground.pair();
        const yjs = await owner.create(path);
        const watcher = new CliWatcher(ground.server, owner.session, path);
        await until('both watch', async () =>
            (await ground.cluster.rows('select 1 from editing_sessions where file_id = $1', [yjs.file])).length === 2);

        const { status, out, err } = await runCli(ground.server, owner.session,
            ['replay', tracePath(name), '--clients', '4', '--file', path, '--verify', tracePath(name).replace('.trace.', '.txt.'), '--json', '--quiet'], LONG_MS);
        assert.equal(status, 0, err + out);
        const summary = JSON.parse(out.trim());
        t.diagnostic(out.trim());
        assert.deepEqual([summary.clients_equal, summary.newcomer_equal, summary.verified, summary.units_missing], [true, true, true, 0]);

        await yjs.sees(text, LONG_MS);
        await watcher.sees(text, LONG_MS);
        assert.equal(await watcher.stop(), 0, watcher.err);
        assert.equal((await storedDocument(ground.cluster, yjs.file)).text, text);
        const cat = await runCli(ground.server, owner.session, ['cat', path]);
        assert.deepEqual([cat.status, cat.out], [0, text]);

        // Everybody quiet: a checkpoint comes, and the journal is empty.
        const file = await until('everything is in the checkpoint', async () => {
            const { n } = await ground.cluster.row('select count(*)::int as n from crdt_journal where file_id = $1', [yjs.file]);
            return n === 0 && ground.cluster.row('select * from files where id = $1', [yjs.file]);
        });
        const { state } = await ground.cluster.row('select state from crdt_checkpoints where file_id = $1', [yjs.file]);
        const fresh = new Y.Doc();
        Y.applyUpdate(fresh, new Uint8Array(state));
        assert.equal(fresh.getText('text').toString(), text);
        assert.equal(fresh.store.pendingStructs, null);
        const version = await newestVersion(ground.cluster, yjs.file);
        assert.equal(version.content, text);
        assert.deepEqual([file.file_size, file.content_hash, file.head_version],
            [Buffer.byteLength(text), version.content_hash, version.version_number]);
        assert.match(file.content_hash, /^[0-9a-f]{32}$/);
    });
}

test('automerge-paper, and the server is killed with kill -9 in the middle', async (t) => {
    const seed = seedOfThisRun();
    t.diagnostic(`VIBESYNC_SEED=${seed}`);
    const random = new Random(seed);
    const name = 'automerge-paper', text = traceText(name);
    const { owner, guest } = await ground.pair();
    const { file } = await owner.request('file.create', { path: 'killed.txt' });
    const replay = runCli(ground.server, owner.session, ['replay', tracePath(name), '--clients', '4', '--file', 'killed.txt', '--rate', '50000',
        '--verify', tracePath(name).replace('.trace.', '.txt.'), '--json', '--quiet'], LONG_MS);
    await until('it types', () => ground.cluster.row('select 1 from crdt_journal where file_id = $1', [file.id]));
    await pause(random.between(300, 2000)); // of about five seconds
    await ground.server.kill();
    const survived = (await storedDocument(ground.cluster, file.id)).text.length;
    assert.ok(survived > 0 && survived < text.length, `${survived} characters had been saved`);
    await ground.server.start();

    const { status, out, err } = await replay;
    assert.equal(status, 0, err + out);
    const summary = JSON.parse(out.trim());
    t.diagnostic(out.trim());
    assert.deepEqual([summary.clients_equal, summary.newcomer_equal, summary.verified, summary.units_missing], [true, true, true, 0]);
    assert.ok(summary.reconnects >= 4, 'all four came back');
    await guest.connect();
    await (await guest.open('killed.txt')).sees(text, LONG_MS);
    assert.equal((await storedDocument(ground.cluster, file.id)).text, text);
});
