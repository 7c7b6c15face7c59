// authors.test.mjs — whose edits are whose: claims of CRDT client ids, relays, forgeries, and what the tables say about them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as encoding from 'lib0/encoding';
import * as Y from 'yjs';
import { storedDocument, storedUpdates } from './support/documents.mjs';
import { stand } from './support/ground.mjs';
import { until } from './support/wait.mjs';

const ground = await stand({ 'checkpoint-idle-ms': 100 });

const clientsOf = async (file) => new Map((await ground.cluster.rows(
    'select client_id::text as id, user_id, relayed from crdt_clients where file_id = $1', [file])).map((r) => [Number(r.id), [r.user_id, r.relayed]]));

// An update that writes `text` in the name of `clientId`, on top of what `replica` has.
function inTheNameOf(replica, clientId, text) {
    const ydoc = new Y.Doc();
    Y.applyUpdate(ydoc, Y.encodeStateAsUpdate(replica.ydoc));
    ydoc.clientID = clientId;
    const before = Y.encodeStateVector(ydoc);
    ydoc.getText('text').insert(0, text);
    return Y.encodeStateAsUpdate(ydoc, before);
}

test('opening claims a client id for its user: nobody else may open with it, the same person may', async () => {
    const { owner, guest } = await ground.pair();
    const mine = await owner.create('claims.md');
    const theirs = await guest.open('claims.md');
    assert.deepEqual(await clientsOf(mine.file), new Map([[mine.ydoc.clientID, [owner.session.user, false]], [theirs.ydoc.clientID, [guest.session.user, false]]]));

    assert.equal((await guest.refusal('doc.open', { path: 'claims.md', client_id: mine.ydoc.clientID })).code, 'client_id_taken');
    const secondTab = await ground.join(owner.session);
    await secondTab.request('doc.open', { path: 'claims.md', client_id: mine.ydoc.clientID });
    await owner.leave();
    await secondTab.leave();
    assert.equal((await guest.refusal('doc.open', { path: 'claims.md', client_id: mine.ydoc.clientID })).code, 'client_id_taken', 'also when its owner is away');
});

test('impersonation fails: edits in the name of somebody who writes are refused, reach nobody and are not stored', async () => {
    const { owner, guest } = await ground.pair();
    const mine = await owner.create('forged.md');
    const theirs = await guest.open('forged.md');
    mine.insert(0, 'by the owner. ');
    await mine.saved();
    await theirs.sees('by the owner. ');

    theirs.send(inTheNameOf(theirs, mine.ydoc.clientID, 'signed by the owner: '));
    await until('the refusal', () => theirs.rejected);
    assert.equal(theirs.rejected.code, 'permission_denied');

    mine.insert(0, 'still ');
    await mine.saved();
    assert.equal(mine.text, 'still by the owner. ');
    assert.equal((await storedDocument(ground.cluster, mine.file)).text, 'still by the owner. ');
    assert.ok((await storedUpdates(ground.cluster, mine.file)).every((u) => u.author === owner.session.user && !u.relayed));
    assert.ok(!theirs.everAcked.length);
});

test('a relay after a crash succeeds, is marked, and goes to its owner when he claims it', async () => {
    const { owner, guest } = await ground.pair();
    const mine = await owner.create('relay.md');
    const theirs = await guest.open('relay.md');
    mine.insert(0, 'saved. ');
    await mine.saved();
    await theirs.sees('saved. ');
    await ground.cluster.stop('fast');
    mine.insert(0, 'seen, not saved. ');
    await theirs.sees('seen, not saved. saved. ');
    await ground.server.kill();
    await ground.cluster.start();
    await ground.server.start();

    await guest.resume(); // the owner stays away
    await theirs.saved();
    assert.equal(theirs.rejected, null);
    assert.equal((await storedDocument(ground.cluster, mine.file)).text, 'seen, not saved. saved. ');
    const updates = await storedUpdates(ground.cluster, mine.file);
    assert.deepEqual(updates.map((u) => [u.author, u.relayed]), [[owner.session.user, false], [guest.session.user, true]]);
    // The id was the owner's before.
    assert.deepEqual((await clientsOf(mine.file)).get(mine.ydoc.clientID), [owner.session.user, false]);
});

