// reunion.test.mjs — old clients come back to a room that was freed, a server that was restarted, a database that was restored from a
// backup, a document with a new history. The bug of this kind of server is a text that stands there twice, or not at all.
//
//   who comes back    online     never noticed anything but the lost line; comes back by itself with its replica
//                     offline    typed while it was away; comes back with its replica
//                     re-created a reload: nothing but the text that the server gives
//
// Every order of the three, for every way the server lost what it knew.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import * as Y from 'yjs';
import { storedDocument } from './support/documents.mjs';
import { allLeave, hocuspocus, yws } from './support/doors.mjs';
import { stand } from './support/ground.mjs';
import { UPDATE } from './support/native.mjs';
import { runOperator } from './support/operator.mjs';
import { until } from './support/wait.mjs';

const ground = await stand({ 'evict-idle-ms': 200, 'checkpoint-idle-ms': 100 });
const { cluster } = ground;
after(allLeave);

const ORDERS = [['online', 'offline', 'recreated'], ['online', 'recreated', 'offline'], ['offline', 'online', 'recreated'],
    ['offline', 'recreated', 'online'], ['recreated', 'online', 'offline'], ['recreated', 'offline', 'online']];

// Whatever came together: each marker once and only once.
function assertOnceEach(text, markers) {
    for (const marker of markers) assert.equal(text.split(marker).length - 1, 1, `"${marker}" in ${JSON.stringify(text)}`);
}

async function gone(person) {
    person.socket.terminate();
    await person.ended();
    for (const replica of person.openReplicas) replica.doc = undefined;
}

// Three people with one document that is saved: {people: {online, offline, recreated}, replicas, path, file}
async function standing(path) {
    const owner = await ground.owner();
    const people = { online: owner, offline: await ground.guest(owner, 'offline'), recreated: await ground.guest(owner, 'recreated') };
    const replicas = { online: await owner.create(path) };
    replicas.offline = await people.offline.open(path);
    replicas.recreated = await people.recreated.open(path);
    replicas.online.insert(0, '[base]');
    await replicas.online.saved();
    for (const replica of Object.values(replicas)) await replica.sees('[base]');
    return { people, replicas, path, file: replicas.online.file };
}

async function comeBack({ people, replicas, path }, who) {
    const person = people[who];
    if (who === 'recreated') {
        await person.connect();
        replicas.recreated = await person.open(path);
        await until('the text is there', () => replicas.recreated.text.includes('[base]'));
        replicas.recreated.insert(replicas.recreated.text.length, '[recreated]');
    } else await person.resume();
    await replicas[who].saved();
}

async function assertReunited({ replicas, file }, markers) {
    const all = Object.values(replicas);
    await until('all have the same text', () => all.every((r) => r.text === all[0].text && markers.every((m) => r.text.includes(m))));
    for (const replica of all) await replica.saved();
    assertOnceEach(all[0].text, markers);
    const stored = await storedDocument(cluster, file);
    assert.equal(stored.text, all[0].text);
}

function takeDown(room) {
    for (const person of Object.values(room.people)) {
        person.givenUp = true;
        person.socket.terminate();
    }
}

const evictions = (file) => ground.server.log.split('\n').filter((l) => l.includes('document.evicted') && l.includes(file)).length;

// A database as it was when the dump was made, with the server down meanwhile, as the operators' page says.
async function restore(dump) {
    assert.equal(await ground.server.stop(), 0);
    await cluster.end();
    const admin = await cluster.connect({ database: 'postgres', user: 'postgres' });
    await admin.query('drop database vibesync with (force)');
    await admin.query('create database vibesync owner vibesync_owner');
    await admin.end();
    cluster.run('pg_restore', ['-d', 'vibesync', dump]);
    await ground.server.start();
}

function backUp() {
    const dump = join(cluster.folder, 'reunion.dump');
    cluster.run('pg_dump', ['-Fc', '-f', dump, 'vibesync']);
    return dump;
}

// One room for each order; all meet the same loss.
async function reunite(rooms, markers) {
    await Promise.all(ORDERS.map(async (order, i) => {
        for (const who of order) await comeBack(rooms[i], who);
    }));
    for (const room of rooms) {
        await assertReunited(room, markers);
        takeDown(room);
    }
}

const stands = (path) => Promise.all(ORDERS.map(() => standing(path)));

