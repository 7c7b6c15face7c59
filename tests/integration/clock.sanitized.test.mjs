// clock.test.mjs — the server's wall clock jumps, hours forward and years back, while people type: nothing that is saved depends on it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storedDocument, storedUpdates } from './support/documents.mjs';
import { stand } from './support/ground.mjs';
import { runOperator } from './support/operator.mjs';
import { until } from './support/wait.mjs';

const HOUR = 3_600_000, YEAR = 8766 * HOUR;
const ground = await stand({ 'checkpoint-idle-ms': 50, 'evict-idle-ms': 100, 'ping-ms': 500 }, { shim: true });

test('jumps in both directions: acks, checkpoints, evictions and restarts go on, times are as the clock said', async () => {
    const { owner, guest } = await ground.pair();
    const mine = await owner.create('clock.md');
    const theirs = await guest.open('clock.md');
    const bootedWithoutClock = HOUR / 12 - Date.now(); // five past midnight, 1 January 1970
    const jumps = [0, 5 * HOUR, -5 * HOUR, 30 * YEAR, -30 * YEAR, bootedWithoutClock, 0];
    let expected = '';
    for (const [i, jump] of jumps.entries()) {
        ground.shim.setClock(jump);
        if (jump === bootedWithoutClock) {
            await ground.server.kill();
            await ground.server.start();
            for (const person of [owner, guest]) await until('it is back', () => person.resume().then(() => true));
        }
        // A loop reads the clock once a turn, so the first edit after a jump may still have the time before it.
        for (const text of [`${i}`, '. ']) {
            mine.insert(mine.text.length, text);
            expected += text;
            await mine.saved();
        }
        await theirs.sees(expected);
        await until('it is checkpointed', async () => (await storedDocument(ground.cluster, mine.file)).journalRows === 0);
    }
    assert.equal(guest.closeEvent, null, 'pings do not follow the wall clock');
    assert.equal((await storedDocument(ground.cluster, mine.file)).text, expected);

    const years = (await storedUpdates(ground.cluster, mine.file)).map(({ at }) => Math.round((at - Date.now()) / YEAR));
    for (const wanted of [0, 30, Math.round(bootedWithoutClock / YEAR)]) assert.ok(years.includes(wanted), `${wanted} years in ${years}`);
    for (const person of [owner, guest]) for (const replica of person.openReplicas) {
        await person.request('doc.close', { doc: replica.doc });
        replica.doc = undefined;
    }
    await until('it leaves memory', () => ground.server.log.split('\n').some((l) => l.includes('document.evicted') && l.includes(mine.file)));
    const again = await guest.open('clock.md');
    await again.sees(expected);
    const { status, text, err } = await runOperator(ground.cluster, ['verify']);
    assert.equal(status, 0, text + err);
});
