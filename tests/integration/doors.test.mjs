// doors.test.mjs — unmodified providers of y-websocket and Hocuspocus through the compatibility doors: the same documents, rights and
// durability as through the native one.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { runCli } from './support/cli.mjs';
import { newestVersion, storedDocument } from './support/documents.mjs';
import { allLeave, hocuspocus, yws } from './support/doors.mjs';
import { stand } from './support/ground.mjs';
import { runOperator } from './support/operator.mjs';
import { Server } from './support/server.mjs';
import { pause, until, within } from './support/wait.mjs';
import WebSocket from 'ws';
import * as Y from 'yjs';

const isLong = process.env.VIBESYNC_LONG === '1';
const ground = await stand({ 'presence-ms': 200, 'ping-ms': 1000 });
after(allLeave);

const file = (session, path) => ground.cluster.row(
    'select * from files where session_id = $1 and file_path = $2 and deleted_at is null', [session.session, path]);

test('y-websocket 3 and a native client edit one file, and see each other', async () => {
    const { owner, guest } = await ground.pair();
    const native = await owner.create('src/main.c');
    native.insert(0, 'native. ');
    await native.saved();

    const ada = await yws(ground.server, guest.session, 'src/main.c').synced();
    await ada.sees('native. ');
    ada.insert(8, 'door. ');
    await native.sees('native. door. ');
    native.insert(0, '> ');
    await ada.sees('> native. door. ');

    ada.provider.awareness.setLocalState({ user: { name: 'Ada' } });
    await until('the native client sees the cursor of the door', () => native.awareness.some((bytes) => Buffer.from(bytes).includes('Ada')));
    await until('the edit of the door is in the database', async () =>
        (await storedDocument(ground.cluster, native.file)).text === '> native. door. ');
    ada.leave();
});

test('a path that is not there is made, and everybody is told', async () => {
    const { owner, guest } = await ground.pair();

    const ada = await yws(ground.server, guest.session, 'new/file%20name.txt').synced();
    const { file: told } = await owner.notified('file.changed', (p) => p.event === 'created');
    assert.equal(told.path, 'new/file name.txt');
    ada.insert(0, 'first');

    const replica = await owner.open('new/file name.txt');
    await replica.sees('first');
    assert.equal((await file(owner.session, 'new/file name.txt')).id, told.id);
    ada.leave();
});

test('two y-websocket clients make a file at once: it is one', async () => {
    const { owner, guest } = await ground.pair();

    const [ada, bob] = [yws(ground.server, owner.session, 'once'), yws(ground.server, guest.session, 'once')];
    await Promise.all([ada.synced(), bob.synced()]);
    ada.insert(0, 'both');
    await bob.sees('both');

    const { count } = await ground.cluster.row('select count(*)::int from files where session_id = $1', [owner.session.session]);
    assert.equal(count, 1);
    ada.leave();
    bob.leave();
});

// One line without a provider: what stands on the wire.
async function line(session, path, query = '') {
    const socket = new WebSocket(`${ground.server.url.replace('http', 'ws')}/y/${session.session}/${path}${query}`,
        { headers: { authorization: `Bearer ${session.token}` } });
    const messages = [];
    const closed = new Promise((resolve) => socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() })));
    socket.on('message', (data) => messages.push(Buffer.from(data).toString('hex')));
    await within('the line is open', new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject)));
    return { socket, messages, closed, send: (hex) => socket.send(Buffer.from(hex, 'hex')) };
}

test('a path that is none, or a subprotocol without the door, is refused before the upgrade', async () => {
    const { guest } = await ground.pair();
    for (const [path, status] of [['../up', 404], ['a//b', 400], ['a/%zz', 400], ['a/%ff', 400], ['', 400]]) {
        const socket = new WebSocket(`${ground.server.url.replace('http', 'ws')}/y/${guest.session.session}/${path}`);
        const answer = await within(path, new Promise((resolve) => {
            socket.once('unexpected-response', (request, response) => resolve(response.statusCode));
            socket.once('error', resolve);
        }));
        assert.equal(answer, status, path);
    }
});

