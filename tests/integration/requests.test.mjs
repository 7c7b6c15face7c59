// requests.test.mjs — the name of a request: in its answer, and in every log line about it, from the proxy's to the database's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stand } from './support/ground.mjs';
import { Participant } from './support/native.mjs';
import { until } from './support/wait.mjs';

const ground = await stand({ loops: 2 });
const get = (path, headers = {}) => fetch(ground.server.url + path, { headers });

test('a sane name is taken and answered, another one is replaced; each request has one, also a broken one', async () => {
    assert.equal((await get('/healthz', { 'x-request-id': 'proxy-1.a_B' })).headers.get('x-request-id'), 'proxy-1.a_B');
    const made = new Set();
    for (const offered of ['two words', 'x'.repeat(65), 'a="b"', '']) {
        made.add((await get('/readyz', { 'x-request-id': offered })).headers.get('x-request-id'));
    }
    made.add((await get('/nowhere')).headers.get('x-request-id'));
    assert.equal(made.size, 5, 'each its own');
    for (const id of made) assert.match(id, /^[0-9a-f]{16}$/);
    await until('they are in the log', () => ['proxy-1.a_B', ...made].every((id) => ground.server.log.includes(`http.answered request=${id} `)));
});

test('who was refused, and which session was made, is in the log under the name', async () => {
    assert.equal((await get('/metrics', { 'x-request-id': 'sneaky' })).status, 401);
    await until('refused', () => /access\.refused request=sneaky what=metrics/.test(ground.server.log));
    assert.equal((await get('/v1/admin/sessions', { 'x-request-id': 'prowler' })).status, 401);
    await until('refused', () => /access\.refused request=prowler what=admin/.test(ground.server.log));
    const guess = await fetch(`${ground.server.url}/v1/join`, { method: 'POST', body: JSON.stringify({ code: 'AAAA-AAAA', name: 'x' }),
        headers: { 'x-request-id': 'guesser' } });
    assert.equal(guess.status, 404);
    await until('refused', () => /access\.refused request=guesser what=room_code/.test(ground.server.log));
    const answer = await fetch(`${ground.server.url}/v1/sessions`, { method: 'POST', body: JSON.stringify({ name: 'named' }),
        headers: { authorization: `Bearer ${ground.server.adminToken}`, 'x-request-id': 'maker' } });
    assert.equal(answer.status, 201);
    await until('made', () => /session\.created session=\S+ request=maker /.test(ground.server.log));
});

test('a connection has the name of its upgrade, and a call that fails that and its msgid', async () => {
    const session = await ground.server.createSession();
    const person = new Participant(ground.server, session);
    await person.connectOnly();
    await person.join({ credential: session.token });
    ground.participants.push(person);
    const [, name] = await until('it is in the log', () => new RegExp(`connection\\.opened session=${session.session} connection=\\d+ request=([0-9a-f]{16}) `).exec(ground.server.log));
    await until('joined', () => new RegExp(`participant\\.joined session=${session.session} connection=\\d+ request=${name} `).test(ground.server.log));
    await person.request('file.create', { path: 'taken.md' });
    const msgid = person.msgid;
    await person.refusal('file.create', { path: 'taken.md' });
    await until('with its msgid', () => new RegExp(`call\\.failed session=\\S+ connection=\\d+ request=${name}\\.${msgid} `).test(ground.server.log));
});

test('an update that is refused, and a message that cannot be read, are told with the name of their connection', async () => {
    const owner = await ground.owner();
    const { file } = await owner.create('refused.md');
    const viewer = await ground.server.joinByCode(owner.session.code, 'Viewer');
    await ground.cluster.rows("update session_participants set role = 'viewer' where user_id = $1", [viewer.user]);
    const person = await ground.join(viewer);
    const replica = await person.open('refused.md');
    const about = `session=${viewer.session}`;
    const [, name] = await until('it is in the log', () => new RegExp(`participant\\.joined ${about} connection=\\d+ request=([0-9a-f]{16}) role=viewer`).exec(ground.server.log));
    replica.insert(0, 'graffiti');
    await until('refused', () => ground.server.log.includes('update.rejected '));
    assert.match(ground.server.log, new RegExp(`update\\.rejected ${about} file=${file} connection=\\d+ request=${name} `));
    person.sendBytes(Buffer.from('c1', 'hex'));
    await until('not read', () => ground.server.log.includes('message.malformed '));
    assert.match(ground.server.log, new RegExp(`message\\.malformed ${about} connection=\\d+ request=${name} `));
});

test('a document that cannot be loaded is told with the name of whoever asked first, a visit that cannot be recorded with its session', async () => {
    const { owner, guest } = await ground.pair();
    const about = `session=${owner.session.session}`;
    const [, name] = await until('it is in the log', () => new RegExp(`participant\\.joined ${about} connection=\\d+ request=([0-9a-f]{16}) role=owner`).exec(ground.server.log));
    const { file: { id } } = await owner.request('file.create', { path: 'locked.md' });
    await ground.cluster.rows('revoke select on crdt_checkpoints from vibesync_server');
    const { msgid } = owner;
    assert.equal((await owner.refusal('doc.open', { path: 'locked.md', client_id: 4 })).code, 'unavailable');
    await until('not loaded', () => new RegExp(`document\\.load_failed ${about} file=${id} connection=\\d+ request=${name}\\.${msgid} `).test(ground.server.log));
    await ground.cluster.rows('grant select on crdt_checkpoints to vibesync_server');

    await ground.cluster.rows('revoke update on session_participants from vibesync_server');
    await guest.leave();
    await until('not recorded', () => new RegExp(`participant\\.not_recorded ${about} status=`).test(ground.server.log));
    await ground.cluster.rows('grant update on session_participants to vibesync_server');
});

test('a credential that cannot be looked up is told with the name of its connection', async () => {
    const session = await ground.server.createSession();
    const person = new Participant(ground.server, session);
    await person.connectOnly();
    ground.participants.push(person);
    const about = `session=${session.session} connection=\\d+`;
    const [, name] = await until('it is in the log', () => new RegExp(`connection\\.opened ${about} request=([0-9a-f]{16}) `).exec(ground.server.log));
    await ground.cluster.rows('revoke select on access_tokens from vibesync_server');
    await assert.rejects(person.join({ credential: session.token }), { code: 'unavailable' });
    await ground.cluster.rows('grant select on access_tokens to vibesync_server');
    await until('not joined', () => new RegExp(`join\\.failed ${about} request=${name} `).test(ground.server.log));
});
