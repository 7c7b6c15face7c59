// retention.test.mjs — months pass in seconds: PostgreSQL's clock is moved. Partitions are there before they are needed, what is older
// than the settings say is dropped, and nothing else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storedDocument, storedUpdates } from './support/documents.mjs';
import { stand } from './support/ground.mjs';
import { runOperator } from './support/operator.mjs';
import { until } from './support/wait.mjs';

const DAY = 86_400_000;
const ground = await stand({
    'checkpoint-idle-ms': 100, 'retention-ms': 200, 'retention-activity-days': 300, 'retention-metrics-days': 90,
    'retention-security-days': 0, 'retention-history-days': 100,
}, { cluster: { shim: true } });
const { cluster } = ground;

const LOGS = ['activity_feed', 'audit_logs', 'performance_metrics', 'security_events'];
const partitions = async () => Object.fromEntries(await Promise.all(LOGS.map(async (log) => [log, (await cluster.rows(
    "select right(inhrelid::regclass::text, 6) as month from pg_inherits where inhparent = $1::regclass and inhrelid::regclass::text ~ '\\d{6}$' order by 1",
    [log])).map(({ month }) => month)])));

// 202611 of a time, `ahead` months later
const month = (ms, ahead = 0) => {
    const at = new Date(ms);
    return new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + ahead, 1)).toISOString().slice(0, 7).replace('-', '');
};

async function setClock(days) {
    cluster.shim.setClock(days * DAY);
    const now = Number((await cluster.row('select extract(epoch from now()) * 1000 as ms')).ms);
    assert.ok(Math.abs(now - Date.now() - days * DAY) < 60_000, "PostgreSQL's clock was moved");
    return now;
}

async function addRows(session) {
    await cluster.rows("insert into activity_feed (session_id, activity_type) values ($1, 'a test')", [session]);
    await cluster.rows("insert into performance_metrics (session_id, metric_type, metric_value) values ($1, 'a test', 1)", [session]);
    await cluster.rows("insert into security_events (session_id, event_type) values ($1, 'a test')", [session]);
    await cluster.rows("insert into audit_logs (session_id, action) values ($1, 'a test')", [session]);
}

const rowCounts = async (session) => cluster.row(`select
    (select count(*)::int from activity_feed where session_id = $1 and activity_type = 'a test') as activity,
    (select count(*)::int from performance_metrics where session_id = $1) as metrics,
    (select count(*)::int from security_events where session_id = $1) as security,
    (select count(*)::int from audit_logs where session_id = $1 and action = 'a test') as audit,
    (select count(*)::int from activity_feed_default) + (select count(*)::int from performance_metrics_default)
        + (select count(*)::int from security_events_default) + (select count(*)::int from audit_logs_default) as strays`, [session]);

test('as months pass, partitions are made ahead and dropped by age, and the history is thinned; documents are as they were', async () => {
    const owner = await ground.owner();
    const { session } = owner.session;
    const mine = await owner.create('old.md');
    mine.insert(0, 'written long ago');
    await mine.saved();
    await until('it has a history', async () => (await storedDocument(cluster, mine.file)).journalRows === 0);
    const start = await setClock(0);
    await addRows(session);
    for (const log of LOGS) assert.ok((await partitions())[log].includes(month(start, 12)), 'a year ahead, from the migration');

    await setClock(95); // the metrics' month has not quite ended 90 days ago, the history is younger than 100
    await until('the next partitions are made', async () => (await partitions()).audit_logs.includes(month(start + 95 * DAY, 12)));
    assert.equal((await storedUpdates(cluster, mine.file)).length, 1);

    const later = await setClock(160);
    await until('the metrics are dropped', async () => !(await partitions()).performance_metrics.includes(month(start)));
    await until('the history is thinned', async () => (await storedUpdates(cluster, mine.file)).length === 0);
    await addRows(session);
    assert.deepEqual(await rowCounts(session), { activity: 2, metrics: 1, security: 2, audit: 2, strays: 0 });
    assert.ok((await partitions()).activity_feed.includes(month(start)));

    await setClock(160 + 365);
    await until('the feed is dropped', async () => !(await partitions()).activity_feed.includes(month(later)));
    await until('the metrics are, too', async () => (await rowCounts(session)).metrics === 0);
    assert.deepEqual(await rowCounts(session), { activity: 0, metrics: 0, security: 2, audit: 2, strays: 0 }, '0 means for ever; the audit log is the owner\'s');

    assert.equal((await storedDocument(cluster, mine.file)).text, 'written long ago');
    assert.equal((await runOperator(cluster, ['verify'])).status, 0);
});

test("the server's role cannot shorten the audit log, nor any log to less than a month", async () => {
    const server = await cluster.connect({ user: 'vibesync_server' });
    for (const [log, days] of [['audit_logs', 400], ['activity_feed', 29], ['files', 400]])
        await assert.rejects(server.query('select log_partitions_drop($1, $2)', [log, days]), /may be shortened/);
    await server.end();
});

test('journal rows of files that are gone for good are swept, after a day', async () => {
    await setClock(600);
    const owner = await ground.owner();
    const mine = await owner.create('short-lived.md');
    mine.insert(0, 'x');
    await mine.saved();
    const strays = async () => (await cluster.row('select count(*)::int as n from crdt_journal j where not exists (select from files f where f.id = j.file_id)')).n;
    await cluster.rows("insert into crdt_journal (session_id, file_id, epoch, writer, writer_seq, updates) values ($1, gen_random_uuid(), 1, gen_random_uuid(), 2, '')", [owner.session.session]);
    assert.ok((await strays()) > 0);
    await setClock(602);
    await until('they are gone', async () => (await strays()) === 0);
    assert.equal((await storedDocument(cluster, mine.file)).text, 'x');
});