test('after kill -9 the providers come back by themselves, with what they typed meanwhile', async () => {
    const { owner, guest } = await ground.pair();
    const ada = await yws(ground.server, owner.session, 'crash').synced();
    const bob = await yws(ground.server, guest.session, 'crash').synced();
    ada.insert(0, 'before. ');
    await bob.sees('before. ');

    await ground.server.kill();
    ada.insert(8, 'ada. ');
    bob.insert(0, 'bob. ');
    await ground.server.start();

    await ada.sees('bob. before. ada. ');
    await bob.sees('bob. before. ada. ');
    const { id } = await file(owner.session, 'crash');
    await until('it is saved', async () => (await storedDocument(ground.cluster, id)).text === 'bob. before. ada. ');
    ada.leave();
    bob.leave();
});

test('Hocuspocus: an edit is synced when it is durable, and not before', async () => {
    const { owner, guest } = await ground.pair();
    const cem = await hocuspocus(ground.server, guest.session, 'h/one.txt').synced();
    await cem.saved();
    assert.equal(cem.provider.authorizedScope, 'read-write');
    for (let i = 0; i < 20; i++) cem.insert(i, 'x');
    await cem.saved();

    const { id } = await file(owner.session, 'h/one.txt');
    assert.equal((await storedDocument(ground.cluster, id)).text, 'x'.repeat(20));
    cem.leave();
});

test('Hocuspocus: several documents and composite names on one line, stateless messages, a right that is missing', async () => {
    const { owner, guest } = await ground.pair();
    const native = await owner.create('h/two.txt');
    const first = hocuspocus(ground.server, owner.session, 'h/two.txt', { options: { sessionAwareness: true } });
    const second = hocuspocus(ground.server, owner.session, 'h/two.txt', { socket: first.socket, options: { sessionAwareness: true } });
    const other = hocuspocus(ground.server, owner.session, 'h/three.txt', { socket: first.socket });
    await Promise.all([first.synced(), second.synced(), other.synced()]);
    first.insert(0, 'one ');
    await second.sees('one ');
    second.insert(4, 'two ');
    other.insert(0, 'three');
    await Promise.all([first.sees('one two '), native.sees('one two '), other.saved()]);
    first.provider.sendStateless('{"hello":1}');
    await until('the stateless message came', () => second.stateless.includes('{"hello":1}'));
    assert.deepEqual(other.stateless, []);

    await ground.cluster.rows("update session_participants set role = 'viewer' where user_id = $1", [guest.session.user]);
    const viewer = await hocuspocus(ground.server, guest.session, 'h/two.txt').synced();
    await until('read-only', () => viewer.provider.authorizedScope === 'readonly');
    await viewer.saved();
    viewer.insert(0, 'no');
    await first.provider.forceSync();
    await first.saved();
    assert.equal(native.text, 'one two ');
    assert.ok(viewer.provider.hasUnsyncedChanges, 'its edit was not taken');
    for (const one of [viewer, first, second, other]) one.leave();
});

test('Hocuspocus: a wrong token, and a name that is no path, are denied', async () => {
    const { guest } = await ground.pair();
    const wrong = hocuspocus(ground.server, guest.session, 'h', { token: 'x'.repeat(43) });
    const name = hocuspocus(ground.server, guest.session, '../h');
    await until('both are denied', () => wrong.denied.length > 0 && name.denied.length > 0);
    wrong.leave();
    name.leave();
});

