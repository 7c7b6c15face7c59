// cluster.mjs — a private PostgreSQL 15 of one test file, thrown away at its end.
//
//   temporary folder ─┬─ data/      as durable as in production (fsync on)
//                     ├─ socket/    the only way in besides a free port on 127.0.0.1
//                     └─ log
//
// PostgreSQL refuses root, so as root everything runs as user postgres. The server is a direct child and dies with this process
// (pdeathsig), whatever ends it; the folder goes too, unless that was SIGKILL.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, closeSync, copyFileSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { Shim } from './shim.mjs';
import { until, within } from './wait.mjs';

const BIN = '/usr/lib/postgresql/15/bin';
const isRoot = process.getuid() === 0;

// The command that runs `command` as a user whom PostgreSQL accepts; `signal` is what it gets when we die.
export function asPostgres(command, signal) {
    const user = isRoot ? ['--reuid=postgres', '--regid=postgres', '--init-groups'] : [];
    const death = signal ? ['--pdeathsig', signal] : [];
    return user.length + death.length ? ['setpriv', ...user, ...death, ...command] : command;
}

// Into the hands of the user that runs PostgreSQL.
export function give(path) {
    if (isRoot) chownSync(path, Number(execFileSync('id', ['-u', 'postgres'])), Number(execFileSync('id', ['-g', 'postgres'])));
}

export async function freePort() {
    const probe = createServer();
    await new Promise((resolve, reject) => probe.once('error', reject).listen(0, '127.0.0.1', resolve));
    const { port } = probe.address();
    await new Promise((resolve) => probe.close(resolve));
    return port;
}

