// slow_commit.test.mjs — a PostgreSQL whose every commit takes 100 ms: who types notices in the ack, who reads notices nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storedDocument } from './support/documents.mjs';
import { stand } from './support/ground.mjs';

const KEYSTROKES = 30;
const ground = await stand();

test('what is typed is on the other screen before it is saved, and one commit saves all that was typed during the one before', async () => {
    const { owner, guest } = await ground.pair();
    const mine = await owner.create('slow.md');
    const theirs = await guest.open('slow.md');
    const admin = await ground.cluster.connect({ database: 'postgres', user: 'postgres' });
    await admin.query('alter system set commit_delay = 100000'); // µs, the most that PostgreSQL offers
    await admin.query('alter system set commit_siblings = 0');
    await admin.query('select pg_reload_conf()');
    await admin.end();
    mine.insert(0, '.');
    await mine.saved(); // the first that meets the new setting

    let acks = 0;
    const onAck = mine.onAck.bind(mine);
    mine.onAck = (n) => {
        acks++;
        onAck(n);
    };
    for (let i = 1; i <= KEYSTROKES; i++) {
        mine.insert(mine.text.length, 'x');
        await theirs.sees(mine.text);
        assert.ok(mine.acked < mine.sent.length, `keystroke ${i} was saved before it was seen`);
    }
    await mine.saved();

    assert.ok(acks < KEYSTROKES / 2, `${acks} acks: keystrokes share commits`);
    assert.equal((await storedDocument(ground.cluster, mine.file)).text, mine.text);
});
