// two_servers.test.mjs — two server processes hold the same document of one database, both save and checkpoint it. Nothing routes people
// to one of them: the journal's keys and the merge before each checkpoint are all that keeps the text whole.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { runCli } from './support/cli.mjs';
import { holds, newestVersion, storedDocument, storedUpdates } from './support/documents.mjs';
import { allLeave, hocuspocus, yws } from './support/doors.mjs';
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
after(allLeave);
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

test('a door token that one server revokes ends what it opened on the other, and nothing else there', async () => {
    const { owner, guest } = await ground.pair();
    const cli = async (who, ...words) => {
        const { status, out, err } = await runCli(ground.server, who.session, ['token', ...words]);
        assert.equal(status, 0, err);
        return out.trim();
    };
    await cli(owner, 'allow', 'yes');
    const tokens = { owner: await cli(owner, 'door'), guest: await cli(guest, 'door') };
    const there = async (who, name) => yws(second, who.session, 'token.txt', { version: 1, doorToken: tokens[name] }).synced();
    const ada = await there(guest, 'guest');
    const bob = await hocuspocus(second, guest.session, 'token.txt', { token: tokens.guest }).synced();
    const own = await there(owner, 'owner'); // another's token
    const safe = await yws(second, guest.session, 'token.txt').synced(); // the same person, an access token
    assert.match(await cli(guest, 'revoke'), /revoked 1/);
    await ada.closedWith(4401);
    await until('the provider of Hocuspocus hears it', () => bob.denied.length > 0);
    assert.deepEqual([own.closes, safe.closes], [[], []]);
    ada.leave(); // the provider would come back for ever
    bob.leave();

    await cli(owner, 'allow', 'no'); // revokes none, and none counts
    await own.closedWith(4401);
    own.leave();
    assert.deepEqual(safe.closes, []);
});

test('a chat message that is sent again through the other server while it is being stored is one message, and answered both times', async () => {
    const { owner } = await ground.pair();
    const there = await ground.join(owner.session, undefined, second);
    const admin = await ground.cluster.connect({ user: 'postgres' });
    const waiting = async () => (await admin.query("select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock'")).rows[0].n;
    await admin.query('begin');
    await admin.query('select from coding_sessions where id = $1 for update', [owner.session.session]);
    const message = { client_msg_id: randomUUID(), text: 'once' };
    const answers = [];
    for (const [i, person] of [owner, there].entries()) {
        answers.push(person.request('chat.send', message));
        await until('it waits', async () => (await waiting()) === i + 1);
    }
    await admin.query('commit');
    await admin.end();
    const [first, again] = await Promise.all(answers);
    assert.deepEqual([again.id, again.seq], [first.id, first.seq]);
    const next = await there.request('chat.send', { client_msg_id: randomUUID(), text: 'next' });
    assert.equal(next.seq, first.seq + 1, 'there is no hole');
    assert.deepEqual((await owner.request('chat.history')).messages.map(({ text }) => text), ['next', 'once']);
});

test('a session that is closed through one server ends for everybody on the other, and no other session does', async () => {
    const { owner, guest } = await ground.pair();
    const ada = await ground.join(guest.session, undefined, second);
    const bob = await yws(second, guest.session, 'closed.txt').synced();
    const elsewhere = (await ground.pair()).owner;
    const safe = await ground.join(elsewhere.session, undefined, second);
    const { status } = await ground.server.post(`/v1/admin/sessions/${owner.session.session}/close`, { reason: 'over' }, ground.server.adminToken);
    assert.equal(status, 200);
    assert.equal((await owner.ended()).code, 4404);
    assert.equal((await ada.ended()).code, 4404);
    assert.equal((await ada.notified('session.closed')).reason, 'closed');
    await bob.closedWith(4404);
    bob.leave();
    assert.equal(safe.closeEvent, null);
});

test('editors on roots of two names write first, one on each server: one of them is the text, everywhere', async () => {
    const { owner, guest } = await ground.pair();
    const ada = await yws(ground.server, owner.session, 'roots.txt', { root: 'codemirror' }).synced();
    const bob = await hocuspocus(second, guest.session, 'roots.txt', { root: 'monaco' }).synced();
    ada.insert(0, 'of ada');
    bob.insert(0, 'of bob');
    await until('both have both', () => ada.ydoc.getText('monaco').toString() === 'of bob' && bob.ydoc.getText('codemirror').toString() === 'of ada');
    const texts = { codemirror: 'of ada', monaco: 'of bob' };
    const openOnBoth = async () => {
        const natives = [await ground.join(owner.session), await ground.join(guest.session, undefined, second)];
        const replicas = [];
        for (const native of natives) replicas.push(await native.open('roots.txt'));
        return replicas;
    };
    await until('both servers and the newest version name the same root', async () => {
        const replicas = await openOnBoth();
        const { root_name: root } = await ground.cluster.row('select root_name from files where id = $1', [replicas[0].file]);
        for (const { participant } of replicas) await participant.leave();
        const newest = await newestVersion(ground.cluster, replicas[0].file);
        return replicas.every((replica) => replica.root === root) && newest?.content === texts[root];
    });
    for (const replica of await openOnBoth()) await replica.sees(texts[replica.root]);
});