export class Cluster {
    // An empty database "vibesync" with the two roles that `./dev` makes.
    // `tls`: with a certificate for localhost (cluster.certificate).
    // `tmpfsMb`: on a volume of its own of that size, in memory; needs root. `shim`: its clock is in the test's hands (cluster.shim).
    static async create({ tls, tmpfsMb, shim } = {}) {
        const cluster = await Cluster.prepare();
        if (shim) {
            cluster.shim = new Shim(cluster.folder, 'cluster-shim');
            give(cluster.shim.path);
        }
        if (tmpfsMb) cluster.mount(tmpfsMb);
        const [command, ...rest] = asPostgres([`${BIN}/initdb`, '-D', cluster.data, '-U', 'postgres', '--auth=trust',
            '--encoding=UTF8', '--locale=C.UTF-8', '--no-sync', ...(tmpfsMb ? ['--wal-segsize=1'] : [])]);
        execFileSync(command, rest, { cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] });
        if (tls) cluster.makeCertificate();
        await cluster.start();
        const admin = await cluster.connect({ database: 'postgres', user: 'postgres' });
        for (const sql of ['create role vibesync_owner login', 'create role vibesync_server login',
            'create database vibesync owner vibesync_owner']) await admin.query(sql);
        await admin.end();
        return cluster;
    }

    makeCertificate() {
        this.certificate = join(this.folder, 'server.crt');
        const key = join(this.data, 'server.key');
        execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost',
            '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', key, '-out', this.certificate], { stdio: 'ignore' });
        copyFileSync(this.certificate, join(this.data, 'server.crt'));
        chmodSync(key, 0o600);
        for (const file of [key, join(this.data, 'server.crt')]) give(file);
    }

    // Whether this machine lets us mount: root, and not in a container that forbids it.
    static canMount() {
        const probe = mkdtempSync(join(tmpdir(), 'vibesync-mount-'));
        try {
            execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', probe], { stdio: 'ignore' });
            execFileSync('umount', [probe], { stdio: 'ignore' });
            return true;
        } catch {
            return false;
        } finally {
            rmSync(probe, { recursive: true, force: true });
        }
    }

    mount(sizeMb) {
        this.volume = join(this.folder, 'volume');
        mkdirSync(this.volume);
        execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m`, 'tmpfs', this.volume]);
        process.once('exit', () => this.unmount());
        give(this.volume);
        this.data = join(this.volume, 'data');
    }

    unmount() {
        if (!this.volume) return;
        execFileSync('umount', ['--lazy', this.volume]);
        this.volume = undefined;
    }

    // A folder and a port; no data yet.
    static async prepare() {
        const cluster = new Cluster();
        cluster.folder = mkdtempSync(join(tmpdir(), 'vibesync-it-'));
        process.once('exit', () => rmSync(cluster.folder, { recursive: true, force: true, maxRetries: 3 }));
        for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));
        cluster.data = join(cluster.folder, 'data');
        cluster.socket = join(cluster.folder, 'socket');
        mkdirSync(cluster.socket, { mode: 0o700 });
        for (const folder of [cluster.folder, cluster.socket]) give(folder);
        cluster.port = await freePort();
        return cluster;
    }

    // A second cluster from a copy of this one's files and its write-ahead log, taken while it runs; not started.
    async copy() {
        const copy = await Cluster.prepare();
        this.run('pg_basebackup', ['-D', copy.data, '-X', 'stream', '--checkpoint=fast', '--no-sync']);
        return copy;
    }

    async start() {
        const log = openSync(join(this.folder, 'log'), 'a');
        const [command, ...rest] = asPostgres([`${BIN}/postgres`, '-D', this.data, '-p', String(this.port), '-k', this.socket,
            '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_permissions=0700', ...(this.certificate ? ['-c', 'ssl=on'] : [])], 'INT');
        this.child = spawn(command, rest, {
            cwd: '/', stdio: ['ignore', log, log], env: { ...process.env, ...this.shim?.environment },
        });
        closeSync(log);
        this.ended = false; // by itself
        this.exit = new Promise((resolve) => this.child.once('exit', resolve)).then(() => (this.ended = true));
        await until('PostgreSQL takes connections', async () => {
            if (this.child.exitCode !== null) throw new Error(readFileSync(join(this.folder, 'log'), 'utf8').slice(-500));
            const client = await this.connect({ database: 'postgres', user: 'postgres' });
            await client.end();
            return true;
        });
    }

    // A program of PostgreSQL's against this cluster, as its superuser: run('pg_dump', ['-Fc', …]). An error if it fails.
    run(program, words) {
        const [command, ...rest] = asPostgres([`${BIN}/${program}`, ...words]);
        execFileSync(command, rest, { cwd: '/', stdio: ['ignore', 'ignore', 'pipe'],
            env: { ...process.env, PGHOST: this.socket, PGPORT: String(this.port), PGUSER: 'postgres' } });
    }

    // `fast`: clients are cut off, everything is written. `immediate`: like a crash.
    async stop(mode = 'fast') {
        await this.end();
        this.child.kill({ fast: 'SIGINT', immediate: 'SIGQUIT' }[mode]);
        await within('PostgreSQL stopped', this.exit);
        this.child = null;
    }

    url(role) {
        return `postgresql://${role}@/vibesync?host=${encodeURIComponent(this.socket)}&port=${this.port}`;
    }

    async connect({ database = 'vibesync', user = 'vibesync_owner' } = {}) {
        const client = new pg.Client({ host: this.socket, port: this.port, database, user, connectionTimeoutMillis: 5000 });
        client.on('error', () => {}); // the cluster is stopped under our feet by some tests
        await client.connect();
        return client;
    }

    // Rows of one query, as the schema's owner.
    async rows(sql, values = []) {
        const asked = (this.asked ?? Promise.resolve()).then(async () => { // one after the other, whoever asks
            if (!this.client) {
                const client = this.client = await this.connect();
                client.once('end', () => { // cut off: the next one who asks gets a new line
                    if (this.client === client) this.client = undefined;
                });
            }
            return (await this.client.query(sql, values)).rows;
        });
        this.asked = asked.catch(() => {});
        return asked;
    }

    async row(sql, values = []) {
        return (await this.rows(sql, values))[0];
    }

    async end() {
        const client = this.client;
        this.client = undefined;
        await client?.end().catch(() => {});
    }

    async destroy() {
        await this.end();
        if (this.child) {
            this.child.kill('SIGQUIT'); // nobody needs the data any more
            await this.exit;
        }
        this.shim?.close();
        this.unmount();
        rmSync(this.folder, { recursive: true, force: true });
    }
}
