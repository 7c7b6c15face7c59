// slow_commit.test.mjs — a PostgreSQL that does not come to an end with a write: who types notices in the ack, who reads notices nothing.
//
// The write is held up by a lock on the journal and not by a slow disk, so that "before it is saved" is a fact and not a race.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as Y from 'yjs';
import { storedDocument } from './support/documents.mjs';
import { stand } from './support/ground.mjs';
import { until } from './support/wait.mjs';

const KEYSTROKES = 30;
const ground = await stand();

// Types; the median of the milliseconds until the other has a key.
async function type(mine, theirs) {
    const latencies = [];
    for (let i = 1; i <= KEYSTROKES; i++) {
        const before = performance.now();
        mine.insert(mine.text.length, 'x');
        await theirs.sees(mine.text);
        latencies.push(performance.now() - before);
    }
    return latencies.sort((a, b) => a - b)[KEYSTROKES >> 1];
}

test('what is typed is on the other screen before it is saved, and one commit saves all that was typed during the one before', async (t) => {
    const { owner, guest } = await ground.pair();
    const mine = await owner.create('slow.md');
    const theirs = await guest.open('slow.md');
    const quickMs = await type(mine, theirs);
    await mine.saved();
    const ackedBefore = mine.acked;
    let acks = 0;
    const onAck = mine.onAck.bind(mine);
    mine.onAck = (n) => {
        acks++;
        onAck(n);
    };
    const rows = async () => (await ground.cluster.row('select count(*)::int as n from crdt_journal where file_id = $1', [mine.file])).n;
    const before = await rows();

    const admin = await ground.cluster.connect({ user: 'postgres' });
    await admin.query('begin');
    await admin.query('lock table crdt_journal in share mode');
    const slowMs = await type(mine, theirs);
    assert.equal(acks, 0, 'seen, and not saved');
    assert.equal(mine.acked, ackedBefore);
    await until('the first write waits for the lock', async () => (await admin.query(
        "select 1 from pg_locks where not granted and relation = 'crdt_journal'::regclass")).rows.length === 1);
    await admin.query('commit');
    await admin.end();
    await mine.saved();

    t.diagnostic(`a key was seen after ${quickMs.toFixed(1)} ms, while nothing could be saved after ${slowMs.toFixed(1)} ms (medians)`);
    assert.ok(acks <= 2, `${acks} acks: one for the write that was held up, one for all that came meanwhile`);
    assert.ok((await rows()) - before <= 2, 'and as many rows');
    assert.equal((await storedDocument(ground.cluster, mine.file)).text, mine.text);
});

test('what is sent again while its first copy waits to be saved is acknowledged with it, not before', async () => {
    const { owner, guest } = await ground.pair();
    const mine = await owner.create('again.md');
    const theirs = await guest.open('again.md');
    const admin = await ground.cluster.connect({ user: 'postgres' });
    await admin.query('begin');
    await admin.query('lock table crdt_journal in share mode');

    mine.insert(0, 'x');
    await theirs.sees('x');
    theirs.send(Y.encodeStateAsUpdate(theirs.ydoc));
    for (let i = 0; i < 2; i++) await guest.request('session.participants'); // an ack would have come with the first answer

    assert.equal(theirs.acked, 0);
    await admin.query('commit');
    await admin.end();
    await theirs.saved();
});