test('three doors, one file: text and cursors of each are seen by all, also after kill -9', async () => {
    const { owner, guest } = await ground.pair();
    const native = await owner.create('three.txt');
    const ada = await yws(ground.server, guest.session, 'three.txt').synced();
    const cem = await hocuspocus(ground.server, guest.session, 'three.txt').synced();
    const all = [native, ada, cem];
    const allSee = (text) => Promise.all(all.map((one) => one.sees(text)));

    native.insert(0, 'n');
    await allSee('n');
    ada.insert(1, 'y');
    await allSee('ny');
    cem.insert(2, 'h');
    await allSee('nyh');
    ada.provider.awareness.setLocalState({ user: 'Ada' });
    cem.provider.awareness.setLocalState({ user: 'Cem' });
    await until('Hocuspocus sees y-websocket', () => cem.others.some((state) => state.user === 'Ada'));
    await until('y-websocket sees Hocuspocus', () => ada.others.some((state) => state.user === 'Cem'));
    for (const name of ['Ada', 'Cem'])
        await until(`the native client sees ${name}`, () => native.awareness.some((bytes) => Buffer.from(bytes).includes(name)));

    await ground.server.kill();
    for (const one of all) one.insert(0, one.constructor.name[0]); // nobody is there to hear it
    await ground.server.start();
    await owner.resume();
    await until('all have all', () => all.every((one) => one.text.length === 6 && one.text === native.text));
    await native.saved();
    await cem.saved();
    assert.equal((await storedDocument(ground.cluster, native.file)).text, native.text);

    ada.leave();
    await until('the cursor of who left is gone', () => !cem.others.some((state) => state.user === 'Ada'));
    cem.leave();
});

test('a live update claims the client id that it was made with; what a sync answer brings is a relay', async () => {
    const { owner, guest } = await ground.pair();
    const owners = async (id) => ground.cluster.rows(
        'select c.client_id::text as client, c.user_id from crdt_clients c where c.file_id = $1', [id]);
    const offline = new Y.Doc();
    offline.getText('text').insert(0, 'offline. ');
    const ada = await yws(ground.server, guest.session, 'claims', { ydoc: offline }).synced();
    const native = await owner.open('claims');
    await native.sees('offline. ');
    const id = native.file;
    const claimed = async () => (await owners(id)).find(({ client }) => client === String(offline.clientID));
    await until('the relay is recorded', claimed);
    assert.equal((await claimed()).user_id, null);

    ada.insert(0, 'live. ');
    await until('the live update claimed it', async () => (await claimed()).user_id === guest.session.user);
    const forged = new Y.Doc();
    Y.applyUpdate(forged, Y.encodeStateAsUpdate(offline));
    forged.clientID = offline.clientID;
    forged.getText('text').insert(0, 'forged. ');
    native.send(Y.encodeStateAsUpdate(forged, Y.encodeStateVector(offline)));
    await until('the forgery is refused', () => native.rejected);
    assert.equal(native.rejected.code, 'permission_denied');
    assert.equal(ada.text, 'live. offline. ');
    ada.leave();
});

