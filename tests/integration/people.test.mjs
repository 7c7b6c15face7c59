// people.test.mjs — two people in a session: what they see of each other, and what PostgreSQL says about it.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { stand } from './support/ground.mjs';
import { RawSocket } from './support/raw.mjs';
import { until } from './support/wait.mjs';

const ground = await stand({ 'presence-ms': 200, 'ping-ms': 1000 });

test('each sees the other come and go', async () => {
    const { owner, guest } = await ground.pair();

    const { participant } = await owner.notified('session.participant', (p) => p.event === 'joined');
    assert.equal(participant.user, guest.joined.user.id);
    assert.equal(participant.display_name, 'Grace');
    assert.deepEqual(guest.joined.participants.map((p) => p.user), [owner.joined.user.id]);

    await guest.leave();
    const left = await owner.notified('session.participant', (p) => p.event === 'left');
    assert.equal(left.participant.id, participant.id);
});

test('participants come in pages, and who comes in between is in a later one', async () => {
    const owner = await ground.owner();
    const others = [];
    for (let i = 0; i < 60; i++) others.push(await ground.join(owner.session));
    const last = others.at(-1);
    assert.equal(last.joined.participants.length, 50);

    const seen = last.joined.participants.map((p) => p.id);
    for (let after = last.joined.participants_next; after;) {
        const page = await last.request('session.participants', { after, limit: 7 });
        assert.ok(page.participants.length <= 7);
        seen.push(...page.participants.map((p) => p.id));
        after = page.next;
        if (others.length === 60) others.push(await ground.join(owner.session));
    }

    assert.deepEqual(seen, [...new Set(seen)].sort((a, b) => a - b));
    assert.deepEqual(new Set(seen), new Set([owner, ...others].map((one) => one.joined.participant)));
});

test('participants, visits and users are rows that follow them', async () => {
    const { owner, guest } = await ground.pair();
    const { session, user } = guest.session;
    const seat = () => ground.cluster.row('select * from session_participants where session_id = $1 and user_id = $2', [session, user]);
    const isOnline = async () => (await ground.cluster.row('select is_online from users where id = $1', [user])).is_online;

    await until('the guest is present in the table', async () => (await seat()).left_at === null && (await isOnline()));
    assert.equal((await seat()).role, 'participant');
    assert.equal((await ground.cluster.row('select role from session_participants where user_id = $1', [owner.session.user])).role, 'owner');

    await guest.leave();
    await until('the guest has left in the table', async () => (await seat()).left_at !== null && !(await isOnline()));

    const again = await ground.join(guest.session);
    await until('the guest is back', async () => (await seat()).left_at === null && (await isOnline()));
    const visits = await ground.cluster.rows(
        'select left_at from participant_visits where session_id = $1 and user_id = $2 order by joined_at', [session, user]);
    assert.deepEqual(visits.map((v) => v.left_at !== null), [true, false]);
    const count = await ground.cluster.row('select count(*)::int as n from session_participants where session_id = $1', [session]);
    assert.equal(count.n, 2, 'a person who comes again is the same participant');
    assert.equal(again.joined.user.id, guest.joined.user.id);
});

test('a person with two connections is online until both are closed', async () => {
    const { guest } = await ground.pair();
    const second = await ground.join(guest.session);
    const user = () => ground.cluster.row('select is_online from users where id = $1', [guest.session.user]);
    const seat = () => ground.cluster.row('select left_at from session_participants where user_id = $1', [guest.session.user]);
    await until('online', async () => (await user()).is_online);

    await guest.leave();
    await second.request('file.list'); // a whole round through the database, behind the leaving
    assert.equal((await user()).is_online, true);
    assert.equal((await seat()).left_at, null);

    await second.leave();
    await until('offline', async () => !(await user()).is_online && (await seat()).left_at !== null);
});

