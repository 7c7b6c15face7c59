// admin.test.mjs — what an operator sees and does while the server runs: `vibesync admin`, and the endpoints behind it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCli } from './support/cli.mjs';
import { newestVersion, storedDocument } from './support/documents.mjs';
import { stand } from './support/ground.mjs';
import { Metrics } from './support/metrics.mjs';
import { RawSocket } from './support/raw.mjs';
import { until } from './support/wait.mjs';

const ground = await stand({ loops: 2, 'log-level': 'info' });

// {status, lines or what was said} of one command.
async function admin(...words) {
    const { status, out, err } = await runCli(ground.server, {}, ['admin', ...words, '--json', '--admin-token-file', ground.server.tokenFile]);
    return { status, err, lines: out.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line)) };
}

const request = (method, path, body, token = ground.server.adminToken) => fetch(ground.server.url + path, {
    method, headers: { authorization: `Bearer ${token}` }, ...(body === undefined ? {} : { body: JSON.stringify(body) }),
});

test('sessions, connections and documents of all loops are listed', async () => {
    const rooms = [];
    const loopsUsed = async () => new Set((await admin('sessions')).lines.map(({ loop }) => loop)).size;
    while (rooms.length < 3 || (rooms.length < 100 && await loopsUsed() < 2)) { // where a session goes depends on what else the machine does
        const { owner, guest } = await ground.pair();
        const replica = await owner.create('listed.md');
        replica.insert(0, 'text');
        rooms.push({ owner, guest, replica });
    }
    const sessions = (await admin('sessions')).lines;
    const connections = (await admin('connections')).lines;
    const documents = (await admin('documents')).lines;
    for (const { owner, guest, replica } of rooms) {
        const id = owner.session.session;
        assert.equal(sessions.find((one) => one.session === id).connections, 2);
        const mine = connections.filter((one) => one.session === id);
        assert.deepEqual(mine.map(({ user, state }) => [user, state]), [owner, guest].map(({ joined }) => [joined.user.id, 'joined']));
        assert.match(mine[0].peer, /^127\.0\.0\.1:\d+$/);
        const document = documents.find((one) => one.document === replica.file);
        assert.deepEqual([document.session, document.readers, document.state], [id, 1, 'open']);
    }
    assert.deepEqual(new Set(sessions.map(({ loop }) => loop)), new Set([0, 1]));
    const [{ owner }] = rooms;
    assert.equal((await admin('connections', '--session', owner.session.session)).lines.length, 2);

    const table = await runCli(ground.server, {}, ['admin', 'sessions', '--admin-token-file', ground.server.tokenFile]);
    assert.match(table.out, /^session +loop +connections +documents +documents_bytes/);
    assert.ok(table.out.includes(owner.session.session));
});

test('a list is paged, and no entry comes twice or is left out', async () => {
    for (const list of ['sessions', 'connections', 'documents']) {
        const whole = (await admin(list)).lines;
        const paged = [];
        let after = '';
        do {
            const page = (await (await request('GET', `/v1/admin/${list}?limit=2${after && `&after=${after}`}`)).text()).trim().split('\n').map(JSON.parse);
            after = page.at(-1).next ?? '';
            if (after) page.pop();
            assert.ok(page.length <= 2);
            paged.push(...page);
        } while (after);
        const key = list.slice(0, -1);
        assert.deepEqual(paged.map((one) => one[key]), whole.map((one) => one[key]));
    }
});

test('nobody without the admin token: not by a user\'s token, not by the metrics token', async () => {
    const { owner } = await ground.pair();
    for (const token of ['', owner.session.token, ground.server.metricsToken, `${ground.server.adminToken}x`]) {
        for (const [method, path] of [['GET', 'sessions'], ['GET', 'connections'], ['GET', 'documents'], ['POST', 'drain'], ['POST', 'log-level'],
            ['POST', 'connections/0-1/kick'], ['POST', `sessions/${owner.session.session}/close`], ['POST', `documents/${owner.session.session}/evict`]]) {
            assert.equal((await request(method, `/v1/admin/${path}`, method === 'POST' ? { level: 'debug' } : undefined, token)).status, 401, path);
        }
    }
    assert.equal(owner.closeEvent, null);
    assert.equal((await runCli(ground.server, {}, ['admin', 'sessions'])).status, 2);
});

