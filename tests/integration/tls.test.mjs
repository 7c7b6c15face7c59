// tls.test.mjs — TLS of the server's own: everything works over it, for readers who stall and across a new certificate; what is no TLS,
// or too old, is turned away.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { connect as connectPlain } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connect } from 'node:tls';
import WebSocket from 'ws';
import { Issuer } from './support/certificate.mjs';
import { allLeave, yws } from './support/doors.mjs';
import { stand } from './support/ground.mjs';
import { Metrics } from './support/metrics.mjs';
import { PROGRAM } from './support/program.mjs';
import { until, within } from './support/wait.mjs';

const issuer = new Issuer();
after(() => {
    allLeave();
    issuer.destroy();
});
const first = issuer.issue('first');
const certificate = join(issuer.folder, 'server.crt'), key = join(issuer.folder, 'server.key');
const install = (pair) => {
    copyFileSync(pair.certificate, certificate);
    copyFileSync(pair.key, key);
};
install(first);

const ground = await stand({ 'tls-cert': certificate, 'tls-key': key, 'request-ms': 1000, 'outbox-soft-bytes': 1 << 18,
    'outbox-bytes-max': 8 << 20, 'checkpoint-idle-ms': 200 }, { ca: issuer.pem });

// A handshake: {socket} or {error}.
const shake = (options = {}) => within('a handshake', new Promise((resolve) => {
    const socket = connect({ port: ground.server.port, host: '127.0.0.1', ca: issuer.pem, ...options });
    socket.once('secureConnect', () => resolve({ socket }));
    socket.once('error', (error) => resolve({ error }));
}));

// What comes back for `bytes` without TLS, up to the end.
const plain = (bytes) => within('the connection ended', new Promise((resolve) => {
    let answer = '';
    const socket = connectPlain(ground.server.port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (data) => (answer += data));
    socket.on('error', () => {});
    socket.once('close', () => resolve(answer));
}));

