// metrics.test.mjs — does /metrics count what happened, in a format that Prometheus reads, and only for those who may know?
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stand } from './support/ground.mjs';
import { Metrics } from './support/metrics.mjs';
import { until } from './support/wait.mjs';

const ground = await stand({ loops: 3 });
const { server } = ground;

test('nobody reads metrics without a token; the metrics token opens nothing else', async () => {
    for (const token of [undefined, 'x', server.metricsToken.slice(1), `${server.metricsToken}x`]) {
        const answer = await fetch(`${server.url}/metrics`, { headers: token ? { authorization: `Bearer ${token}` } : {} });
        assert.equal(answer.status, 401, String(token));
        assert.equal((await answer.text()).includes('vibesync_'), false);
    }
    assert.equal((await server.post('/v1/sessions', { name: 'x' }, server.metricsToken)).status, 401);
    assert.equal((await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${server.metricsToken}` } })).status, 200);
    assert.equal((await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${server.adminToken}` } })).status, 200);
});

test('every line is a comment or a sample; families stand together; buckets only grow and end with the count', async () => {
    const answer = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${server.metricsToken}` } });
    assert.match(answer.headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
    const text = await answer.text();
    assert.ok(text.endsWith('\n'));
    const kinds = new Map(), helped = new Set(), seen = new Set();
    const histograms = new Map();
    let family;
    for (const line of text.trimEnd().split('\n')) {
        const comment = /^# (HELP|TYPE) ([a-z_:][a-z0-9_:]*) (.+)$/.exec(line);
        if (comment?.[1] === 'HELP') {
            family = comment[2];
            assert.ok(!helped.has(family), `${family} occurs once`);
            helped.add(family);
        } else if (comment) {
            assert.equal(comment[2], family);
            assert.match(comment[3], /^(counter|gauge|histogram)$/);
            kinds.set(family, comment[3]);
        } else {
            const sample = /^([a-z_:][a-z0-9_:]*)(?:\{([a-z]+)="([^"\\\n]*)"\})? (\S+)$/.exec(line);
            assert.ok(sample, line);
            const [, name, label, labelValue, value] = sample;
            assert.ok(Number.isFinite(Number(value)) && Number(value) >= 0, line);
            assert.ok(!seen.has(`${name} ${labelValue}`), `${line} occurs once`);
            seen.add(`${name} ${labelValue}`);
            if (kinds.get(family) !== 'histogram') {
                assert.equal(name, family);
                if (kinds.get(family) === 'counter') assert.match(name, /_total$/);
                continue;
            }
            const histogram = histograms.get(family) ?? { buckets: [] };
            histograms.set(family, histogram);
            const part = name.slice(family.length);
            if (part === '_bucket') {
                assert.equal(label, 'le');
                histogram.buckets.push([labelValue === '+Inf' ? Infinity : Number(labelValue), Number(value)]);
            } else histogram[part] = Number(value);
        }
    }
    assert.ok(histograms.size >= 5);
    for (const [name, { buckets, _sum, _count }] of histograms) {
        assert.equal(buckets.at(-1)[0], Infinity, name);
        for (let i = 1; i < buckets.length; i++) {
            assert.ok(buckets[i][0] > buckets[i - 1][0], `${name}: bounds grow`);
            assert.ok(buckets[i][1] >= buckets[i - 1][1], `${name}: counts grow`);
        }
        assert.equal(buckets.at(-1)[1], _count, name);
        assert.ok(_sum >= 0, name);
    }
});

test('what people do is counted, whichever loop they are on', async () => {
    const before = await Metrics.of(server);
    const rooms = [];
    for (let i = 0; i < 6; i++) rooms.push(await ground.pair()); // six sessions on three loops
    let updates = 0;
    for (const [i, { owner, guest }] of rooms.entries()) {
        const mine = await owner.create('counted.md');
        const theirs = await guest.open('counted.md');
        for (let n = 0; n <= i; n++, updates++) {
            mine.insert(0, `${n} `);
            await mine.saved();
        }
        await theirs.sees(mine.text);
    }
    const during = await Metrics.of(server);
    assert.equal(during.since(before, 'vibesync_joins_total'), 12);
    assert.equal(during.since(before, 'vibesync_upgrades_total'), 12);
    assert.equal(during.since(before, 'vibesync_loads_total'), 6);
    assert.equal(during.since(before, 'vibesync_updates_total'), updates);
    assert.equal(during.since(before, 'vibesync_apply_seconds_count'), updates);
    assert.equal(during.since(before, 'vibesync_ack_seconds_count'), updates);
    assert.ok(during.since(before, 'vibesync_acks_total') >= updates);
    assert.ok(during.since(before, 'vibesync_deliveries_total') >= updates * 2, 'an update to the other, an ack to the sender');
    assert.ok(during.since(before, 'vibesync_received_bytes_total') > updates * 20);
    assert.ok(during.since(before, 'vibesync_fanout_seconds_count') > 0 && during.since(before, 'vibesync_queue_bytes_count') > 0);
    assert.ok(during.get('vibesync_loop_lag_seconds_count') > 0);
    assert.equal(during.get('vibesync_connections'), 12);
    assert.equal(during.get('vibesync_sessions'), 6);
    assert.equal(during.get('vibesync_documents'), 6);
    assert.ok(during.get('vibesync_documents_bytes') > 0);
    assert.equal(during.get('vibesync_connections_unjoined'), 0);
    assert.equal(during.get('vibesync_loops'), 3);
    assert.equal(during.get('vibesync_loops_ready'), 3);
    assert.equal(during.get('vibesync_loops_shedding'), 0);
    assert.ok(during.get('vibesync_http_connections') >= 1, 'the one that asks');
    const resident = server.residentBytes();
    assert.ok(Math.abs(during.get('process_resident_memory_bytes') - resident) < resident / 4);
    assert.ok(during.get('process_open_fds') > 12 && during.get('process_open_fds') < during.get('process_max_fds'));
    assert.ok(during.get('process_cpu_seconds_total') > 0);

    for (const { owner, guest } of rooms) await Promise.all([owner.leave(), guest.leave()]);
    await until('the connections are gone', async () => (await Metrics.of(server)).get('vibesync_connections') === 0);
});

test('a rejected update and a method called too often are counted as such', async () => {
    const before = await Metrics.of(server);
    const { owner, guest } = await ground.pair();
    await ground.cluster.rows("update session_participants set role = 'viewer' where user_id = $1", [guest.session.user]);
    const viewer = await ground.join(guest.session);
    await owner.create('read.md');
    const replica = await viewer.open('read.md');
    replica.insert(0, 'no');
    await until('it is rejected', () => replica.rejected);
    const calls = Array.from({ length: 200 }, () => owner.request('activity.list', {}).catch((error) => error.code));
    const refused = (await Promise.all(calls)).filter((code) => code === 'rate').length;
    const after = await Metrics.of(server);
    assert.equal(after.since(before, 'vibesync_updates_rejected_total'), 1);
    assert.ok(refused > 0);
    assert.equal(after.limited('calls') - before.limited('calls'), refused);
});