test('what is wrong in a question is named', async () => {
    const said = async (method, path, body) => {
        const answer = await request(method, path, body);
        return `${answer.status} ${(await answer.json()).error.message}`;
    };
    assert.match(await said('GET', '/v1/admin/sessions?limit=0'), /^400 limit: a whole number from 1 to 500/);
    assert.match(await said('GET', '/v1/admin/sessions?after=1.2'), /^400 after:/);
    assert.match(await said('GET', '/v1/admin/documents?session=x'), /^400 session:/);
    assert.match(await said('POST', '/v1/admin/connections/7-999/kick'), /^404 There is no connection 7-999/);
    assert.match(await said('POST', '/v1/admin/sessions/x/close'), /^400 The path holds no id/);
    assert.match(await said('POST', '/v1/admin/sessions/01932c07-209c-7f3a-8c11-5d1b2a9e4c77/close'), /^404 There is no such session/);
    assert.match(await said('POST', '/v1/admin/documents/01932c07-209c-7f3a-8c11-5d1b2a9e4c77/evict'), /^404 This document is not in memory/);
    assert.match(await said('POST', '/v1/admin/log-level', { level: 'loud' }), /^400 level: debug, info, warn or error/);
    assert.match(await said('POST', '/v1/admin/connections/0-1/kick', { reason: 'x'.repeat(200) }), /^400 .*reason: text of at most 123 bytes/);
});

test('who is kicked is told why, and the others stay', async () => {
    const { owner, guest } = await ground.pair();
    const [, theirs] = (await admin('connections', '--session', owner.session.session)).lines;
    const { lines: [did] } = await admin('kick', theirs.connection, '--reason', 'spam, ä');
    assert.deepEqual(did, { connection: theirs.connection, did: 'kicked', connections: 1 });
    assert.deepEqual(await guest.ended(), { code: 4405, reason: 'spam, ä' });
    assert.equal(owner.closeEvent, null);
    await until('it is in the log', () => new RegExp(`admin\\.kicked session=${owner.session.session} connection=\\d+ request=\\S+ connection_id=${theirs.connection} `).test(ground.server.log));
    assert.equal((await admin('kick', theirs.connection)).status, 1, 'it has gone');
});

test('a session that is closed ends for everybody, and nobody comes in any more', async () => {
    const { owner, guest } = await ground.pair();
    const replica = await owner.create('kept.md');
    replica.insert(0, 'kept');
    await replica.saved();
    const { lines: [did] } = await admin('close', owner.session.session, '--reason', 'over');
    assert.deepEqual(did, { session: owner.session.session, did: 'closed', connections: 2 });
    for (const person of [owner, guest]) {
        assert.deepEqual(await person.ended(), { code: 4404, reason: 'over' });
        assert.equal((await person.notified('session.closed')).message, 'over');
    }
    await until('it is in the log', () => new RegExp(`admin\\.closed session=${owner.session.session} request=\\S+ connections=2 reason="over"`).test(ground.server.log));
    await assert.rejects(owner.connect(), /not_found/);
    await assert.rejects(ground.server.joinByCode(owner.session.code, 'late'), /404/);
    assert.equal((await storedDocument(ground.cluster, replica.file)).text, 'kept');
});

