// memory_limit.test.mjs — what the documents of a server may hold: --memory-limit, and what a session with very many files costs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storedDocument } from './support/documents.mjs';
import { stand } from './support/ground.mjs';
import { until } from './support/wait.mjs';

const LIMIT = 8 << 20;
const PIECE = 'a line of text like any other, sixty-four bytes long, all ASCII\n'.repeat(12_000); // 768 KB
// Nothing leaves for being idle, nothing is checkpointed by itself: only the limit counts here.
const ground = await stand({ loops: 1, 'memory-limit': LIMIT, 'evict-idle-ms': 3_600_000, 'checkpoint-idle-ms': 3_600_000, 'checkpoint-bytes': 1 << 30 });

const evictions = () => ground.server.log.split('\n').filter((l) => l.includes('document.evicted')).map((l) => [/why=(\w+)/.exec(l)[1], Number(/heap_bytes=(\d+)/.exec(l)[1])]);
const opens = () => ground.server.log.split('document.opened').length - 1;

async function close(person, replica) {
    await person.request('doc.close', { doc: replica.doc });
    replica.doc = undefined;
}

test('documents that nobody reads leave when the limit is near, the oldest first; dirty ones are saved before', async () => {
    const owner = await ground.owner();
    const files = [];
    for (let i = 0; i < 20; i++) {
        const replica = await until('there is room', () => owner.create(`big-${i}.md`).catch(() => owner.open(`big-${i}.md`)));
        replica.insert(0, `${i} ${PIECE}`);
        await replica.saved();
        await close(owner, replica);
        files.push(replica.file);
    }
    const gone = evictions();
    assert.ok(gone.length >= 8 && gone.every(([why]) => why === 'memory'), `${gone.length} of 20 have left`);
    const heap = gone[0][1];
    assert.ok((20 - gone.length) * heap < LIMIT * 9 / 8 + heap, 'what is left fits');
    for (const i of [0, 10, 19]) assert.equal((await storedDocument(ground.cluster, files[i])).text, `${i} ${PIECE}`);
    const again = await until('there is room', () => owner.open('big-0.md'));
    await again.sees(`0 ${PIECE}`);
    await owner.leave();
});

test('documents that are read stay; past the limit opening is refused for now, and works when somebody has closed one', async () => {
    const { owner, guest } = await ground.pair();
    const open = [];
    let refusal;
    for (let i = 0; refusal === undefined; i++) {
        assert.ok(i < 40, 'it ends');
        await owner.request('file.create', { path: `read-${i}.md` });
        let error;
        const replica = await until('open, or refused for good', () => owner.open(`read-${i}.md`).catch((e) => Promise.reject(error = e)), 5000).catch(() => {});
        if (!replica) {
            refusal = error; // what nobody reads has had time to leave
            break;
        }
        replica.insert(0, PIECE);
        await until('saved or refused', () => replica.rejected || replica.acked === replica.sent.length);
        open.push(replica);
    }
    assert.deepEqual([refusal.code, refusal.retry], ['overloaded', 'later']);
    assert.ok(open.length >= 5);
    assert.equal(owner.closeEvent, null);
    const mine = open.find((r) => !r.rejected);
    mine.insert(0, '.'); // below 9/8 of the limit documents may grow
    await until('saved or refused', () => mine.rejected || mine.acked === mine.sent.length);

    for (const replica of open.slice(1)) await close(owner, replica);
    const later = await until('there is room again', () => guest.open('read-39.md').catch(async (error) => {
        if (error.code === 'not_found') await guest.request('file.create', { path: 'read-39.md' });
        return false;
    }));
    later.insert(0, 'room');
    await later.saved();
    await owner.leave();
    await guest.leave();
});

test('dirty documents stay, whatever the limit says, until they are saved', async () => {
    const owner = await ground.owner();
    const replica = await until('there is room', () => owner.create('dirty.md').catch(() => owner.open('dirty.md')));
    replica.insert(0, 'saved. ');
    await replica.saved();
    await ground.cluster.stop('fast');
    replica.insert(0, `dirty ${PIECE}`.repeat(12)); // far beyond the limit, with one stroke
    await owner.request('doc.close', { doc: replica.doc });
    await new Promise((resolve) => setTimeout(resolve, 2500)); // two ticks that would like to evict it
    assert.ok(!ground.server.log.split('\n').some((l) => l.includes('document.evicted') && l.includes(replica.file)));
    await ground.cluster.start();
    await until('it is saved, and leaves', () => ground.server.log.split('\n').some((l) => l.includes('document.evicted') && l.includes(replica.file)), 60_000);
    assert.equal((await storedDocument(ground.cluster, replica.file)).text, `${`dirty ${PIECE}`.repeat(12)}saved. `);
    await ground.server.ready();
});

test('a session of 10,000 files costs what its open files cost', async () => {
    const owner = await ground.owner();
    await ground.cluster.rows(`insert into files (session_id, filename, file_path)
        select $1, 'f' || i || '.md', 'd' || i % 100 || '/f' || i || '.md' from generate_series(1, 10000) i`, [owner.session.session]);
    const person = await ground.join(owner.session);
    const before = [opens(), ground.server.residentBytes()];
    for (let i = 1; i <= 10; i++) {
        const replica = await until('there is room', () => person.open(`d${i}/f${i}.md`));
        replica.insert(0, 'x');
        await replica.saved();
    }
    const grown = ground.server.residentBytes() - before[1];
    assert.equal(opens() - before[0], 10, 'ten documents are in memory');
    assert.ok(grown < 8 << 20, `${grown >> 10} KiB for ten small files`); // a loaded tree of 10,000 would be more than that
});