// A refusal is held for two seconds: these wait beside one another.
describe('refusals and tokens', { concurrency: true }, () => {
    test('a token may be a header; a wrong one is refused for good, and its client is not served faster for asking again', async () => {
        const { guest } = await ground.pair();
        const ada = await yws(ground.server, guest.session, 'a', { header: true }).synced();
        ada.leave();

        const wrong = { ...guest.session, token: 'x'.repeat(43) };
        const bob = yws(ground.server, wrong, 'a');
        const closed = await within('the provider gives up', new Promise((resolve) => bob.provider.once('closed', resolve)));
        assert.equal(closed.code, 4401);
        bob.leave();

        const old = yws(ground.server, wrong, 'a', { version: 1, doorToken: wrong.token });
        const began = performance.now();
        await until('the provider of 1.5 has been refused twice', () => old.closes.length === 2);
        assert.deepEqual(old.closes, [4401, 4401]);
        assert.ok(performance.now() - began > 3500, 'each refusal is held for two seconds');
        old.leave();
    });

    test('who may only read gets everything, and is closed with 4403 when he writes', async () => {
        const { owner, guest } = await ground.pair();
        const native = await owner.create('read.txt');
        native.insert(0, 'mine');
        await native.saved();
        await ground.cluster.rows("update session_participants set role = 'viewer' where user_id = $1", [guest.session.user]);

        const none = yws(ground.server, guest.session, 'not/there');
        await none.closedWith(4404);
        const viewer = await yws(ground.server, guest.session, 'read.txt').synced();
        await viewer.sees('mine');
        native.insert(4, ' and yours');
        await viewer.sees('mine and yours');
        viewer.insert(0, 'no, ');
        await viewer.closedWith(4403);

        assert.equal(native.text, 'mine and yours');
        viewer.leave();
        none.leave();
    });

    test('a file that is deleted ends its readers', async () => {
        const { owner, guest } = await ground.pair();
        const native = await owner.create('gone.txt');
        const ada = await yws(ground.server, guest.session, 'gone.txt').synced();
        const told = [];
        const onLine = (path, socket) => hocuspocus(ground.server, guest.session, path, {
            socket, options: { sessionAwareness: true, onClose: ({ event }) => told.push(`${path}: ${event.reason}`) },
        });
        const first = onLine('gone.txt');
        const [second, other] = ['gone.txt', 'stays.txt'].map((path) => onLine(path, first.socket)); // one line, and twice the file
        await Promise.all([first.synced(), second.synced(), other.synced()]);

        await owner.request('file.delete', { file: native.file });
        await ada.closedWith(4404);
        await until('both are told', () => told.length === 2);
        assert.match(told[0], /^gone\.txt: .*deleted/);
        assert.equal(told[1], told[0]);
        other.insert(0, 'the line goes on');
        await other.saved();
        assert.deepEqual(first.closes, []);
        for (const one of [ada, second, other, first]) one.leave();
    });

    test('the wire: step 1 comes first, a query is answered, something is sent again and again, nonsense is refused', async () => {
        const { guest } = await ground.pair();
        const one = await line(guest.session, 'wire');
        await until('step 1 came', () => one.messages[0] === '00000100');

        one.send('00000100'); // I have nothing
        await until('step 2 came', () => one.messages.includes('0001020000'));
        one.send('010601050202' + '7b7d'); // client 5 is here
        one.send('03');
        await until('the query is answered', () => one.messages.includes('0106010502027b7d'));
        await until('an awareness of nobody keeps the client connected', () => one.messages.includes('010100'));
        one.send('6400'); // an application's own message
        one.send('00020500');
        assert.equal((await within('closed', one.closed)).code, 4400);
        assert.match(one.messages.at(-1), /^0200/, 'permission denied, with the reason');
    });

    test('who came with a token that ends is closed with 4401 when it does', async () => {
        const { guest } = await ground.pair();
        await ground.cluster.rows("update access_tokens set expires_at = now() + interval '3 s' where user_id = $1", [guest.session.user]);
        const ada = await yws(ground.server, guest.session, 'ends.txt').synced();
        const cem = await hocuspocus(ground.server, guest.session, 'ends.txt').synced();

        await ada.closedWith(4401);
        await until('the provider of Hocuspocus hears it', () => cem.denied.length > 0);
        ada.leave();
        cem.leave();
    });

    test('door tokens: made and revoked by the command line, if the owner allows them; good in a URL, for doors alone, in no log', async () => {
        const { owner, guest } = await ground.pair();
        const cli = async (who, ...words) => runCli(ground.server, who.session, ['token', ...words]);
        assert.equal((await cli(guest, 'door')).status, 1, 'the session takes none yet');
        assert.notEqual((await cli(guest, 'allow', 'yes')).status, 0, 'a guest may not say so');
        assert.equal((await cli(owner, 'allow', 'yes')).status, 0);
        const token = (await cli(guest, 'door')).out.trim();
        assert.match(token, /^[\w-]{43}$/);
        const doorToken = (await cli(owner, 'door')).out.trim();
        const own = await yws(ground.server, owner.session, 'token.txt', { version: 1, doorToken }).synced(); // another's token

        const old = await yws(ground.server, guest.session, 'token.txt', { version: 1, doorToken: token }).synced();
        const cem = await hocuspocus(ground.server, guest.session, 'token.txt', { token }).synced();
        old.insert(0, 'from 1.5');
        await cem.sees('from 1.5');
        assert.ok((await owner.request('session.participants')).participants.filter((p) => p.user === guest.session.user).length >= 2);

        const inUrl = yws(ground.server, guest.session, 'token.txt', { version: 1, doorToken: guest.session.token });
        await inUrl.closedWith(4401); // an access token has no place in a URL
        await assert.rejects(ground.join({ ...guest.session, token }), /credentials/); // and a door token none in the native protocol
        const other = await ground.owner();
        const elsewhere = yws(ground.server, other.session, 'token.txt', { version: 1, doorToken: token });
        await elsewhere.closedWith(4401);

        assert.match((await cli(guest, 'revoke')).out, /revoked 1/);
        await old.closedWith(4401);
        await until('the provider of Hocuspocus hears it', () => cem.denied.length > 0);
        assert.deepEqual(own.closes, []);
        assert.equal((ground.server.log + ground.server.earlierLogs).includes(token), false);
        for (const one of [own, old, cem, inUrl, elsewhere]) one.leave();
    });
});

