// crowd.release.test.mjs — a session of more people than usual: all come in and hear of each other, the list is paged, one too many is refused.
// 1,000 of them; 10,000 with `--long`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stand } from './support/ground.mjs';
import { Metrics } from './support/metrics.mjs';
import { RawSocket } from './support/raw.mjs';
import { until } from './support/wait.mjs';

const isLong = process.env.VIBESYNC_LONG === '1';
const PEOPLE = isLong ? 10_000 : 1000, AT_ONCE = 50, PAGE = 200;
const ground = await stand({ 'ping-ms': 600_000, 'unjoined-ms': 60_000 });
const { server, cluster } = ground;

test('max_participants goes beyond ten thousand', async () => {
    for (const max of [10_001, 1_000_000]) assert.ok((await server.createSession({ max_participants: max })).session);
    const { body, status } = await server.post('/v1/sessions', { name: 'x', max_participants: 1_000_001 }, server.adminToken);
    assert.deepEqual([status, body.error.code], [400, 'invalid_params']);
});

test(`${PEOPLE} people are in one session; each is listed once, page by page; the next one is refused`, async (t) => {
    const session = await server.createSession({ max_participants: PEOPLE + 1 });
    await cluster.rows(`with person as (
          insert into users (username, display_name) select 'crowd-' || i, 'Crowd ' || i from generate_series(1, $2::int + 1) i returning id, username
        ), seat as (insert into session_participants (session_id, user_id, left_at) select $1, id, now() from person)
        insert into access_tokens (token_hash, user_id, session_id) select sha256(username::text::bytea), id, $1 from person`, [session.session, PEOPLE]);

    const owner = await ground.join(session);
    let messages = 0;
    owner.socket.on('message', () => messages++);
    const heard = (event) => owner.notifications.filter(({ method, params }) => method === 'session.participant' && params.event === event)
        .map(({ params }) => params.participant.username);
    const crowd = [];
    const began = performance.now();
    let next = 1;
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
        while (next <= PEOPLE) {
            const raw = await RawSocket.join(server, { session: session.session, token: `crowd-${next++}` });
            raw.socket.removeAllListeners('data'); // what it hears of the others is not looked at
            raw.socket.resume();
            crowd.push(raw);
        }
    }));
    t.diagnostic(`${PEOPLE} joined in ${Math.round(performance.now() - began)} ms; the server holds ${server.residentBytes() >> 20} MiB`);
    assert.equal((await Metrics.of(server)).get('vibesync_connections'), PEOPLE + 1);
    await until('who was there heard of each', () => heard('joined').length >= PEOPLE);
    assert.equal(new Set(heard('joined')).size, PEOPLE);
    assert.ok(messages < 0.9 * PEOPLE, `${messages} messages`);

    const seen = new Set();
    let after = 0, pages = 0;
    do {
        const page = await owner.request('session.participants', { after, limit: PAGE });
        assert.ok(page.participants.length <= PAGE);
        for (const { id, username } of page.participants) {
            assert.ok(id > after && !seen.has(username), username);
            seen.add(username);
        }
        after = page.next;
        pages++;
    } while (after !== 0);
    assert.equal(seen.size, PEOPLE + 1);
    assert.equal(pages, Math.ceil((PEOPLE + 1) / PAGE));

    const before = (await Metrics.of(server)).limited('participants');
    await assert.rejects(ground.join({ ...session, token: `crowd-${PEOPLE + 1}` }), (error) => error.data?.limit === 'max_participants');
    assert.equal((await Metrics.of(server)).limited('participants') - before, 1);
    crowd.pop().end(); // one leaves: one comes in
    await until('there is a place', () => ground.join({ ...session, token: `crowd-${PEOPLE + 1}` }).then(() => true, () => false));

    for (const raw of crowd) raw.end();
    await until('who is there heard of each', () => new Set(heard('left')).size === PEOPLE, 120_000);
    await until('they have left', async () => (await Metrics.of(server)).get('vibesync_connections') === 2, 120_000);
});
