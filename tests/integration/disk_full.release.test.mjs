// disk_full.test.mjs — PostgreSQL's disk is full, on a volume of its own. What it can't commit is not acknowledged; when there is room
// again, everything is written. Mounting needs root.
import assert from 'node:assert/strict';
import { appendFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Cluster } from './support/cluster.mjs';
import { storedDocument } from './support/documents.mjs';
import { stand } from './support/ground.mjs';
import { Typist } from './support/typist.mjs';
import { until } from './support/wait.mjs';

const canMount = Cluster.canMount();
if (!canMount) console.error('\n*** NOT TESTED: a full disk. This machine does not let us mount a volume (it needs root). ***\n');
const ground = canMount ? await stand({ 'checkpoint-idle-ms': 200 }, { cluster: { tmpfsMb: 128 } }) : undefined;

test('a full disk: acks wait and the reason is said; with room again all is saved, nothing was lost or doubled',
    { skip: canMount ? false : 'THIS MACHINE DOES NOT LET US MOUNT A VOLUME' }, async (t) => {
        const { cluster, server } = ground;
        const { owner, guest } = await ground.pair();
        const mine = await owner.create('full.md');
        const theirs = await guest.open('full.md');
        const typists = [owner, guest].map((person, i) => new Typist(person, i));
        for (const typist of typists) typist.start();
        await until('something is saved', () => mine.acked > 10);

        const ballast = join(cluster.volume, 'ballast');
        // Not one byte is left, also not of what PostgreSQL gives back meanwhile.
        const fill = () => assert.throws(() => {
            for (;;) appendFileSync(ballast, Buffer.alloc(65536));
        }, { code: 'ENOSPC' });
        fill();
        const paste = 'a long line that is pasted into the file while the disk is full\n'.repeat(4000);
        const sees = () => until('the server says that it is not ready, or why the journal waits', async () => {
            fill();
            if (mine.text.length < 20 << 20) mine.insert(mine.text.length, paste); // more than there is of the log prepared
            return (await server.get('/readyz')).status === 503 && /store\.state .*(No space left|away|connecting)/.test(server.log);
        });
        await sees();
        const acked = [mine.acked, theirs.acked];
        mine.insert(0, 'typed on the full disk. ');
        await until('others see what is typed all the same', () => theirs.text.includes('typed on the full disk. '));
        assert.ok(mine.acked < mine.sent.length);
        assert.ok(mine.acked >= acked[0] && theirs.acked >= acked[1]);
        assert.deepEqual([owner.closeEvent, guest.closeEvent], [null, null]);

        rmSync(ballast);
        if (cluster.ended) { // PostgreSQL may have given up, as after a crash
            t.diagnostic('PostgreSQL had ended by itself and was started again');
            await cluster.start();
        }
        await server.ready();
        for (const typist of typists) await typist.stop();
        await mine.saved(60_000);
        await theirs.saved(60_000);
        await until('both have the same', () => mine.text === theirs.text);
        assert.equal((await storedDocument(cluster, mine.file)).text, mine.text);
        assert.equal(mine.text.split('typed on the full disk. ').length, 2);
    });
