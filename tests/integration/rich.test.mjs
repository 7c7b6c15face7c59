// rich.test.mjs — documents that are no text, in the shapes that editors give them, through every door with the real providers: what comes
// back out of memory, a checkpoint, the journal after kill -9, is to the byte what the editors had.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { storedDocument } from './support/documents.mjs';
import { allLeave, hocuspocus, yws } from './support/doors.mjs';
import { stand } from './support/ground.mjs';
import { Random, seedOfThisRun } from './support/random.mjs';
import { pause, until } from './support/wait.mjs';
import * as Y from 'yjs';

const isLong = process.env.VIBESYNC_LONG === '1';
const KILLS = isLong ? 30 : 6;
const seed = seedOfThisRun();
const ground = await stand({ 'checkpoint-idle-ms': 100, 'evict-idle-ms': 200 });
after(allLeave);

function element(name, attributes, ...children) {
    const made = new Y.XmlElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.insert(0, children);
    return made;
}

function formatted(...runs) {
    const made = new Y.XmlText();
    made.applyDelta(runs.map(([insert, attributes]) => ({ insert, attributes })));
    return made;
}

// Of each: `root` names and types what the editor keeps, `begin` makes a document, `edit` is one round of what people do to it; `hand` differs
// for each person and round.
const EDITORS = {
    'Tiptap: elements, attributes that are no strings, marks': {
        root: (ydoc) => ydoc.getXmlFragment('default'),
        begin(page) {
            page.insert(0, [element('heading', { level: 1 }, formatted(['Title'])),
                element('paragraph', {}, formatted(['plain '], ['bold', { bold: {} }], [' link', { link: { href: 'https://a.example/?q="ü"', rel: null } }])),
                element('bulletList', {}, element('listItem', {}, element('paragraph', { textAlign: 'right' }, formatted(['one'])))),
                element('image', { src: 'x.png', width: 12.5, alt: '' })]);
        },
        edit(page, hand) {
            page.get(1).get(0).insert(6, `${hand} 🙂 `, { italic: {} });
            page.get(1).get(0).format(0, 3, { bold: {}, link: null });
            page.get(0).setAttribute('level', hand.length);
            page.get(2).insert(0, [element('listItem', {}, element('paragraph', {}, formatted([hand])))]);
            if (page.get(2).length > 3) page.get(2).delete(2, 1);
        },
    },
    'BlockNote: deep blocks that move': {
        root: (ydoc) => ydoc.getXmlFragment('document-store'),
        begin(page) {
            const block = (id, ...inner) => element('blockContainer', { id }, element('paragraph', { textColor: 'default' }, formatted([id])), ...inner);
            page.insert(0, [element('blockGroup', {}, block('a', element('blockGroup', {}, block('b', element('blockGroup', {}, block('c')))))), element('gone', {})]);
            page.delete(1, 1);
        },
        edit(page, hand) {
            const group = page.get(0);
            const moved = group.get(group.length - 1).clone();
            group.delete(group.length - 1, 1);
            group.insert(0, [moved, element('blockContainer', { id: hand }, element('table', { widths: [1, null, 3.5] }, formatted([hand, { code: {} }])))]);
        },
    },
    'Excalidraw: an array of maps, a map of files': {
        root: (ydoc) => ydoc.getArray('elements'),
        begin(elements) {
            for (let i = 0; i < 5; i++)
                elements.push([new Y.Map([['pos', `a${i}`], ['el', { type: 'freedraw', x: i / 3, y: -1e300, points: [[0, 0], [0.5, i]], locked: false, link: null }]])]);
            elements.doc.getMap('assets').set('bytes', new Uint8Array([0, 255, 128, 10]));
        },
        edit(elements, hand) {
            const first = elements.get(0);
            first.set('el', { ...first.get('el'), by: hand, version: 2 ** 40 });
            first.delete('pos');
            elements.delete(elements.length - 1, 1);
            elements.insert(1, [new Y.Map([['pos', hand], ['groups', Y.Array.from([hand, 1, true, null])]])]);
            elements.doc.getMap('assets').set(hand, new Uint8Array(100).fill(hand.length));
            elements.doc.getMap('assets').set('bytes', new TextEncoder().encode(hand));
        },
    },
    'Lexical: text that embeds text and maps': {
        root: (ydoc) => ydoc.get('root', Y.XmlText),
        begin(root) {
            const paragraph = new Y.XmlText();
            root.insertEmbed(0, paragraph);
            paragraph.setAttribute('__type', 'paragraph');
            paragraph.setAttribute('__indent', 0);
            paragraph.insertEmbed(0, new Y.Map([['__type', 'text'], ['__format', 0]]));
            paragraph.insert(1, 'hello');
            paragraph.insertEmbed(6, element('decorator', { state: { open: true } }));
        },
        edit(root, hand) {
            const paragraph = root.toDelta()[0].insert;
            paragraph.insert(3, hand);
            paragraph.toDelta()[0].insert.set('__format', hand.length);
            paragraph.insertEmbed(2, { mention: hand, nested: [{ deep: [] }] });
            paragraph.setAttribute('__indent', hand.length);
            paragraph.delete(paragraph.length - 1, 1);
        },
    },
    'every kind of value, and a document inside': {
        root: (ydoc) => ydoc.getMap('values'),
        reads: (map) => ({ ...map.toJSON(), inside: [map.get('inside').guid, map.get('inside').meta] }),
        begin(map) {
            for (const [i, value] of [undefined, null, true, 0, -1, 2 ** 31, 2 ** 53 - 1, -0.1, 1e-320, 2n ** 62n, '', 'ü🙂\0', [], {}, new Uint8Array(0)].entries())
                map.set(`value ${i}`, value);
            map.set('inside', new Y.Doc({ guid: 'a-guid', meta: { a: 1 } }));
            map.set('text', new Y.Text('text'));
            map.get('text').insertEmbed(2, { image: 'x' }, { width: 3 });
        },
        edit(map, hand) {
            map.set(hand, map.get('text').clone());
            map.get('text').applyDelta([{ retain: 1 }, { insert: hand, attributes: { bold: true } }, { retain: 1, attributes: { bold: null } }]);
            map.set('value 0', hand);
            map.delete('value 3');
        },
    },
};