describe('an editor on a root of another name', () => {
    const doors = { 'y-websocket': yws, Hocuspocus: hocuspocus };

    for (const [name, door] of Object.entries(doors)) {
        test(`${name}: what it writes first is the file's text, for everybody and for the checkpoint, also after kill -9`, async () => {
            const { owner, guest } = await ground.pair();
            const path = `root/${name}.txt`;
            const native = await owner.create(path); // knows the root `text`
            const ada = await door(ground.server, guest.session, path, { root: 'codemirror' }).synced();
            ada.insert(0, 'first');
            await until('who knew another root is told to open again', () => native.gone?.reason === 'unavailable');
            const again = await owner.open(path);
            assert.equal(again.root, 'codemirror');
            await again.sees('first');
            again.insert(5, ' native');
            await ada.sees('first native');
            await again.saved();
            ada.ydoc.getText('second').insert(0, 'another root later');
            again.insert(0, '> ');
            await again.saved();
            assert.equal((await file(owner.session, path)).checkpoint_version, '0', 'nothing but the journal has it');
            const dumped = await runOperator(ground.cluster, ['doc', 'dump', again.file]);
            assert.equal(dumped.text, again.text, 'an operator reads the same root');

            await ground.server.kill();
            await ground.server.start();
            await owner.connect();
            const after = await owner.open(path);
            assert.equal(after.root, 'codemirror');
            await after.sees('> first native');
            await ada.sees('> first native');
            ada.insert(0, 'x');
            await after.sees('x> first native');
            ada.leave();
            assert.equal(await ground.server.stop(), 0);
            const row = await file(owner.session, path);
            const version = await newestVersion(ground.cluster, row.id);
            assert.deepEqual([row.root_name, row.content_hash, version.content], ['codemirror', version.content_hash, 'x> first native']);
            await ground.server.start();
        });
    }

    test('a file so big that a thread of the pool makes its checkpoint', async () => {
        const { owner, guest } = await ground.pair();
        const cem = await hocuspocus(ground.server, guest.session, 'root/big.txt', { root: 'codemirror' }).synced();
        cem.insert(0, 'big. '.repeat(500_000));
        await cem.saved();
        const { text } = cem;
        cem.leave();
        assert.equal(await ground.server.stop(), 0);
        const row = await file(owner.session, 'root/big.txt');
        assert.match(ground.server.log, new RegExp(`checkpoint\\.written .*file=${row.id} .*by=pool`));
        const version = await newestVersion(ground.cluster, row.id);
        assert.deepEqual([row.root_name, version?.content === text], ['codemirror', true]);
        await ground.server.start();
    });

    test('a file that has text, one that begins with two texts or with elements, and a name that fits nowhere keep `text`', async () => {
        const { owner, guest } = await ground.pair();
        const begun = await owner.create('begun.txt');
        begun.insert(0, 'native');
        await begun.saved();
        const beginnings = {
            'begun.txt': (ydoc) => ydoc.getText('codemirror').insert(0, 'late'),
            'two.txt': (ydoc) => ydoc.transact(() => ['a', 'b'].forEach((name) => ydoc.getText(name).insert(0, name))),
            'elements.txt': (ydoc) => ydoc.getXmlFragment('default').insert(0, [new Y.XmlElement('p')]),
            'map.txt': (ydoc) => ydoc.getMap('map').set('key', 'value'),
            'long.txt': (ydoc) => ydoc.getText('n'.repeat(256)).insert(0, 'x'),
            'nul.txt': (ydoc) => ydoc.getText('n\0').insert(0, 'x'),
        };
        for (const [path, begin] of Object.entries(beginnings)) {
            const cem = await hocuspocus(ground.server, guest.session, path).synced();
            begin(cem.ydoc);
            await cem.saved();
            cem.ydoc.getText('later').insert(0, 'x'); // it is not the first any more
            await cem.saved();
            assert.equal((await owner.open(path)).root, 'text', path);
            cem.leave();
        }
        assert.equal(begun.gone, null);
        const native = await owner.create('native.txt'); // who speaks natively has been told the root
        native.ydoc.getText('codemirror').insert(0, 'x');
        await native.saved();
        const textOfAll = async (when) => {
            for (const path of [...Object.keys(beginnings), 'native.txt']) assert.equal((await owner.open(path)).root, 'text', `${path} ${when}`);
        };
        await textOfAll('in memory');
        assert.equal((await runOperator(ground.cluster, ['doc', 'dump', native.file])).text, '');
        await ground.server.kill(); // the journal is read by the same rule
        await ground.server.start();
        await owner.connect();
        await textOfAll('loaded');
        const wide = await hocuspocus(ground.server, guest.session, 'wide.txt').synced();
        wide.ydoc.transact(() => { wide.ydoc.getMap('meta').set('key', 1); wide.ydoc.getText('ü').insert(0, 'x'); });
        await wide.saved();
        assert.equal((await owner.open('wide.txt')).root, 'ü', 'one text beside what is none');
        wide.leave();
        const nameless = await yws(ground.server, guest.session, 'nameless.txt', { root: '' }).synced();
        nameless.insert(0, 'of getText() without a name');
        await until('it is the text', async () => (await owner.open('nameless.txt')).root === '');
        const replica = await owner.open('nameless.txt');
        await replica.sees(nameless.text);
        assert.equal((await runOperator(ground.cluster, ['doc', 'dump', replica.file])).text, nameless.text);
        nameless.leave();
        await ground.server.stop();
        assert.equal((await newestVersion(ground.cluster, replica.file)).content, nameless.text);
        await ground.server.start();
    });
});

// A provider of y-websocket gives up a server of which it has heard nothing for 30 s.
if (isLong)
    test('who says nothing for 70 s stays connected, with the settings as they come', async () => {
        const server = await Server.create(ground.cluster, { loops: 1 });
        const owner = await ground.owner();
        const visitors = [await yws(server, owner.session, 'calm').synced(), await hocuspocus(server, owner.session, 'calm').synced()];
        for (const { provider } of visitors) provider.awareness.setLocalState(null);
        await pause(70_000);
        for (const visitor of visitors) {
            assert.deepEqual(visitor.closes, []);
            visitor.leave();
        }
        await server.destroy();
    });
