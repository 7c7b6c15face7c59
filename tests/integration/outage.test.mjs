// outage.test.mjs — PostgreSQL goes away and comes back under people who are editing.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { storedDocument } from './support/documents.mjs';
import { stand } from './support/ground.mjs';
import { pause, until } from './support/wait.mjs';

const OUTAGE_MS = 10_000; // time passes here on purpose: what could go wrong with it does (acknowledged, closed, evicted)
const DIRTY_BYTES_MAX = 1 << 20;
const ground = await stand({ 'checkpoint-idle-ms': 500, 'dirty-bytes-max': DIRTY_BYTES_MAX });

for (const mode of ['fast', 'immediate']) {
    test(`PostgreSQL is stopped (${mode}) for ${OUTAGE_MS / 1000} s: editing goes on, acks wait, all is saved`, async () => {
        const { owner, guest } = await ground.pair();
        const mine = await owner.create(`outage-${mode}.md`);
        const theirs = await guest.open(mine.path);
        const { file: cold } = await owner.request('file.create', { path: `cold-${mode}.md` });
        mine.insert(0, 'before. ');
        await mine.saved();

        await ground.cluster.stop(mode);
        const reason = await until('/readyz says 503', async () => {
            const { status, body } = await ground.server.get('/readyz');
            return status === 503 && JSON.parse(body).error;
        });
        assert.equal(reason.code, 'unavailable');
        assert.match(reason.message, /database/);
        assert.equal((await ground.server.get('/healthz')).status, 200);

        const acked = [mine.acked, theirs.acked];
        mine.insert(mine.text.length, 'mine while away. ');
        await theirs.sees('before. mine while away. ');
        theirs.insert(0, 'theirs while away. ');
        await mine.sees('theirs while away. before. mine while away. ');
        for (const [method, params] of [['doc.open', { file: cold.id, client_id: 3 }], ['file.create', { path: 'x' }],
            ['chat.send', { client_msg_id: randomUUID(), text: 'anybody?' }]]) {
            const error = await owner.refusal(method, params);
            assert.deepEqual([error.code, error.retry], ['unavailable', 'later'], method);
        }
        assert.equal((await ground.server.post('/v1/join', { code: owner.session.code, name: 'late' })).status, 503);
        await pause(OUTAGE_MS);
        assert.deepEqual([mine.acked, theirs.acked], acked, 'nothing is promised while the database is away');
        assert.deepEqual([owner.closeEvent, guest.closeEvent], [null, null]);

        await ground.cluster.start();
        await mine.saved();
        await theirs.saved();
        await until('/readyz says 200', async () => (await ground.server.get('/readyz')).status === 200);
        assert.equal((await storedDocument(ground.cluster, mine.file)).text, mine.text);
        const opened = await owner.open(cold.path);
        opened.insert(0, 'as if nothing had been');
        await opened.saved();
    });
}

test('past the bound of unsaved bytes writers are refused in words; afterwards they open again and lose nothing', async () => {
    const { owner, guest } = await ground.pair();
    const mine = await owner.create('bound.md');
    const theirs = await guest.open('bound.md');
    mine.insert(0, 'start ');
    await mine.saved();
    await theirs.sees('start ');

    await ground.cluster.stop('fast');
    const piece = 'x'.repeat(50_000);
    for (let i = 0; i < 1.25 * DIRTY_BYTES_MAX / piece.length; i++) mine.insert(mine.text.length, piece);
    await until('a refusal', () => mine.rejected);
    assert.equal(mine.rejected.code, 'overloaded');
    assert.ok(mine.rejected.n < mine.sent.length);
    assert.equal(guest.closeEvent, null);

    await ground.cluster.start();
    await until('what was taken before the refusal is saved', () => mine.acked === mine.rejected.n - 1);
    // The journal may be back a moment before the other connections: `unavailable` then, to be tried again.
    await until('it can be opened again', () => mine.open()); // the same replica: the exchange brings what was refused
    await mine.saved();
    await theirs.sees(mine.text);
    assert.equal((await storedDocument(ground.cluster, mine.file)).text, mine.text);
});