// All that a peer can tell of a document: its structs and deletions, to the byte, and what the editor reads. Brought into one form by a
// Yjs that saw it all at once: one that saw it grow may have cut it otherwise.
function told(editor, ydoc) {
    const whole = new Y.Doc();
    Y.applyUpdate(whole, Y.encodeStateAsUpdate(ydoc));
    assert.equal(whole.store.pendingStructs, null);
    const root = editor.root(whole);
    return { update: Buffer.from(Y.encodeStateAsUpdate(whole)).toString('hex'), reads: editor.reads?.(root) ?? root.toJSON() };
}

const same = (editor, a, b) => Buffer.from(Y.encodeStateVector(a)).equals(Buffer.from(Y.encodeStateVector(b))) && told(editor, a).update === told(editor, b).update;

const file = async (session, path) => (await ground.cluster.row('select * from files where session_id = $1 and file_path = $2', [session.session, path])).id;
const evictions = (id) => ground.server.log.split('\n').filter((line) => line.includes('document.evicted') && line.includes(id)).length;

// One person on each door: Ada on y-websocket's, Cem on Hocuspocus', Ida on the native one.
async function sitDown(editor, path, { ada, cem, ida }) {
    const people = {
        ada: await yws(ground.server, ada.session, path).synced(),
        cem: await hocuspocus(ground.server, cem.session, path).synced(),
        ida: await ida.open(path),
    };
    const ydocs = Object.values(people).map(({ ydoc }) => ydoc);
    const edit = (who, round) => people[who].ydoc.transact(() => editor.edit(editor.root(people[who].ydoc), `${who}${round}`));
    return {
        path, editor, ydoc: people.ada.ydoc, edit,
        begin: () => people.ada.ydoc.transact(() => editor.begin(editor.root(people.ada.ydoc))),
        editAll: (round) => Object.keys(people).forEach((who) => edit(who, round)),
        settle: async () => {
            await until(`${path}: all have the same`, () => ydocs.every((ydoc) => same(editor, ydoc, people.ada.ydoc)));
            await people.cem.saved();
            await people.ida.saved();
        },
        leave: () => [people.ada, people.cem].forEach((one) => one.leave()),
    };
}