const client = (...words) => spawnSync('openssl', ['s_client', '-connect', `127.0.0.1:${ground.server.port}`, '-CAfile', issuer.file,
    '-verify_return_error', ...words], { input: 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', encoding: 'utf8' });

async function reload() {
    const before = ground.server.log.length;
    ground.server.child.kill('SIGHUP');
    return until('the certificate was read again', () => /tls\.(reloaded|not_reloaded).*/.exec(ground.server.log.slice(before))?.[0]);
}

test('people work over wss, wherever the session lives, and every byte of a big document arrives', async () => {
    assert.equal((await ground.server.get('/readyz')).status, 200);
    // Sessions live on either loop: most lines of TLS change theirs behind the upgrade.
    for (let i = 0; i < 6; i++) {
        const { owner, guest } = await ground.pair();
        const mine = await owner.create('a.md');
        const theirs = await guest.open('a.md');
        mine.insert(0, 'hello ');
        await theirs.sees('hello ');
        theirs.insert(6, 'x'.repeat(300_000 + i));
        await theirs.saved();
        await mine.sees(theirs.text);
        const late = await (await ground.guest(owner, 'Late')).open('a.md');
        await late.sees(theirs.text);
    }
});

test('y-websocket comes over wss through its door', async () => {
    const { owner } = await ground.pair();
    const mine = await owner.create('a.md');
    mine.insert(0, 'hello ');
    await mine.saved();
    const visitor = yws(ground.server, owner.session, 'a.md', { root: mine.root });
    await visitor.synced();
    visitor.insert(6, 'over TLS');
    await mine.sees('hello over TLS');
    visitor.leave();
});

test('frames that come behind the upgrade in one record go to the session', async () => {
    const session = await ground.server.createSession();
    const participant = new WebSocket(`${ground.server.url.replace('http', 'ws')}/v1/sessions/${session.session}/ws`, 'vibesync.v1',
        { ca: issuer.pem, headers: { authorization: `Bearer ${session.token}` }, localAddress: '127.0.0.1' });
    await within('it is open', new Promise((resolve, reject) => participant.once('open', resolve).once('error', reject)));
    participant.terminate();
    const { socket } = await shake();
    let answer = '';
    socket.on('data', (data) => (answer += data.toString('latin1')));
    // A masked ping that holds "hi", with mask 0.
    socket.write(Buffer.concat([Buffer.from(`GET /v1/sessions/${session.session}/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n` +
        'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n' +
        'Sec-WebSocket-Protocol: vibesync.v1\r\n\r\n'), Buffer.from([0x89, 0x82, 0, 0, 0, 0, 0x68, 0x69])]));
    await until('the pong', () => answer.includes('\r\n\r\n\x8a\x02hi'));
    socket.destroy();
});

test('TLS 1.2 and 1.3 are spoken, nothing older; HTTP/1.1 is chosen', async () => {
    for (const version of ['TLSv1.2', 'TLSv1.3']) {
        const { socket } = await shake({ minVersion: version, maxVersion: version, ALPNProtocols: ['h2', 'http/1.1'] });
        assert.equal(socket.getProtocol(), version);
        assert.equal(socket.alpnProtocol, 'http/1.1');
        socket.destroy();
        const said = client(version === 'TLSv1.2' ? '-tls1_2' : '-tls1_3', '-quiet', '-ign_eof');
        assert.match(said.stdout, /^HTTP\/1\.1 200 OK/);
    }
    for (const old of ['TLSv1', 'TLSv1.1']) {
        const { error } = await shake({ minVersion: old, maxVersion: old, ciphers: 'DEFAULT:@SECLEVEL=0' });
        assert.match(error.message, /protocol version|unsupported protocol|alert/i);
        assert.equal(client(old === 'TLSv1' ? '-tls1' : '-tls1_1', '-cipher', 'DEFAULT:@SECLEVEL=0').status, 1);
    }
    const weak = await shake({ maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' });
    assert.match(weak.error.message, /handshake failure/);
    await until('it is in the log', () => /info tls\.refused peer=127\.0\.0\.1:\d+ reason="[a-z ]+"/.test(ground.server.log));
});

test('a session is resumed', async () => {
    const { socket } = await shake({ maxVersion: 'TLSv1.3' });
    const ticket = await within('a ticket', new Promise((resolve) => socket.once('session', resolve)));
    socket.destroy();
    const again = await shake({ session: ticket });
    assert.equal(again.socket.isSessionReused(), true);
    again.socket.destroy();
});

test('what is no TLS is told so, or closed, and counted; who says nothing is closed in time', async () => {
    const count = async () => new Metrics((await ground.server.overTls('/metrics', { headers: { authorization: `Bearer ${ground.server.metricsToken}` } })).body)
        .get('vibesync_tls_refused_total');
    const before = await count();

    const answer = await plain('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
    assert.match(answer, /\r\n\r\nThis port speaks TLS: use https:\/\/\n$/);
    assert.equal(Number(/Content-Length: (\d+)/.exec(answer)[1]), answer.split('\r\n\r\n')[1].length);
    assert.doesNotMatch(await plain('\0'.repeat(100)), /HTTP/);
    assert.doesNotMatch(await plain(Buffer.from('16030100050100000100', 'hex')), /HTTP/); // a hello of one byte
    assert.equal(await plain(''), '');
    assert.equal(await plain(Buffer.from('160301', 'hex')), '');
    await until('they are counted', async () => (await count()) >= before + 3);
    assert.match(ground.server.log, /tls\.refused peer=127\.0\.0\.1:\d+ reason="http request"/);
    assert.equal((await ground.server.get('/healthz')).status, 200);
});

test('a new certificate serves who comes from now on; who is here stays; a bad one changes nothing', async () => {
    const subject = async () => {
        const { socket } = await shake();
        const { CN } = socket.getPeerCertificate().subject;
        socket.destroy();
        return CN;
    };
    const { owner, guest } = await ground.pair();
    const mine = await owner.create('a.md');
    const theirs = await guest.open('a.md');
    assert.equal(await subject(), 'first');

    install(issuer.issue('second'));
    assert.match(await reload(), /^tls\.reloaded certificate="/);
    for (let i = 0; i < 8; i++) await until('each loop has it', async () => (await subject()) === 'second');
    mine.insert(0, 'x'.repeat(100_000));
    await theirs.sees(mine.text);
    theirs.insert(0, 'still here ');
    await theirs.saved();

    copyFileSync(first.key, key);
    assert.match(await reload(), /^tls\.not_reloaded error="[^"]*server\.key: key values mismatch" hint="the old certificate stays"/);
    writeFileSync(certificate, 'no certificate\n');
    assert.match(await reload(), /^tls\.not_reloaded error="[^"]*server\.crt: no start line"/);
    assert.equal(await subject(), 'second');
    install(first);
    assert.match(await reload(), /^tls\.reloaded /);
    await until('the first one is back', async () => (await subject()) === 'first');
    assert.deepEqual([owner.closeEvent, guest.closeEvent], [null, null]);
});

test('a reader that stalls holds up nobody and gets everything when it reads on', async () => {
    const { owner, guest } = await ground.pair();
    const slow = await ground.guest(owner, 'Slow');
    const mine = await owner.create('big.md');
    const theirs = await guest.open('big.md');
    const late = await slow.open('big.md');
    mine.insert(0, 'begin ');
    await late.sees('begin ');

    slow.socket.pause();
    const piece = 'x'.repeat(64 * 1024);
    for (let i = 0; !ground.server.log.includes('reader.behind'); i++) {
        assert.ok(i < 1000, 'the kernel takes everything');
        mine.insert(6, piece);
        await mine.saved();
        mine.delete(6, piece.length);
        await mine.saved();
    }
    mine.insert(6, 'and end');
    await theirs.sees('begin and end');
    slow.socket.resume();
    await late.sees('begin and end');
    late.insert(0, 'I was there. ');
    await theirs.sees('I was there. begin and end');
    assert.equal(slow.closeEvent, null);
});

test('a file that is longer than the kernel takes at once comes whole', async () => {
    const pages = join(issuer.folder, 'pages');
    spawnSync('mkdir', [pages]);
    const text = Array.from({ length: 400_000 }, (_, i) => `${i}\n`).join('');
    writeFileSync(join(pages, 'long.txt'), text);
    await ground.server.stop();
    await ground.server.start({ ...ground.server.settings, loops: 1, 'web-root': pages });
    const answers = await Promise.all([1, 2, 3].map(() => ground.server.get('/long.txt')));
    for (const { status, body } of answers) assert.deepEqual([status, body === text], [200, true]);
});

test('SIGTERM says 1001 over TLS, too', async () => {
    const owner = await ground.owner();
    const replica = await owner.create('last.md');
    replica.insert(0, 'last words');
    await replica.saved();
    assert.equal(await ground.server.stop(), 0);
    assert.equal((await owner.ended()).code, 1001);
});

test('a certificate that does not load is told at the start and by config check', () => {
    const run = (...words) => spawnSync(PROGRAM, words, { encoding: 'utf8' });
    const flags = ['--tls-cert', certificate, '--tls-key', '/nowhere', '--database', 'postgresql://x@y/z'];
    assert.deepEqual([run('serve', ...flags).stderr, run('serve', ...flags).status], ['vibesyncd: /nowhere: No such file or directory\n', 1]);
    assert.deepEqual([run('config', 'check', ...flags).stderr, run('config', 'check', ...flags).status],
        ['vibesyncd: /nowhere: No such file or directory\n', 1]);
    const half = run('serve', '--tls-cert', certificate, '--database', 'postgresql://x@y/z');
    assert.deepEqual([half.stderr, half.status], ['vibesyncd: tls-cert and tls-key belong together: one of them is missing\n', 2]);
});
