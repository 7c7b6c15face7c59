// two_servers.test.mjs — two server processes hold the same document of one database, both save and checkpoint it. Nothing routes people
// to one of them: the journal's keys and the merge before each checkpoint are all that keeps the text whole.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { holds, newestVersion, storedDocument, storedUpdates } from './support/documents.mjs';
import { stand } from './support/ground.mjs';
import { runOperator } from './support/operator.mjs';
import { Random, seedOfThisRun } from './support/random.mjs';
import { Server } from './support/server.mjs';
import { Typist } from './support/typist.mjs';
import { pause, until } from './support/wait.mjs';

const isLong = process.env.VIBESYNC_LONG === '1';
const settings = { 'checkpoint-idle-ms': 50, 'checkpoint-bytes': 1000, 'checkpoint-age-ms': 100 };
const ground = await stand(settings);
const second = await Server.create(ground.cluster, { loops: 2, ...settings });
after(() => second.destroy());
const seed = seedOfThisRun();

test(`both write and checkpoint at once: all that either acknowledged is there, once, and all see all (VIBESYNC_SEED=${seed})`, async (t) => {
    const random = new Random(seed);
    const owner = await ground.owner();
    const others = [];
    for (const [i, server] of [ground.server, second, second].entries()) {
        const session = await ground.server.joinByCode(owner.session.code, `person ${i}`);
        others.push(await ground.join(session, undefined, server));
    }
    await owner.request('file.create', { path: 'shared.md' });
    const people = [owner, ...others];
    for (const person of people) await person.open('shared.md');
    const replicas = people.map((person) => person.openReplicas[0]);
    const typists = people.map((person) => new Typist(person, random.between(0, 2 ** 32)));
    for (const typist of typists) typist.start();
    await pause(isLong ? 60_000 : 3000); // the two checkpoint over each other all the while
    if (isLong) {
        await second.kill();
        await second.start();
        await pause(10_000);
    }
    for (const typist of typists) await typist.stop();
    for (const replica of replicas) await replica.saved();

    const { ydoc } = await storedDocument(ground.cluster, replicas[0].file);
    for (const replica of replicas)
        for (const update of replica.everAcked) assert.ok(holds(ydoc, update), 'an acknowledged update is missing');
    await until('all have the same text', () => replicas.every((r) => r.text === replicas[0].text));
    await until('and so has the newest version', async () => (await newestVersion(ground.cluster, replicas[0].file)).content === replicas[0].text);
    assert.equal((await storedDocument(ground.cluster, replicas[0].file)).text, replicas[0].text);
    const checkpoints = [ground.server, second].map((server) => server.log.split('checkpoint.written').length - 1);
    assert.ok(checkpoints.every((n) => n > 2), `both made checkpoints: ${checkpoints}`);
    const updates = await storedUpdates(ground.cluster, replicas[0].file);
    const keys = updates.map((u) => `${u.author} ${u.origin} ${Buffer.from(u.update).toString('hex')}`);
    assert.equal(new Set(keys).size, keys.length, 'no update is stored twice');
    assert.equal((await runOperator(ground.cluster, ['verify'])).status, 0);
    t.diagnostic(`${updates.length} updates, checkpoints ${checkpoints.join(' and ')}`);
});