test('the room was freed: in whatever order they come back, each word is there once', async () => {
    const rooms = await stands('room.md');
    for (const { people, replicas } of rooms) {
        for (const person of Object.values(people)) await gone(person);
        replicas.offline.insert(6, '[offline]');
        replicas.online.insert(0, '[online]');
    }
    await until('the documents have left memory', () => rooms.every(({ file }) => evictions(file) > 0));
    await reunite(rooms, ['[base]', '[offline]', '[online]', '[recreated]']);
});

test('the server was killed: the same', async () => {
    const rooms = await stands('server.md');
    for (const { people, replicas } of rooms) {
        await gone(people.offline);
        replicas.offline.insert(6, '[offline]');
        replicas.online.insert(0, '[online]'); // on its way when the server dies: saved or not
    }
    await ground.server.kill();
    for (const { people } of rooms) for (const who of ['online', 'recreated']) await gone(people[who]);
    await ground.server.start();
    await reunite(rooms, ['[base]', '[offline]', '[online]', '[recreated]']);
});

test('the database was restored from a backup: the same, and what the backup lacks is brought by those who have it', async () => {
    const rooms = await stands('backup.md');
    const dump = backUp();
    for (const { people, replicas } of rooms) {
        replicas.online.insert(0, '[after the backup]'); // acknowledged, and taken back by the restore
        await replicas.online.saved();
        await replicas.offline.sees('[after the backup][base]');
        await gone(people.offline);
        replicas.offline.insert(0, '[offline]');
    }
    await restore(dump);
    for (const { people, replicas } of rooms) {
        for (const who of ['online', 'recreated']) await gone(people[who]);
        replicas.online.insert(0, '[online]');
    }
    await reunite(rooms, ['[base]', '[after the backup]', '[offline]', '[online]', '[recreated]']);
    const { status, text, err } = await runOperator(cluster, ['verify']);
    assert.equal(status, 0, text + err);
});

