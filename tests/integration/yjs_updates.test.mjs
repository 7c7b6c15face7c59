// yjs_updates.test.mjs — what Yjs itself sent while real sessions were recorded, update by update, through the server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newestVersion, storedDocument } from './support/documents.mjs';
import { stand } from './support/ground.mjs';
import { Replica } from './support/native.mjs';
import { Random, seedOfThisRun } from './support/random.mjs';
import { traceText, traceUpdates } from './support/traces.mjs';
import { until } from './support/wait.mjs';
import * as Y from 'yjs';

const isLong = process.env.VIBESYNC_LONG === '1';
const LONG_MS = 120_000;
const NAMES = isLong ? ['sveltecomponent', 'rustcode', 'seph-blog1', 'automerge-paper', 'friendsforever', 'clownschool']
    : ['friendsforever', 'clownschool'];
const ground = await stand({ 'checkpoint-idle-ms': 500 });

// Sends what was recorded and looks at nothing: its text is in the recording.
class Author extends Replica {
    onUpdate() {}
}

// One person per author of the recording, each with the client id under which the recording was made.
async function authors(owner, path, agents) {
    const replicas = [];
    for (let agent = 0; agent < agents; agent++) {
        const person = agent === 0 ? owner : await ground.guest(owner, `author ${agent}`);
        replicas.push(await new Author(person, path, { clientId: 1001 + agent }).open());
    }
    return replicas;
}

async function assertEverywhere(text, watcher, owner) {
    await watcher.sees(text, LONG_MS);
    const newcomer = await ground.guest(owner, 'newcomer');
    await (await newcomer.open(watcher.path)).sees(text, LONG_MS);
    const { file } = watcher;
    assert.equal((await storedDocument(ground.cluster, file)).text, text);
    await until('the newest version is the text', async () => (await newestVersion(ground.cluster, file))?.content === text, LONG_MS);
}

for (const name of NAMES) {
    test(`${name}: every recorded update arrives, is stored, and makes the recorded text`, async () => {
        const text = traceText(name);
        const { agents, updates } = traceUpdates(name);
        const { owner, guest } = await ground.pair();
        const { path } = (await owner.request('file.create', { path: `${name}.txt` })).file;
        const watcher = await guest.open(path);
        const writers = await authors(owner, path, agents);

        // Each author sends his own in order, without waiting: some arrive before what they build on.
        for (const [i, { agent, update }] of updates.entries()) {
            writers[agent].send(update);
            if (i % 200 === 199) await new Promise(setImmediate);
        }
        for (const writer of writers) await writer.saved(LONG_MS);

        await assertEverywhere(text, watcher, owner);
    });
}

test('updates in any order and some of them twice make the same text', async (t) => {
    const seed = seedOfThisRun();
    t.diagnostic(`VIBESYNC_SEED=${seed}`);
    const random = new Random(seed);
    const text = traceText('friendsforever');
    const { agents, updates } = traceUpdates('friendsforever');
    const { owner, guest } = await ground.pair();
    const { path } = (await owner.request('file.create', { path: 'shuffled.txt' })).file;
    const watcher = await guest.open(path);
    const writers = await authors(owner, path, agents);

    // Torn out of order within a window, as several lines with several delays would.
    const waiting = [];
    for (const { agent, update } of updates) {
        waiting.push({ agent, update });
        if (random.unit() < 0.02) waiting.push({ agent, update });
        while (waiting.length > 30) {
            const { agent: who, update: what } = waiting.splice(random.between(0, waiting.length), 1)[0];
            writers[who].send(what);
        }
    }
    for (const { agent, update } of waiting) writers[agent].send(update);
    for (const writer of writers) await writer.saved(LONG_MS);

    await assertEverywhere(text, watcher, owner);
});

test('what an update wakes is told to its sender, too', async () => {
    const { owner, guest } = await ground.pair();
    await owner.request('file.create', { path: 'woken.txt' });
    const ada = await owner.open('woken.txt');
    const bob = await guest.open('woken.txt');
    const elsewhere = new Y.Doc(); // a third one's edits, which Ada has and whose connection was cut while he sent them
    elsewhere.clientID = 3000;
    const updates = [];
    elsewhere.on('update', (update) => updates.push(update));
    elsewhere.getText('text').insert(0, 'one ');
    elsewhere.getText('text').insert(4, 'two ');
    elsewhere.getText('text').delete(0, 1);

    bob.send(updates[1]);
    bob.send(updates[2]);
    await bob.saved();
    assert.equal(ada.text, '');
    ada.send(updates[0]);
    await ada.sees('one two '.slice(1));
    await bob.sees('one two '.slice(1));
});