test('cursors become rows of editing_sessions and go with the connection', async () => {
    const { owner, guest } = await ground.pair();
    const mine = await owner.create('cursor.md');
    mine.insert(0, 'hello world');
    const theirs = await guest.open('cursor.md');
    await theirs.sees('hello world');
    const rows = () => ground.cluster.rows('select * from editing_sessions where file_id = $1 order by user_id', [mine.file]);
    await until('two rows, one for each', async () => (await rows()).length === 2);

    const awareness = new Awareness(theirs.ydoc);
    awareness.setLocalState({ position: { anchor: 2, head: 7 }, typing: true });
    guest.sendValue([5, theirs.doc, encodeAwarenessUpdate(awareness, [theirs.ydoc.clientID])]);
    awareness.destroy();

    const row = await until('the cursor is in the table', async () =>
        (await rows()).find((r) => r.user_id === guest.session.user && r.cursor_position === 7));
    assert.equal(row.is_typing, true);
    assert.deepEqual([row.selection_range.anchor, row.selection_range.head], [2, 7]);
    const seat = await ground.cluster.row('select cursor_position from session_participants where user_id = $1', [guest.session.user]);
    assert.equal(seat.cursor_position.file, mine.file);
    assert.equal(seat.cursor_position.head, 7);

    await guest.leave();
    await until('only the owner has it open', async () => (await rows()).every((r) => r.user_id === owner.session.user));
    await owner.request('doc.close', { doc: mine.doc });
    await until('nobody has it open', async () => (await rows()).length === 0);
});

test('awareness is relayed, given to newcomers, and removed when a connection drops', async (t) => {
    const { owner, guest } = await ground.pair();
    const mine = await owner.create('awareness.md');
    const theirs = await guest.open('awareness.md');
    const seen = new Map(); // by each for itself, of a document or of the session
    t.after(() => seen.forEach((one) => one.destroy())); // each has a clock
    const hear = (who) => {
        if (!seen.has(who)) seen.set(who, new Awareness(new Y.Doc()));
        for (const payload of who.awareness.splice(0)) applyAwarenessUpdate(seen.get(who), payload, null);
        return seen.get(who).getStates();
    };
    const grace = theirs.ydoc.clientID;

    const awareness = new Awareness(theirs.ydoc);
    awareness.setLocalState({ user: { name: 'Grace' }, position: { anchor: 0, head: 0 } });
    for (const doc of [theirs.doc, 0]) guest.sendValue([5, doc, encodeAwarenessUpdate(awareness, [grace])]);
    awareness.destroy();
    for (const who of [mine, owner]) await until('the owner sees it', () => hear(who).get(grace)?.user.name === 'Grace');

    const third = await ground.guest(owner, 'Edsger');
    const late = await third.open('awareness.md');
    for (const who of [late, third]) await until('a newcomer is told at once', () => hear(who).has(grace));

    guest.socket.terminate();
    for (const who of [mine, owner]) await until('it is gone with the connection', () => !hear(who).has(grace));
    assert.equal(mine.text, '');
    assert.equal(mine.sent.length, 0);
    const { checkpoint_version } = await ground.cluster.row('select checkpoint_version from files where id = $1', [mine.file]);
    const { n } = await ground.cluster.row('select count(*)::int as n from crdt_journal where file_id = $1', [mine.file]);
    assert.deepEqual([Number(checkpoint_version), n], [0, 0], 'a cursor is no edit');
});

test('a client that says nothing any more, as after a pulled cable, is given up within two pings', async () => {
    const { owner, guest } = await ground.pair();
    await guest.leave();
    const mute = await RawSocket.join(ground.server, guest.session); // answers no ping
    await owner.notified('session.participant', (p) => p.event === 'left');
    owner.notifications.length = 0;

    await owner.notified('session.participant', (p) => p.event === 'left' && p.participant.user === guest.session.user, 6000);

    await until('it is offline', async () => !(await ground.cluster.row('select is_online from users where id = $1', [guest.session.user])).is_online);
    assert.equal(owner.closeEvent, null, 'who answers pings stays');
    mute.end();
});

