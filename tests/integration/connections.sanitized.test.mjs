// connections.sanitized.test.mjs — the ways to PostgreSQL that operators choose: TLS with a verified certificate, PgBouncer in between.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { asPostgres, Cluster, freePort, give } from './support/cluster.mjs';
import { storedDocument } from './support/documents.mjs';
import { Participant } from './support/native.mjs';
import { peer } from './support/peers.mjs';
import { Server } from './support/server.mjs';
import { pause, until } from './support/wait.mjs';

// Takes down in reverse order what stands.
async function standing(body) {
    const ends = [];
    try {
        await body((end) => ends.unshift(end));
    } finally {
        for (const end of ends) await end();
    }
}

// Somebody edits through a server at the end of `url`, through a crash of the server: {person, replica, server}
async function edits(cluster, url, atEnd) {
    const server = await Server.create(cluster, { loops: 1, 'checkpoint-idle-ms': 100 }, { url });
    atEnd(() => server.destroy());
    const person = await Participant.join(server, await server.createSession());
    atEnd(() => person.socket.terminate());
    const replica = await person.create('far.md');
    replica.insert(0, 'one. ');
    await replica.saved();
    await until('it is checkpointed', async () => (await storedDocument(cluster, replica.file)).journalRows === 0);
    await server.kill();
    await server.start();
    await person.ended();
    await person.resume();
    replica.insert(0, 'two. ');
    await replica.saved();
    assert.equal((await storedDocument(cluster, replica.file)).text, 'two. one. ');
    return { person, replica, server };
}

test('PostgreSQL over TLS with a verified certificate; a certificate of somebody else is refused', () => standing(async (atEnd) => {
    const cluster = await Cluster.create({ tls: true });
    atEnd(() => cluster.destroy());
    const url = `postgresql://vibesync_server@localhost:${cluster.port}/vibesync?sslmode=verify-full&sslrootcert=${cluster.certificate}`;
    const { server } = await edits(cluster, url, atEnd);
    const admin = await cluster.connect({ user: 'postgres' });
    const { rows } = await admin.query(
        "select bool_and(s.ssl) as all, count(*)::int as n from pg_stat_activity a join pg_stat_ssl s using (pid) where usename = 'vibesync_server'");
    await admin.end();
    assert.deepEqual(rows[0], { all: true, n: 3 });

    const other = await Cluster.create({ tls: true });
    atEnd(() => other.destroy());
    await server.stop();
    server.databaseUrl = url.replace(cluster.certificate, other.certificate);
    server.start().catch(() => {}); // it runs, and is not ready
    await until('it says why', () => /store\.state .*certificate verify failed/.test(server.log));
    assert.equal((await server.get('/readyz')).status, 503);
    server.databaseUrl = url;
    await server.kill();
    await server.start();
}));

test('PgBouncer in session mode, through its restart', () => standing(async (atEnd) => {
    const cluster = await Cluster.create();
    atEnd(() => cluster.destroy());
    const port = await freePort();
    const ini = join(cluster.folder, 'pgbouncer.ini'), users = join(cluster.folder, 'users');
    writeFileSync(users, '"vibesync_server" ""\n');
    writeFileSync(ini, `[databases]\nvibesync = host=${cluster.socket} port=${cluster.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n` +
        `listen_port = ${port}\nunix_socket_dir =\nauth_type = trust\nauth_file = ${users}\npool_mode = session\ndefault_pool_size = 10\n`);
    for (const file of [ini, users]) give(file);
    const { program, environment } = peer('pgbouncer', cluster.folder); // it refuses root, and user postgres can't enter a checkout
    const start = async () => {
        const [command, ...words] = asPostgres([program, ini], 'KILL');
        const child = spawn(command, words, { cwd: '/', stdio: 'ignore', env: { ...process.env, ...environment } });
        const exit = new Promise((resolve) => child.once('exit', resolve));
        await pause(100);
        assert.equal(child.exitCode, null, 'pgbouncer runs');
        return { child, exit };
    };
    let bouncer = await start();
    atEnd(() => bouncer.child.kill('SIGKILL'));
    const { replica, server, person } = await edits(cluster, `postgresql://vibesync_server@127.0.0.1:${port}/vibesync`, atEnd);

    bouncer.child.kill('SIGKILL');
    await bouncer.exit;
    replica.insert(0, 'three. ');
    await until('/readyz says so', async () => (await server.get('/readyz')).status === 503);
    bouncer = await start();
    await replica.saved(60_000);
    assert.equal((await storedDocument(cluster, replica.file)).text, 'three. two. one. ');
    assert.equal(person.closeEvent, null);
}));