describe('the document has a new history', () => {
    async function renewed(room, text) {
        assert.equal((await runOperator(cluster, ['doc', 'quarantine', room.file, '--reason', 'a test'])).status, 0);
        await until('everybody who has it open is told', () => ['online', 'recreated'].every((who) => room.replicas[who].gone));
        for (const who of ['online', 'recreated']) assert.equal(room.replicas[who].gone.reason, 'quarantined');
        await cluster.rows("update files set quarantined_at = quarantined_at - interval '1 minute' where id = $1", [room.file]); // no need to wait
        const { status, err } = await runOperator(cluster, ['doc', 'release', room.file, '--text', '-'], { input: text });
        assert.equal(status, 0, err);
        return { ...room, replicas: { ...room.replicas } };
    }

    test('whoever comes with the old one is told to choose, and no order of coming back merges the two', async () => {
        const room = await standing('epoch.md');
        await gone(room.people.offline);
        room.replicas.offline.insert(6, '[offline]');
        const { people, replicas } = await renewed(room, '[new base]');
        for (const who of ['offline', 'online']) {
            if (who === 'offline') await people.offline.connect();
            const error = await people[who].refusal('doc.open', { path: 'epoch.md', client_id: replicas[who].ydoc.clientID, epoch: replicas[who].epoch });
            assert.deepEqual([error.code, error.retry, error.data.epoch], ['epoch_mismatch', 'reopen', 2]);
        }
        // The choices. Take the server's:
        const taken = await people.online.open('epoch.md');
        await taken.sees('[new base]');
        assert.equal(taken.epoch, 2);
        // keep mine as a copy:
        const copy = await people.offline.create('epoch (mine).md', { ydoc: replicas.offline.ydoc, clientId: replicas.offline.ydoc.clientID });
        await copy.saved();
        // merge the two as text:
        const merged = await people.offline.open('epoch.md');
        await merged.sees('[new base]');
        merged.insert(merged.text.length, '[offline]');
        await merged.saved();
        await taken.sees('[new base][offline]');

        assert.equal((await storedDocument(cluster, room.file)).text, '[new base][offline]');
        assert.equal((await storedDocument(cluster, copy.file)).text, '[base][offline]');
        const { status, text, err } = await runOperator(cluster, ['verify']);
        assert.equal(status, 0, text + err);
    });

    // The doors for Yjs's own providers carry no epoch: there only the structs themselves tell from which history they are.
    test('old structs are refused also when the peer says nothing of an epoch, deletions of them do nothing', async () => {
        const room = await standing('no-epoch.md');
        const { people, replicas } = await renewed(room, '[new base]');
        const old = Y.encodeStateAsUpdate(replicas.online.ydoc);
        const fresh = await people.online.open('no-epoch.md');
        await fresh.sees('[new base]');

        people.online.sendValue([UPDATE, fresh.doc, old]);
        fresh.sent.push(old);
        await until('the refusal', () => fresh.rejected);
        assert.equal(fresh.rejected.code, 'epoch_mismatch');

        // The same id may not write in the new history either: its old replica may be anywhere.
        const error = await people.recreated.refusal('doc.open', { path: 'no-epoch.md', client_id: replicas.recreated.ydoc.clientID });
        assert.equal(error.code, 'client_id_taken');
        const other = await people.recreated.open('no-epoch.md');
        await other.sees('[new base]');
        replicas.recreated.ydoc.getText('text').delete(0, 6);
        const deletion = Y.diffUpdate(Y.encodeStateAsUpdate(replicas.recreated.ydoc), Y.encodeStateVector(replicas.recreated.ydoc));
        other.send(deletion);
        other.insert(0, '!');
        await other.saved();
        assert.equal((await storedDocument(cluster, room.file)).text, '![new base]');
        // And after a restart, when the old ids come from the table.
        await ground.server.kill();
        await ground.server.start();
        await people.online.connect();
        const again = await people.online.open('no-epoch.md');
        await again.sees('![new base]');
        people.online.sendValue([UPDATE, again.doc, old]);
        again.sent.push(old);
        await until('the refusal', () => again.rejected);
        assert.equal(again.rejected.code, 'epoch_mismatch');
        assert.equal((await storedDocument(cluster, room.file)).text, '![new base]');
    });

    test('whoever comes with the old one through a door is refused, who comes with nothing gets the new one', async () => {
        const room = await standing('doors.md');
        const { session } = room.people.offline;
        const [online, offline] = [yws(ground.server, session, 'doors.md'), yws(ground.server, session, 'doors.md')];
        const third = hocuspocus(ground.server, session, 'doors.md');
        for (const [i, one] of [online, offline, third].entries()) {
            await one.synced();
            await one.sees(room.replicas.online.text);
            one.insert(0, `[${i}]`); // now its client id is known of the old history
            await room.replicas.online.sees(one.text);
        }
        await third.saved();
        offline.provider.disconnect();
        third.socket.disconnect();
        for (const one of [offline, third]) one.insert(0, '[away]');
        const before = [online, offline, third].map(({ ydoc }) => ydoc.getText('text').toString());
        await renewed(room, '[new base]');
        await online.closedWith(4409); // the quarantine, after which the provider gives up
        for (const { provider } of [online, offline]) provider.connect();
        third.socket.connect();

        await until('both are closed with 4409 for what they have', () =>
            [online, offline].every(({ closes }) => closes.length === 2 && closes[1] === 4409));
        await until('permission is denied', () => third.denied.some((reason) => reason.includes('another history')));
        assert.deepEqual([online, offline, third].map(({ text }) => text), before, 'no replica was given the new history');
        for (const door of [yws, hocuspocus]) {
            const fresh = await door(ground.server, session, 'doors.md').synced();
            await fresh.sees('[new base]');
            fresh.leave();
        }
        assert.equal((await storedDocument(cluster, room.file)).text, '[new base]');
        for (const one of [online, offline, third]) one.leave();
        takeDown(room);
    });

    test('an epoch that changes under an open document ends its number; what is typed then goes to the new one only after a choice', async () => {
        const room = await standing('under.md');
        await until('it is checkpointed', async () => (await cluster.row('select checkpoint_version::int as n from files where id = $1', [room.file])).n > 0);
        // By hand, as no tool does it: the file moves on without a quarantine.
        await cluster.rows(`with f as (update files set epoch = 2, checkpoint_version = 0, file_size = 0, content_hash = null where id = $1 returning id)
            select * from f`, [room.file]);
        room.replicas.online.insert(0, 'late ');
        await until('the others are told', () => room.replicas.offline.gone && room.replicas.recreated.gone);
        assert.deepEqual([room.replicas.offline.gone.reason, room.replicas.offline.gone.epoch], ['epoch', 2]);
        const error = await room.people.online.refusal('doc.open', { path: 'under.md', client_id: room.replicas.online.ydoc.clientID, epoch: 1 });
        assert.equal(error.code, 'epoch_mismatch');
        const fresh = await room.people.offline.open('under.md');
        assert.equal(fresh.text, '');
        assert.equal(fresh.epoch, 2);
        takeDown(room);
    });
});