test('what fills a gap in the owner\'s edits is a relay, too, also while he writes', async () => {
    const { owner, guest } = await ground.pair();
    const mine = await owner.create('gap.md');
    const theirs = await guest.open('gap.md');
    const updates = []; // the owner's, of which the server lost the first, after the guest had heard it
    mine.ydoc.on('update', (update) => updates.push(update));
    mine.send = () => {};
    mine.insert(0, 'lost ');
    mine.insert(5, 'queued');
    delete mine.send;
    mine.send(updates[1]);
    await mine.saved();

    Y.applyUpdate(theirs.ydoc, updates[0], 'heard before');
    await theirs.sees('lost queued');
    await theirs.saved();
    assert.equal(theirs.rejected, null);
    theirs.send(inTheNameOf(theirs, mine.ydoc.clientID, 'forged '));
    await until('the refusal', () => theirs.rejected);
    assert.equal((await storedDocument(ground.cluster, mine.file)).text, 'lost queued');
});

test('a gap that somebody else made lets nobody forge', async () => {
    const { owner, guest } = await ground.pair();
    const mine = await owner.create('trap.md');
    const theirs = await guest.open('trap.md');
    const later = new Y.Doc(); // in the owner's name, before he has written: it waits for units that are not there
    later.clientID = mine.ydoc.clientID;
    later.getText('text').insert(0, 'abcdefgh');
    const vector = Y.encodeStateVector(later);
    later.getText('text').insert(8, 'z');
    theirs.send(Y.encodeStateAsUpdate(later, vector));
    await theirs.saved();

    mine.insert(0, 'own');
    await mine.saved();
    await theirs.sees('own');
    theirs.send(inTheNameOf(theirs, mine.ydoc.clientID, 'forged '));
    await until('the refusal', () => theirs.rejected);
    assert.equal(theirs.rejected.code, 'permission_denied');
});

test('an id that is first seen through somebody else gets a row without a user, also when the server is killed at once', async () => {
    const { owner, guest } = await ground.pair();
    const mine = await owner.create('unknown.md');
    mine.insert(0, 'base');
    await mine.saved();
    const unknown = 4_000_000_001; // of a tab that has never been here itself
    const update = inTheNameOf(mine, unknown, 'relayed ');
    Y.applyUpdate(mine.ydoc, update, 'from a tab');
    await mine.saved();
    await ground.server.kill(); // before it could be recorded, perhaps: the journal says that it was relayed
    await ground.server.start();
    const theirs = await (await ground.join(guest.session)).open('unknown.md');
    await theirs.sees('relayed base');
    await until('the row', async () => (await clientsOf(mine.file)).has(unknown));
    assert.deepEqual((await clientsOf(mine.file)).get(unknown), [null, true]);
    await until('the journal is in the checkpoint', async () => (await storedDocument(ground.cluster, mine.file)).journalRows === 0);

    // Whoever claims it first has it; that it came through others stays.
    await theirs.participant.request('doc.open', { path: 'unknown.md', client_id: unknown });
    assert.deepEqual((await clientsOf(mine.file)).get(unknown), [guest.session.user, true]);
});

test('an update with units of a hundred thousand others holds nobody up', async () => {
    const COUNT = 100_000;
    const { owner, guest } = await ground.pair();
    const mine = await owner.create('crowd.md');
    const theirs = await guest.open('crowd.md');
    const update = encoding.createEncoder();
    encoding.writeVarUint(update, COUNT);
    for (let client = COUNT; client > 0; client--) // as Yjs writes them: the highest first
        for (const number of [1, 4_000_000_000 + client, 0, 0, 1]) encoding.writeVarUint(update, number); // one struct at clock 0: a GC of length 1
    encoding.writeVarUint(update, 0);
    theirs.send(encoding.toUint8Array(update));
    await theirs.saved();
    mine.insert(0, 'still here');
    await mine.saved();
    await theirs.sees('still here');

    const recorded = async () => (await ground.cluster.rows('select count(*)::int as n from crdt_clients where file_id = $1 and relayed', [mine.file]))[0].n;
    await until('all have a row', async () => (await recorded()) === COUNT);
    await until('the journal is in the checkpoint', async () => (await storedDocument(ground.cluster, mine.file)).journalRows === 0);
});

test('who deleted: the entry that brought the deletion names its author', async () => {
    const { owner, guest } = await ground.pair();
    const mine = await owner.create('deleted.md');
    const theirs = await guest.open('deleted.md');
    mine.insert(0, 'one two');
    await mine.saved();
    await theirs.sees('one two');
    theirs.delete(0, 4);
    await theirs.saved();
    await until('it is history', async () => (await storedDocument(ground.cluster, mine.file)).journalRows === 0);

    const ydoc = new Y.Doc();
    const deleters = [];
    for (const { author, update } of await storedUpdates(ground.cluster, mine.file)) {
        const before = ydoc.getText('text').length;
        Y.applyUpdate(ydoc, update);
        if (ydoc.getText('text').length < before) deleters.push(author);
    }
    assert.deepEqual(deleters, [guest.session.user]);
});
