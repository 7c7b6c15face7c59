// restart.test.mjs — one server process follows another while people type: nobody is refused, nothing acknowledged is lost, all are back
// within two seconds; also when the old one is killed half-way.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { holds, storedDocument } from './support/documents.mjs';
import { stand } from './support/ground.mjs';
import { HandedSocket } from './support/handed_socket.mjs';
import { Participant } from './support/native.mjs';
import { PROGRAM } from './support/program.mjs';
import { Random, seedOfThisRun } from './support/random.mjs';
import { Typist } from './support/typist.mjs';
import { pause, until } from './support/wait.mjs';

const BACK_MS = PROGRAM.includes('/release/') ? 2000 : 10_000; // a sanitizer is slow to start
const seed = seedOfThisRun();
const random = new Random(seed);
const handed = new HandedSocket();
after(() => handed.close());
const ground = await stand();

// Three sessions of two who type; `away(ms)` is told how long each of them was without a line.
async function crowd(server, away) {
    const typists = [];
    for (let i = 0; i < 3; i++) {
        const session = await server.createSession();
        const seats = [session, await server.joinByCode(session.code, 'Grace')];
        for (const seat of seats) {
            const person = await Participant.join(server, seat);
            ground.participants.push(person);
            if (seat === session) await person.request('file.create', { path: 'rolling.md' });
            await person.open('rolling.md');
            const typist = new Typist(person, random.between(0, 2 ** 32));
            typist.start();
            watchAway(person, typist, away);
            typists.push(typist);
        }
    }
    return typists;
}

async function watchAway(person, typist, away) {
    while (!person.givenUp) {
        const line = person.closed;
        await line;
        const lostAt = performance.now();
        while (!person.givenUp && (person.closed === line || !typist.isBack)) await pause(5);
        if (!person.givenUp) away(performance.now() - lostAt);
    }
}

const lines = (typists) => typists.map(({ person }) => person.closed);
const allBack = (typists, before) => until('all are back', () => typists.every((typist, i) => typist.isBack && typist.person.closed !== before[i]));

async function checkNothingLost(typists) {
    for (const typist of typists) await typist.stop();
    for (const { replicas: [replica] } of typists) {
        await until('saved', async () => {
            if (replica.doc === undefined) return false;
            await replica.saved(5000);
            return true;
        });
    }
    for (let i = 0; i < typists.length; i += 2) {
        const [mine, theirs] = [typists[i], typists[i + 1]].map(({ replicas }) => replicas[0]);
        await until('both have the same text', () => mine.text === theirs.text);
        const { ydoc, text } = await storedDocument(ground.cluster, mine.file);
        assert.equal(text, mine.text);
        for (const update of [...mine.everAcked, ...theirs.everAcked]) assert.ok(holds(ydoc, update), 'an acknowledged update is missing');
    }
}

for (const [way, make] of [
    ['a socket that systemd holds', () => Object.assign(ground.server.beside(), { handed: handed.fd })],
    ['--listen-shared', () => ground.server.beside({ 'listen-shared': true })],
]) {
    test(`the new process begins before the old one ends, twice, the second time with kill -9: ${way} (VIBESYNC_SEED=${seed})`, async (t) => {
        const absences = [];
        const first = make();
        first.port = 0;
        await first.start();
        const typists = await crowd(first, (ms) => absences.push(ms)); // they know its address, which is that of all three
        await pause(300);

        const second = Object.assign(make(), { port: first.port });
        await second.start();
        let before = lines(typists);
        assert.equal(await first.stop(), 0);
        await allBack(typists, before);
        assert.equal(typists.filter(({ person }) => person.lastClose?.code === 1001).length, typists.length, 'all were told');
        await pause(300);

        const third = Object.assign(make(), { port: first.port });
        await third.start();
        before = lines(typists);
        second.child.kill('SIGTERM');
        await until('it drains', () => second.log.includes('process.draining'));
        await second.kill();
        await allBack(typists, before);
        await pause(300);

        await checkNothingLost(typists);
        for (const { person } of typists) person.givenUp = true;
        t.diagnostic(`without a line for ${absences.map((ms) => Math.round(ms)).join(', ')} ms`);
        assert.equal(absences.length, 2 * typists.length, 'each lost two lines, one by each restart');
        assert.ok(Math.max(...absences) < BACK_MS, `${Math.max(...absences)} ms`);
        await third.destroy();
    });
}

test('systemctl restart: who comes while no process is there waits in the socket and is served', async () => {
    const server = Object.assign(ground.server.beside(), { handed: handed.fd, port: 0 });
    await server.start();
    const owner = await Participant.join(server, await server.createSession());
    ground.participants.push(owner);
    const mine = await owner.create('gap.md');
    mine.insert(0, 'before');

    assert.equal(await server.stop(), 0);
    assert.equal((await owner.ended()).code, 1001);
    mine.insert(0, 'and ');
    const back = owner.resume();
    const joining = server.joinByCode(owner.session.code, 'Grace');
    await pause(200); // the two have been waiting for that long, and no process is there
    await server.start();

    await back;
    await joining;
    await mine.saved();
    assert.equal((await storedDocument(ground.cluster, mine.file)).text, 'and before');
    assert.equal(await server.stop(), 0);
});