test('a chat message is stored once, numbered, and shown to both', async () => {
    const { owner, guest } = await ground.pair();
    const id = randomUUID();

    const sent = await guest.request('chat.send', { client_msg_id: id, text: 'Grüße 👋' });
    const again = await guest.request('chat.send', { client_msg_id: id, text: 'Grüße 👋' });
    const reply = await owner.request('chat.send', { client_msg_id: randomUUID(), text: 'hello', reply_to: sent.id });

    assert.equal(again.id, sent.id);
    assert.deepEqual([sent.seq, again.seq, reply.seq], [1, 1, 2]);
    for (const person of [owner, guest]) {
        await person.notified('chat.posted', (m) => m.seq === 2);
        const posted = person.notifications.filter((n) => n.method === 'chat.posted').map((n) => n.params);
        assert.deepEqual(posted.map((m) => [m.seq, m.text, m.name]), [[1, 'Grüße 👋', 'Grace'], [2, 'hello', 'Owner']]);
    }
    const rows = await ground.cluster.rows('select * from chat_messages where session_id = $1 order by seq', [owner.session.session]);
    assert.deepEqual(rows.map((r) => [r.id, r.user_id, r.content, r.reply_to]), [
        [sent.id, guest.session.user, 'Grüße 👋', null], [reply.id, owner.session.user, 'hello', sent.id]]);
});

test('chat history pages back to the first message', async () => {
    const { owner } = await ground.pair();
    for (let i = 1; i <= 7; i++) await owner.request('chat.send', { client_msg_id: randomUUID(), text: `message ${i}` });

    const first = await owner.request('chat.history', { limit: 3 });
    const second = await owner.request('chat.history', { limit: 3, before: first.messages.at(-1).seq });
    const third = await owner.request('chat.history', { limit: 3, before: second.messages.at(-1).seq });

    assert.deepEqual([first, second, third].map((page) => page.messages.map((m) => m.seq)), [[7, 6, 5], [4, 3, 2], [1]]);
    assert.deepEqual([first.more, second.more, third.more], [true, true, false]);
});

test('the feed tells what happened, as rows and as activity.list', async () => {
    const { owner, guest } = await ground.pair();
    const { session } = owner.session;
    const types = async () => (await ground.cluster.rows(
        'select activity_type, user_id from activity_feed where session_id = $1 order by created_at, id', [session]))
        .map((r) => [r.activity_type, r.user_id === owner.session.user ? 'owner' : 'guest']);
    await until('both have come', async () => (await types()).length === 2);

    const { file } = await owner.request('file.create', { path: 'a.txt' });
    await guest.request('file.rename', { file: file.id, path: 'b.txt' });
    await guest.request('chat.send', { client_msg_id: randomUUID(), text: 'renamed it' });
    await owner.request('file.delete', { file: file.id });
    await guest.leave();

    await until('the guest has left', async () => (await types()).length === 7);
    assert.deepEqual((await types()).slice(0, 2).sort(), [['user_joined', 'guest'], ['user_joined', 'owner']]);
    assert.deepEqual((await types()).slice(2), [['file_created', 'owner'], ['file_renamed', 'guest'], ['message_sent', 'guest'],
        ['file_deleted', 'owner'], ['user_left', 'guest']]);
    const { entries } = await owner.request('activity.list', { limit: 10 });
    assert.deepEqual(entries.map((e) => e.type).reverse(), (await types()).map(([type]) => type));
    const rename = entries.find((e) => e.type === 'file_renamed');
    assert.deepEqual(JSON.parse(rename.data), { file: file.id, path: 'b.txt', from: 'a.txt' });
    assert.equal(rename.name, 'Grace');
});

test('participants come in pages', async () => {
    const owner = await ground.owner({ max_participants: 20 });
    const guests = [];
    for (let i = 0; i < 6; i++) guests.push(await ground.guest(owner, `guest ${i}`));

    const seen = [];
    let after = 0;
    do {
        const page = await owner.request('session.participants', { limit: 3, after });
        assert.ok(page.participants.length <= 3);
        seen.push(...page.participants.map((p) => p.user));
        after = page.next;
    } while (after);

    assert.deepEqual(seen.sort(), [owner, ...guests].map((p) => p.joined.user.id).sort());
});