test('a document that is evicted is saved first; its readers open it again and go on', async () => {
    const { owner } = await ground.pair();
    const replica = await owner.create('evicted.md');
    for (let i = 0; i < 50; i++) replica.insert(0, `line ${i}\n`);
    const { lines: [did] } = await admin('evict', replica.file);
    assert.deepEqual(did, { document: replica.file, did: 'saved and evicted', connections: 1 });
    assert.equal(replica.gone.reason, 'unavailable');
    const stored = await storedDocument(ground.cluster, replica.file);
    assert.equal(stored.journalRows, 0, 'a checkpoint has it all');
    assert.deepEqual((await newestVersion(ground.cluster, replica.file)).bytes, Buffer.from(stored.text, 'utf8'));
    assert.equal((await admin('documents', '--session', owner.session.session)).lines.length, 0);

    await replica.open();
    replica.insert(0, 'on. ');
    await replica.saved();
    assert.equal((await storedDocument(ground.cluster, replica.file)).text, replica.text);
});

test('while the database is away a document is not evicted, and is in service again', async () => {
    const { owner } = await ground.pair();
    const replica = await owner.create('stays.md');
    await ground.cluster.stop('fast');
    await until('the server knows', async () => (await ground.server.get('/readyz')).status === 503);
    replica.insert(0, 'unsaved');
    await owner.request('session.participants'); // in order behind the edit
    const { status, err } = await admin('evict', replica.file);
    assert.equal(status, 3);
    assert.match(err, /could not be saved in time, and stays/);
    await ground.cluster.start();
    await ground.server.ready();
    await replica.open();
    await replica.saved();
    assert.equal((await storedDocument(ground.cluster, replica.file)).text, 'unsaved');
});

test('the log level is set while it runs', async () => {
    assert.doesNotMatch(ground.server.log, /debug http\.answered/);
    assert.deepEqual((await admin('log-level', 'debug')).lines[0].level, 'debug');
    await ground.server.get('/healthz');
    await until('a line of that level', () => /debug http\.answered/.test(ground.server.log));
    await admin('log-level', 'info');
});

test('acts are counted by kind, refused ones are not', async () => {
    const { owner, guest } = await ground.pair();
    const replica = await owner.create('counted.md');
    await replica.saved();
    const before = await Metrics.of(ground.server);
    const [, theirs] = (await admin('connections', '--session', owner.session.session)).lines;
    await admin('evict', replica.file);
    await admin('evict', replica.file);
    await admin('kick', theirs.connection);
    await guest.ended();
    await admin('kick', theirs.connection);
    await admin('close', owner.session.session);
    await admin('log-level', 'info');
    assert.equal((await admin('log-level', 'loud')).status, 1);
    const after = await Metrics.of(ground.server);
    const counts = ['kicks', 'closes', 'evictions', 'log_levels', 'drains'].map((kind) => after.since(before, `vibesync_admin_${kind}_total`));
    assert.deepEqual(counts, [1, 1, 1, 1, 0]);
});

test('drain: as SIGTERM', async () => {
    const { owner } = await ground.pair();
    const replica = await owner.create('drained.md');
    replica.insert(0, 'all of it');
    assert.equal((await admin('drain')).lines[0].did, 'SIGTERM');
    assert.equal((await owner.ended()).code, 1001);
    assert.deepEqual(await ground.server.exit, { code: 0, signal: null });
    assert.equal((await storedDocument(ground.cluster, replica.file)).journalRows, 0);
    await ground.server.start();
});

test('a drain is counted: who asked for /metrics in the same breath is answered before the process ends', async () => {
    await ground.server.stop();
    await ground.server.start({ ...ground.server.settings, loops: 1 }); // another loop may have ended, and with it its counts
    const raw = await RawSocket.open(ground.server);
    raw.write(['POST /v1/admin/drain', 'GET /metrics'].map((line, i) => `${line} HTTP/1.1\r\nHost: x\r\n` +
        `Authorization: Bearer ${ground.server.adminToken}\r\n${i ? '' : 'X-Request-Id: breath\r\n'}\r\n`).join(''));
    assert.deepEqual(await ground.server.exit, { code: 0, signal: null });
    await until('all has come', () => raw.ended);
    const said = raw.bytes.toString();
    assert.match(said, /"did":"draining"|"did":"SIGTERM"/);
    assert.match(said, /^vibesync_admin_drains_total 1$/m);
    assert.match(ground.server.log, /admin\.drained request=breath /);
    await ground.server.start();
});
