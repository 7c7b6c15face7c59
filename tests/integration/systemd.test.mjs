// systemd.test.mjs — what systemd hands to the process and hears from it; and whether the unit locks it in as tightly as the docs say.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { freePort } from './support/cluster.mjs';
import { stand } from './support/ground.mjs';
import { Participant } from './support/native.mjs';
import { peer } from './support/peers.mjs';
import { PROGRAM } from './support/program.mjs';
import { until } from './support/wait.mjs';

const ground = await stand();
const folder = mkdtempSync(join(tmpdir(), 'vibesync-systemd-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const root = resolve(import.meta.dirname, '../..');

// A socket as NOTIFY_SOCKET is, and all that was said to it. (Node speaks no datagrams on paths; every Debian has perl.)
function listenForNotices(path) {
    const heard = [];
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'perl', '-MSocket', '-e', `$| = 1; socket(S, AF_UNIX, SOCK_DGRAM, 0) && bind(S, sockaddr_un($ARGV[0])) || die $!;
        print "bound\\n"; while (defined recv(S, my $words, 4096, 0)) { print "$words\\n" }`, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.on('data', (data) => heard.push(...data.toString().trim().split('\n')));
    after(() => child.kill());
    return heard;
}

test('READY=1 when it serves, WATCHDOG=1 while all loops turn, STOPPING=1 when it drains', async () => {
    const path = join(folder, 'notify');
    const heard = listenForNotices(path);
    await until('the socket is there', () => heard.includes('bound'));
    const server = ground.server.beside();
    server.environment = { NOTIFY_SOCKET: path, WATCHDOG_USEC: '200000' };
    server.port = 0;
    await server.start();
    await until('it is ready', () => heard[1] === 'READY=1');
    await until('the watchdog is fed', () => heard.filter((words) => words === 'WATCHDOG=1').length >= 3);
    assert.ok(!heard.includes('STOPPING=1'));
    assert.equal(await server.stop(), 0);
    await until('it said so', () => heard.includes('STOPPING=1'));
});

test('systemd-socket-activate starts it when somebody comes, and he is served', async () => {
    const port = await freePort();
    const { environment } = peer('systemd');
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', join(root, '.vibesync/peers/systemd/usr/bin/systemd-socket-activate'), '-l', `127.0.0.1:${port}`,
        '-E', 'VIBESYNC_DATABASE', '-E', 'VIBESYNC_ADMIN_TOKEN_FILE', '-E', 'ASAN_OPTIONS', PROGRAM, 'serve'], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, ...environment, VIBESYNC_DATABASE: ground.server.databaseUrl, VIBESYNC_ADMIN_TOKEN_FILE: ground.server.tokenFile,
            ASAN_OPTIONS: 'verify_asan_link_order=0' },
    });
    after(() => child.kill('SIGKILL'));
    let log = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (log += data));
    const exit = new Promise((done) => child.once('close', done));
    await until('it listens', () => log.includes(`Listening on 127.0.0.1:${port}`));
    const server = ground.server.beside();
    server.port = port;
    await server.ready();
    assert.match(log, new RegExp(`serving on http://127\\.0\\.0\\.1:${port}`));
    const person = await Participant.join(server, await server.createSession());
    await person.leave();
    child.kill('SIGTERM');
    assert.equal(await exit, 0, log);
});

test('a descriptor that is no socket, or two of them, are refused by name', () => {
    const run = (fds, descriptor) => {
        try {
            execFileSync('sh', ['-c', `LISTEN_FDS=${fds} LISTEN_PID=$$ exec "$0" serve`, PROGRAM],
                { stdio: ['ignore', 'pipe', 'pipe', descriptor], env: { ...process.env, VIBESYNC_DATABASE: ground.server.databaseUrl } });
        } catch ({ status, stderr }) {
            return `${status} ${stderr}`;
        }
        return 'it started';
    };
    assert.match(run(1, 'pipe'), /^1 vibesyncd: LISTEN_FDS: descriptor 3 is no listening TCP socket/);
    assert.match(run(2, 'pipe'), /^1 vibesyncd: LISTEN_FDS hands over 2 sockets/);
});

test('the units are valid, and the exposure is what docs/operators.md says', () => {
    const units = ['vibesyncd.service', 'vibesyncd.socket'].map((name) => join(root, 'server/systemd', name));
    const analyze = (...words) => execFileSync(join(root, '.vibesync/peers/bin/systemd-analyze'), words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    const here = units.map((unit) => {
        const copy = join(folder, unit.split('/').at(-1)); // with a program that is there
        writeFileSync(copy, readFileSync(unit, 'utf8').replace('/usr/bin/vibesyncd', PROGRAM).replace(/^Documentation=.*$/m, ''));
        return copy;
    });
    analyze('verify', '--man=no', ...here);
    const stated = /exposure level of `systemd-analyze security` is ([\d.]+)/.exec(readFileSync(join(root, 'docs/operators.md'), 'utf8'))[1];
    const score = /Overall exposure level for vibesyncd.service: ([\d.]+)/.exec(analyze('security', '--offline=true', '--no-pager', units[0]))[1];
    assert.equal(score, stated);
});
