// memory.release.test.mjs — allocations fail in a server under load, one in a few hundred, wherever they are made, while writes find the
// kernel's buffer full, so that readers fall behind and catch up. Release only: a sanitizer has an allocator of its own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as Y from 'yjs';
import { storedDocument } from './support/documents.mjs';
import { stand } from './support/ground.mjs';
import { runOperator } from './support/operator.mjs';
import { Random, seedOfThisRun } from './support/random.mjs';
import { pause, until } from './support/wait.mjs';

const isLong = process.env.VIBESYNC_LONG === '1';
const ground = await stand({ 'checkpoint-idle-ms': 50, 'checkpoint-bytes': 1000, 'outbox-soft-bytes': 4096 }, { shim: true });
const seed = seedOfThisRun();

// A person who goes on whatever is answered: reconnects, opens again, types.
class Stubborn {
    constructor(person, replica, random) {
        Object.assign(this, { person, replica, random });
    }

    async run(isOver) {
        const { person, replica, random } = this;
        while (!isOver()) {
            const lost = replica.gone || replica.rejected || replica.doc === undefined || !person.replicas.has(replica.doc);
            if (person.closeEvent || lost) {
                replica.doc = undefined;
                try {
                    await (person.closeEvent ? person.connect() : replica.open());
                } catch {
                    await pause(20); // refused, or closed again: the server has no memory for it now
                }
            }
            if (replica.doc !== undefined) replica.insert(random.between(0, replica.ytext.length + 1), random.pick(['a', 'bc ', 'longer ']));
            await pause(random.between(0, 10));
        }
    }

    // The line and the document are there again, with memory.
    async settle() {
        if (this.person.closeEvent) await until('connected', () => this.person.connect().then(() => true));
        await until('open', () => this.replica.open());
        await this.replica.saved();
    }
}

test(`allocations fail: who cannot be served is told, everybody else goes on, nothing acknowledged is lost (VIBESYNC_SEED=${seed})`, async (t) => {
    const random = new Random(seed);
    const owner = await ground.owner();
    const people = [owner, await ground.guest(owner, 'b'), await ground.guest(owner, 'c')];
    await owner.request('file.create', { path: 'memory.md' });
    const stubborn = [];
    for (const person of people) stubborn.push(new Stubborn(person, await person.open('memory.md'), random));
    for (const person of people) person.failures.push = () => 0; // an ack may come for an opening that is over: judged by SQL below

    const behinds = () => ground.server.log.split('reader.behind').length;
    for (const oneIn of isLong ? [2000, 500, 200, 100, 50] : [1000, 200]) {
        let over = false;
        const before = ground.shim.failed;
        const acked = () => stubborn.reduce((n, s) => n + s.replica.everAcked.length, 0);
        const ackedBefore = acked();
        const runs = stubborn.map((s) => s.run(() => over));
        const behind = behinds();
        ground.shim.fillSockets(100); // not yet with failures: who is cut off now could not come back
        await until('somebody is behind', () => behinds() > behind);
        ground.shim.failOneIn(oneIn);
        ground.shim.fillSockets(80);
        await pause(isLong ? 15_000 : 2500);
        ground.shim.failOneIn(0);
        ground.shim.fillSockets(0);
        await until('something is saved again', () => acked() > ackedBefore).finally(() => (over = true));
        await Promise.all(runs);
        assert.equal(ground.server.ended, false, ground.server.log.slice(-1000));
        assert.ok(ground.shim.failed > before, 'allocations failed');
        t.diagnostic(`1 in ${oneIn}: ${ground.shim.failed - before} allocations failed, ${acked() - ackedBefore} updates acknowledged`);
    }
    for (const s of stubborn) await s.settle();
    const [first, ...others] = stubborn.map((s) => s.replica);
    await until('all have the same text', () => others.every((r) => r.text === first.text));
    const { ydoc, text } = await storedDocument(ground.cluster, first.file);
    assert.equal(text, first.text);
    for (const { replica } of stubborn) for (const update of replica.everAcked) Y.applyUpdate(ydoc, update);
    assert.equal(ydoc.getText('text').toString(), text, 'what was acknowledged is there');
    const verified = await runOperator(ground.cluster, ['verify']);
    assert.equal(verified.status, 0, verified.text);
});