// A fresh client of each door gets all of it, and so does who asks PostgreSQL alone.
async function assertKept(editor, path, who, ydoc) {
    const expected = told(editor, ydoc);
    for (const door of [yws, hocuspocus]) {
        const fresh = await door(ground.server, who.session, path).synced();
        await until(`${path}: the fresh client has all`, () => same(editor, fresh.ydoc, ydoc));
        assert.deepEqual(told(editor, fresh.ydoc), expected);
        fresh.leave();
    }
    const stored = await storedDocument(ground.cluster, await file(who.session, path));
    assert.deepEqual(told(editor, stored.ydoc), expected);
    return stored;
}

const owner = await ground.owner({ max_participants: 20 });
const newcomers = async () => ({ ada: owner, cem: await ground.guest(owner, 'Cem'), ida: await ground.guest(owner, 'Ida') });
const leave = ({ ida }) => ida.leave();
const paths = Object.fromEntries(Object.keys(EDITORS).map((name) => [name, name.split(':')[0]]));
for (const path of Object.values(paths)) await owner.request('file.create', { path });

describe('live, checkpointed, evicted, loaded', { concurrency: true }, () => {
    for (const [name, editor] of Object.entries(EDITORS))
        test(name, async () => {
            const people = await newcomers();
            const room = await sitDown(editor, paths[name], people);
            room.begin();
            await room.settle();
            for (let round = 0; round < 3; round++) {
                room.editAll(round); // all at once
                await room.settle();
            }
            room.leave();
            await leave(people);
            const id = await file(owner.session, room.path);
            await until('it has left memory', () => evictions(id) > 0);
            const { journalRows } = await assertKept(editor, room.path, owner, room.ydoc);
            assert.equal(journalRows, 0, 'what was loaded was the checkpoint');
        });
});

test(`kill -9 while all edit, ${KILLS} times, and once more when nobody who knows comes back (VIBESYNC_SEED=${seed})`, async () => {
    const random = new Random(seed);
    const people = await newcomers();
    const rooms = [];
    for (const [name, editor] of Object.entries(EDITORS)) rooms.push(await sitDown(editor, paths[name], people));
    for (const { settle } of rooms) await settle();
    const editSome = async (round) => {
        for (let i = 0; i < 12; i++) {
            random.pick(rooms).edit(random.pick(Object.keys(people)), `${round}.${i}`);
            if (random.unit() < 0.3) await pause(random.between(0, 8)); // a random moment
        }
    };
    for (let kill = 0; kill < KILLS; kill++) {
        await editSome(`before ${kill}`);
        await ground.server.kill();
        await editSome(`down ${kill}`);
        await ground.server.start();
        await Promise.all([people.ida.resume(), editSome(`coming back ${kill}`)]);
        for (const { settle } of rooms) await settle();
    }
    await Promise.all(rooms.map(({ path, editor, ydoc }) => until('the last edit is stored', async () =>
        same(editor, (await storedDocument(ground.cluster, await file(owner.session, path))).ydoc, ydoc))));
    for (const room of rooms) room.leave();
    await ground.server.kill();
    await ground.server.start();
    await owner.resume();
    for (const { path, editor, ydoc } of rooms) await assertKept(editor, path, owner, ydoc);
});