test('a renewed token is the same person', async () => {
    const { guest } = await ground.pair();
    const { token, expires_at: expires } = await guest.request('auth.refresh');

    assert.notEqual(token, guest.session.token);
    assert.ok(expires === 0 || expires > Date.now());
    const again = await ground.join({ ...guest.session, token });
    assert.equal(again.joined.user.id, guest.joined.user.id);
    const stored = await ground.cluster.rows('select token_hash from access_tokens where user_id = $1', [guest.session.user]);
    assert.equal(stored.length, 2);
    assert.ok(stored.every((row) => !row.token_hash.includes(token)), 'only hashes are stored');
});

test('a token that ends is announced; who renews it stays, who does not is closed with 4401', async () => {
    const { owner } = await ground.pair();
    const ending = async (name) => {
        const session = await ground.server.joinByCode(owner.session.code, name);
        await ground.cluster.rows("update access_tokens set created_at = now() - interval '1 hour', expires_at = now() + interval '5 s' " +
            'where token_hash = sha256($1::bytea)', [Buffer.from(session.token)]);
        return ground.join(session);
    };
    const careless = await ending('Careless');
    const careful = await ending('Careful');
    for (const person of [careless, careful])
        await person.notified('auth.expiring', (p) => p.expires_at === person.joined.token_expires_at);

    const { token, expires_at: expires } = await careful.request('auth.refresh');

    assert.ok(expires > careful.joined.token_expires_at + 3_000_000, 'as long as the one before, which lived an hour');
    assert.deepEqual([(await careless.ended()).code, careful.closeEvent], [4401, null]);
    await until('the first token has ended', () => Date.now() > careful.joined.token_expires_at);
    await careful.request('file.list');
    assert.equal((await ground.join({ ...careful.session, token })).joined.user.id, careful.joined.user.id);
});

test('no secret stands in the log', async () => {
    const { owner, guest } = await ground.pair();
    await guest.request('chat.send', { client_msg_id: randomUUID(), text: 'between us: hunter2' });
    const replica = await guest.create('secret.md');
    replica.insert(0, 'the launch code is 00000000');
    await replica.saved();

    for (const secret of [owner.session.token, guest.session.token, owner.session.code, 'hunter2', 'launch code'])
        assert.equal(ground.server.log.includes(secret), false);
});

test('a session that is full lets nobody else in', async () => {
    const owner = await ground.owner({ max_participants: 2 });
    await ground.guest(owner);
    await until('both are present', async () => (await ground.cluster.row(
        'select count(*)::int as n from session_participants where session_id = $1 and left_at is null', [owner.session.session])).n === 2);

    const { status, body } = await ground.server.post('/v1/join', { code: owner.session.code, name: 'Edsger' });

    assert.equal(status, 409);
    assert.equal(body.error.code, 'full');
});

test('a wrong code, a wrong body and no token are refused in words', async () => {
    const refusals = [
        [await ground.server.post('/v1/join', { code: 'ZZZZZZZZ', name: 'x' }), 404, 'not_found'],
        [await ground.server.post('/v1/join', { code: 'ZZZZZZZZ', name: '' }), 400, 'invalid_params'],
        [await ground.server.post('/v1/join', '{'), 400, 'malformed'],
        [await ground.server.post('/v1/sessions', { name: 'mine' }), 401, 'credentials'],
        [await ground.server.post('/v1/sessions', { name: 'mine' }, 'not-the-admin-token'), 401, 'credentials'],
        [await ground.server.post('/v1/nothing', {}), 404, 'not_found'],
    ];
    for (const [{ status, body }, wantedStatus, code] of refusals) {
        assert.equal(status, wantedStatus, JSON.stringify(body));
        assert.equal(body.error.code, code);
        assert.ok(body.error.message.length > 10);
    }
});
