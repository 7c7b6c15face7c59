// big_document.release.test.mjs — a big document: its checkpoints are made off the loop, its journal is empty when it rests. How long a
// document of a million keystrokes takes to open is measured by bench/day.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as Y from 'yjs';
import { newestVersion, storedDocument } from './support/documents.mjs';
import { stand } from './support/ground.mjs';
import { runOperator } from './support/operator.mjs';
import { Random } from './support/random.mjs';
import { until } from './support/wait.mjs';

const isLong = process.env.VIBESYNC_LONG === '1';
const KEYSTROKES = isLong ? 1_000_000 : 40_000, BATCH = 2000;
const PASTE = 'a line of text like any other, sixty-four bytes long, all ASCII\n'.repeat(50_000); // 3 MB
const ground = await stand({ loops: 1, 'checkpoint-idle-ms': 200, 'checkpoint-bytes': 100_000, 'evict-idle-ms': 300 });

const logged = (event, file) => ground.server.log.split('\n').filter((line) => line.includes(event) && line.includes(file));

// Types as people do: words at a cursor that jumps now and then, one key in ten takes something back.
class Keyboard {
    constructor(ytext, random) {
        Object.assign(this, { ytext, random, cursor: 0 });
    }

    press(count) {
        const { ytext, random } = this;
        for (let i = 0; i < count; i++) {
            if (random.unit() < 0.005) this.cursor = random.between(0, ytext.length + 1);
            if (this.cursor > 0 && random.unit() < 0.1) ytext.delete(--this.cursor, 1);
            else ytext.insert(this.cursor++, 'etaoin shrdlu\n'[random.between(0, 14)]);
        }
    }
}

test('a big document: checkpointed by the pool while people type in it, nothing left in the journal, loaded as it was', async (t) => {
    const { owner, guest } = await ground.pair();
    const big = await owner.create('big.md');
    const small = await guest.create('small.md');
    big.insert(0, PASTE);
    const keyboard = new Keyboard(big.ytext, new Random(7));
    for (let pressed = 0; pressed < KEYSTROKES; pressed += BATCH) {
        big.ydoc.transact(() => keyboard.press(BATCH));
        await big.saved(60_000);
    }
    small.insert(0, 'x');
    await small.saved();
    const isEmpty = async () => (await ground.cluster.row('select count(*)::int as n from crdt_journal where file_id = $1', [big.file])).n === 0;
    await until('the journal is empty', isEmpty, 60_000);
    await until('its checkpoint is logged', () => logged('checkpoint.written', big.file).length > 0); // a line may come after the row
    const checkpoints = logged('checkpoint.written', big.file);
    assert.ok(checkpoints.at(-1).includes('by=pool'), 'a big one is made by the pool');
    await until('the small one is checkpointed', () => logged('checkpoint.written', small.file).length > 0);
    assert.ok(logged('checkpoint.written', small.file).every((line) => line.includes('by=loop')), 'a small one is not');
    assert.equal((await storedDocument(ground.cluster, big.file)).text, big.text);
    assert.equal((await newestVersion(ground.cluster, big.file)).content, big.text);

    await owner.request('doc.close', { doc: big.doc });
    await until('it leaves memory', () => logged('document.evicted', big.file).length > 0);
    const before = performance.now();
    const again = await guest.open('big.md');
    const opened = performance.now() - before;
    await again.sees(big.text);
    t.diagnostic(`${checkpoints.length} checkpoints; opened cold in ${opened.toFixed(0)} ms`);
    const verified = await runOperator(ground.cluster, ['verify']);
    assert.equal(verified.status, 0, verified.text);
});

test('a document that ends while the pool works on its checkpoint leaves nothing behind', async () => {
    const { owner, guest } = await ground.pair();
    for (let i = 0; i < 5; i++) {
        const mine = await owner.create(`ends-${i}.md`);
        mine.insert(0, PASTE);
        await mine.saved();
        mine.insert(0, PASTE); // due at once
        await owner.request('file.delete', { file: mine.file });
    }
    const other = await guest.create('other-ends.md');
    other.insert(0, 'still here');
    await other.saved();
});

test('only what has changed is checkpointed, once', async () => {
    const { owner, guest } = await ground.pair();
    const mine = await owner.create('quiet.md');
    mine.insert(0, 'written once');
    await mine.saved();
    await until('it is checkpointed', () => logged('checkpoint.written', mine.file).length === 1);
    for (const person of [owner, guest]) {
        const replica = await person.open('quiet.md'); // read, brought nothing
        replica.send(Y.encodeStateAsUpdate(mine.ydoc));
        await replica.saved();
    }
    const other = await owner.create('other.md');
    other.insert(0, 'time passes');
    await until('a later change of another file is checkpointed', () => logged('checkpoint.written', other.file).length === 1);
    assert.equal(logged('checkpoint.written', mine.file).length, 1);
});
