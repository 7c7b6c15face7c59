// server.mjs — a vibesyncd of the build under test: migrate, start, be killed, stop.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { PROGRAM } from './program.mjs';
import { until, within } from './wait.mjs';

const ADMIN_TOKEN = 'integration-tests-admin-token-0123456789abcdef';
const METRICS_TOKEN = 'integration-tests-metrics-token-0123456789abcd';

export class Server {
    // Migrates the cluster's database and starts a server on a free port. `settings`: { 'evict-idle-ms': 200 } and the like;
    // `environment`: more variables; `url`: of the database, if not the cluster's own;
    // `ca`: as below.
    static async create(cluster, settings = {}, { environment = {}, url, ca } = {}) {
        const server = new Server();
        server.cluster = cluster;
        server.settings = settings;
        server.environment = environment;
        server.ca = ca;
        server.databaseUrl = url ?? cluster.url('vibesync_server');
        server.log = ''; // of the process that runs now
        server.earlierLogs = '';
        server.port = 0;
        server.tokenFile = join(cluster.folder, 'admin-token');
        writeFileSync(server.tokenFile, ADMIN_TOKEN, { mode: 0o600 });
        server.metricsFile = join(cluster.folder, 'metrics-token');
        writeFileSync(server.metricsFile, METRICS_TOKEN, { mode: 0o600 });
        chmodSync(cluster.folder, 0o711);
        execFileSync(PROGRAM, ['migrate', '--database', cluster.url('vibesync_owner'), '--server-role', 'vibesync_server'],
            { stdio: ['ignore', 'ignore', 'inherit'] });
        await server.start();
        return server;
    }

    get adminToken() {
        return ADMIN_TOKEN;
    }

    get metricsToken() {
        return METRICS_TOKEN;
    }

    // `ca`, where the server has a certificate (support/certificate.mjs): its issuer's, which its clients trust.
    get url() {
        return `${this.ca ? 'https' : 'http'}://127.0.0.1:${this.port}`;
    }

    // Another process for the same database, at the same place: `settings` of its own, started by the test.
    beside(settings = {}) {
        const other = Object.assign(new Server(), this, { settings: { ...this.settings, ...settings }, log: '', earlierLogs: '' });
        other.child = other.exit = undefined;
        return other;
    }

    // `settings` of true are switches, of null are not given. A second start takes the port of the first, so that clients find the server again.
    // `this.handed`: a descriptor that listens, given as systemd does: the process must know its own id before it begins.
    async start(settings = this.settings) {
        const flags = Object.entries(settings).filter(([, value]) => value !== null)
            .flatMap(([name, value]) => (value === true ? [`--${name}`] : [`--${name}`, String(value)]));
        const verbose = 'log-level' in settings ? [] : ['--log-level', 'debug'];
        const handing = this.handed === undefined ? [] : ['sh', '-c', 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', 'sh'];
        this.child = spawn('setpriv', ['--pdeathsig', 'KILL', ...handing, PROGRAM, 'serve', '--listen', `127.0.0.1:${this.port}`, '--database',
            this.databaseUrl, '--admin-token-file', this.tokenFile, '--metrics-token-file', this.metricsFile,
            ...verbose, ...flags], {
            stdio: ['ignore', 'pipe', 'pipe', ...(this.handed === undefined ? [] : [this.handed])],
            env: { ...process.env, UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
                ASAN_OPTIONS: 'detect_leaks=1:verify_asan_link_order=0', ...this.environment },
        });
        let out = '';
        this.earlierLogs += this.log;
        this.log = '';
        this.child.stdout.on('data', (data) => (out += data));
        this.child.stderr.on('data', (data) => (this.log += data));
        this.exit = new Promise((resolve) => this.child.once('close', (code, signal) => resolve({ code, signal })));
        this.child.once('close', () => (this.ended = true));
        this.killed = false;
        this.ended = false;
        this.port = await until('vibesyncd says where it serves', () => {
            if (this.ended) throw new Error(`it ended: ${this.log.slice(-2000)}`);
            return Number(/serving on https?:\/\/127\.0\.0\.1:(\d+)/.exec(out)?.[1]);
        });
        await this.ready();
    }

    // Every loop has its connections to the database. After a crash of PostgreSQL each of them comes back in its own time: until then
    // a new request is told to try again later.
    async ready() {
        await until('vibesyncd is ready', async () => (await this.get('/readyz')).status === 200, 60_000);
    }

    // What the process holds in memory.
    residentBytes() {
        return 1024 * Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${this.child.pid}/status`, 'utf8'))[1]);
    }

    async kill() {
        this.killed = true;
        this.child.kill('SIGKILL');
        await this.exit;
    }

    // SIGTERM; answers the exit status, or the signal that ended it. A sanitizer's finding is an exit status, too.
    async stop(ms = 40_000) {
        if (!this.ended) this.child.kill('SIGTERM');
        const { code, signal } = await within('vibesyncd ended after SIGTERM', this.exit, ms);
        return code ?? signal;
    }

    // For the end of a test file: it must end well, and nobody but us may have ended it before.
    async destroy() {
        const status = await this.stop().catch(async (error) => {
            await this.kill();
            throw error;
        });
        const finding = (this.earlierLogs + this.log).search(/^.*(Sanitizer|runtime error:)/m);
        if (finding >= 0) throw new Error(`a sanitizer spoke:\n${(this.earlierLogs + this.log).slice(finding, finding + 6000)}`);
        if (status !== 0 && !this.killed) throw new Error(`vibesyncd ended with ${status}:\n${this.log.slice(-3000)}`);
    }

    // ---- HTTP ----

    async get(path) {
        if (this.ca) return this.overTls(path);
        const response = await fetch(this.url + path, { signal: AbortSignal.timeout(10_000) });
        return { status: response.status, headers: response.headers, body: await response.text() };
    }

    // What fetch() does, which trusts only the certificates that Node was started with.
    overTls(path, { method = 'GET', headers = {}, body } = {}) {
        return within(`an answer from ${path}`, new Promise((resolve, reject) => {
            const request = httpsRequest(this.url + path, { method, headers, ca: this.ca, agent: false }, (response) => {
                let text = '';
                response.on('data', (data) => (text += data));
                response.once('end', () => resolve({ status: response.statusCode, headers: response.headers, body: text }));
            });
            request.once('error', reject);
            request.end(body);
        }));
    }

    async post(path, body, token) {
        if (this.ca) {
            const { status, body: text } = await this.overTls(path, { method: 'POST', body: JSON.stringify(body),
                headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) } });
            return { status, body: JSON.parse(text) };
        }
        const response = await fetch(this.url + path, {
            method: 'POST',
            headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
            body: typeof body === 'string' ? body : JSON.stringify(body),
            signal: AbortSignal.timeout(10_000),
        });
        return { status: response.status, body: await response.json() };
    }

    // {session, code, user, token} of a new session and its owner.
    async createSession(options = {}) {
        const { status, body } = await this.post('/v1/sessions', { name: 'a session', ...options }, ADMIN_TOKEN);
        if (status !== 201) throw new Error(`creating a session answered ${status}: ${JSON.stringify(body)}`);
        return body;
    }

    // {session, user, token} of a guest.
    async joinByCode(code, name) {
        const { status, body } = await this.post('/v1/join', { code, name });
        if (status !== 200) throw new Error(`joining answered ${status}: ${JSON.stringify(body)}`);
        return body;
    }
}
