// replace.test.mjs — the providers of docs/replace.md, by its letter: what somebody pastes into a page that had another server before.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { HocuspocusProvider } from '@hocuspocus/provider';
import * as Y from 'yjs';
import { WebsocketProvider } from 'y-websocket';
import { storedDocument } from './support/documents.mjs';
import { stand } from './support/ground.mjs';
import { until } from './support/wait.mjs';

const ground = await stand();
const page = readFileSync(new URL('../../docs/replace.md', import.meta.url), 'utf8');
const packages = { yjs: Y, 'y-websocket': { WebsocketProvider }, '@hocuspocus/provider': { HocuspocusProvider } };

// The block of JavaScript that makes `what`, with its constants and the address replaced, as a function of its imports.
async function paste(what, { session, token }) {
    const block = [...page.matchAll(/```js\n([^]*?)```/g)].map(([, text]) => text).find((text) => text.includes(`new ${what}(`));
    let body = block.replace(/import (?:\* as (\w+)|(\{.*\})) from "(.*)";.*\n/g, (_, all, some, name) => `const ${all ?? some} = packages["${name}"];\n`)
        .replaceAll('127.0.0.1:8440', new URL(ground.server.url).host);
    for (const [name, value] of Object.entries({ session, token })) {
        const before = body;
        body = body.replace(new RegExp(`const ${name} = ".*?";`), `const ${name} = ${JSON.stringify(value)};`);
        assert.notEqual(body, before, `the block has no ${name}`);
    }
    const Run = Object.getPrototypeOf(async () => {}).constructor;
    return new Run('packages', `${body}\nreturn { ydoc, provider, text };`)(packages);
}

for (const what of ['WebsocketProvider', 'HocuspocusProvider'])
    test(`a ${what} as the page gives it: the edit is in the database, and with a native client`, async () => {
        const { owner, guest } = await ground.pair();
        const { ydoc, provider, text } = await paste(what, guest.session);
        try {
            await until('it is synced', () => provider.synced);
            text.insert(0, 'pasted');
            const native = await owner.open('notes/today.md');
            await native.sees('pasted');
            if (what === 'HocuspocusProvider') await until('it says that nothing is unsynced', () => provider.unsyncedChanges === 0);
            await until('it is in the database', async () => (await storedDocument(ground.cluster, native.file)).text === 'pasted');
        } finally {
            provider.destroy();
            ydoc.destroy();
        }
    });

test('a document of an old server, written there by several people, is here once a replica that has it was here', async () => {
    const { owner, guest } = await ground.pair();
    const [ada, bob] = [new Y.Doc(), new Y.Doc()];
    ada.getText('text').insert(0, 'long ago');
    Y.applyUpdate(bob, Y.encodeStateAsUpdate(ada));
    bob.getText('text').insert(8, ', elsewhere');

    const { ydoc, provider } = await paste('WebsocketProvider', guest.session);
    try {
        Y.applyUpdate(ydoc, Y.encodeStateAsUpdate(bob)); // as the provider of the old server does
        await until('it is synced', () => provider.synced);
        const native = await owner.open('notes/today.md');
        await native.sees('long ago, elsewhere');
        await until('it is in the database', async () => (await storedDocument(ground.cluster, native.file)).text === 'long ago, elsewhere');
    } finally {
        provider.destroy();
        ydoc.destroy();
    }
});
