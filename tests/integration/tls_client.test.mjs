// tls_client.test.mjs — the program `vibesync`, and the C library in it, over https and wss: it works, and whom it doesn't trust, or can't
// understand, it leaves with a sentence that says why.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createServer as createSecureServer } from 'node:tls';
import { runCli } from './support/cli.mjs';
import { Issuer } from './support/certificate.mjs';
import { stand } from './support/ground.mjs';

const issuer = new Issuer();
const stranger = new Issuer();
after(() => [issuer, stranger].forEach((one) => one.destroy()));
const pair = issuer.issue('server');
const ground = await stand({ 'tls-cert': pair.certificate, 'tls-key': pair.key }, { ca: issuer.pem });
const CA = ['--ca', issuer.file];

const at = (url) => ({ url });
const plainUrl = ground.server.url.replace('https:', 'http:');
const localhost = ground.server.url.replace('127.0.0.1', 'localhost');
const admin = (server, ...words) => runCli(server, {}, ['admin', 'sessions', '--json', '--admin-token-file', ground.server.tokenFile, ...words]);

// A server that treats everybody alike; with a certificate, if it has one.
async function peer(greet, work, pair = null) {
    const onSocket = (socket) => {
        socket.on('error', () => {});
        greet(socket);
    };
    const server = pair ? createSecureServer({ cert: readFileSync(pair.certificate), key: readFileSync(pair.key), ...pair.options }, onSocket).on('tlsClientError', () => {})
        : createServer(onSocket);
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
        return await work(`https://127.0.0.1:${server.address().port}`);
    } finally {
        server.close();
    }
}

test('a file is written and read over wss, and a big one whole', async () => {
    const session = await ground.server.createSession();
    const text = Array.from({ length: 40_000 }, (_, i) => `line ${i}`).join('\n') + '\n';
    const typed = await runCli(ground.server, session, ['type', 'a.md', '--create', ...CA], 60_000, text);
    assert.deepEqual([typed.status, typed.err], [0, '']);
    const read = await runCli(at(localhost), session, ['cat', 'a.md', ...CA]);
    assert.deepEqual([read.status, read.out === text], [0, true]);
});

test('sessions are made, joined and listed over https; the URL that is printed keeps the scheme', async () => {
    const made = await runCli(ground.server, {}, ['session', 'create', '--name', 'S', '--json', '--admin-token-file', ground.server.tokenFile, ...CA]);
    const { session, code, url } = JSON.parse(made.out);
    assert.ok(url.startsWith(`${ground.server.url}/v1/sessions/${session}#token=`), url);
    const joined = JSON.parse((await runCli(ground.server, {}, ['join', `${localhost}/#code=${code}`, '--json', ...CA])).out);
    assert.ok(joined.url.startsWith(localhost));
    const listed = await runCli(at('http://127.0.0.1:1'), {}, ['file', 'list', '--url', joined.url.replace('https:', 'wss:'), ...CA]);
    assert.deepEqual([listed.status, listed.err], [0, '']);
    const { status, out, err } = await admin(ground.server, ...CA);
    assert.deepEqual([status, err], [0, '']);
    assert.ok(out.includes(session));
});

test('who is not trusted, or somebody else, is refused, over https and wss', async () => {
    const session = await ground.server.createSession();
    const files = (url, ...words) => runCli(at(url), session, ['file', 'list', ...words]);
    const refused = async (url, words, reason) => {
        for (const run of [admin(at(url), ...words), files(url, ...words)]) {
            const { status, out, err } = await run;
            assert.deepEqual([status, out], [3, '']);
            assert.match(err, reason);
        }
    };
    await refused(ground.server.url, [], /the server's certificate is not trusted \(.*issuer.*\)/);
    await refused(ground.server.url, ['--ca', stranger.file], /the server's certificate is not trusted/);
    await peer(() => {}, (url) => refused(url, CA, /the server's certificate is not for 127\.0\.0\.1/), issuer.issue('name', 'DNS:localhost'));
    await peer(() => {}, (url) => refused(url.replace('127.0.0.1', 'localhost'), CA, /the server's certificate is not for localhost/),
        issuer.issue('address', 'IP:127.0.0.1,DNS:sync.example.org'));
    await peer(() => {}, (url) => refused(url, CA, /the server's certificate has expired/), issuer.issue('old', undefined, -1));
});

// What the clients of a test are told beside the words of their command line.
async function inEnvironment(name, value, work) {
    const before = process.env[name];
    process.env[name] = value;
    try {
        await work();
    } finally {
        if (before === undefined) delete process.env[name];
        else process.env[name] = before;
    }
}

test('without --ca the issuers of the machine count, with it they do not', async () => {
    const session = await ground.server.createSession();
    await inEnvironment('SSL_CERT_FILE', issuer.file, async () => {
        const { status, err } = await runCli(ground.server, session, ['file', 'list']);
        assert.deepEqual([status, err], [0, '']);
        const other = await runCli(ground.server, session, ['file', 'list', '--ca', stranger.file]);
        assert.equal(other.status, 3);
        assert.match(other.err, /the server's certificate is not trusted/);
    });
});

test('a server is told the name that is asked for, if it is one', async () => {
    const names = [];
    const onGreeted = (socket) => {
        names.push(socket.servername);
        socket.end();
    };
    await peer(onGreeted, async (url) => {
        for (const one of [url.replace('127.0.0.1', 'localhost'), url]) assert.equal((await admin(at(one), ...CA)).status, 3);
    }, issuer.issue('names'));
    assert.deepEqual(names, ['localhost', false]);
});

test('a server that speaks TLS 1.1 at most is left, also where the machine would allow it', async () => {
    const config = join(issuer.folder, 'openssl.cnf');
    writeFileSync(config, ['openssl_conf = all', '[all]', 'ssl_conf = ssl', '[ssl]', 'system_default = old', '[old]',
        'MinProtocol = TLSv1', 'CipherString = DEFAULT@SECLEVEL=0', ''].join('\n'));
    const options = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
    let greeted = 0;
    const onGreeted = (socket) => (greeted++, socket.end());
    await inEnvironment('OPENSSL_CONF', config, () => peer(onGreeted, async (url) => {
        const { status, err } = await admin(at(url), ...CA);
        assert.equal(status, 3);
        assert.match(err, /TLS failed \(.*(protocol|version)/);
    }, { ...issuer.issue('old-protocol'), options }));
    assert.equal(greeted, 0);
});

test('a file without certificates is told', async () => {
    const empty = join(issuer.folder, 'empty.pem');
    writeFileSync(empty, 'no certificate\n');
    for (const file of [empty, '/nowhere']) {
        const { status, err } = await admin(ground.server, '--ca', file);
        assert.deepEqual([status, err], [2, `vibesync: --ca: no certificates can be read from ${file}\n`]);
    }
});

test('plain words at a port of TLS, and TLS at a plain port, are told apart', async () => {
    const session = await ground.server.createSession();
    for (const run of [admin(at(plainUrl)), runCli(at(plainUrl), session, ['file', 'list'])])
        assert.match((await run).err, /the server answered 400.*This port speaks TLS: use https:\/\//);
    await peer((socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')), async (url) => {
        for (const run of [admin(at(url), ...CA), runCli(at(url), session, ['file', 'list', ...CA])]) {
            const { status, err } = await run;
            assert.equal(status, 3);
            assert.match(err, /the server speaks no TLS at this port/);
        }
    });
});

test('a connection that is cut in the handshake, and garbage in it, end with a sentence', async () => {
    const session = await ground.server.createSession();
    const cases = [
        [(socket) => socket.once('data', () => socket.end()), /ended in the TLS handshake|ended before the server answered/],
        [(socket) => socket.once('data', () => socket.end(Buffer.from('16030300', 'hex'))), /ended in the TLS handshake|ended before the server answered/],
        [(socket) => socket.once('data', () => socket.write(Buffer.from('1603030004deadbeef', 'hex'))), /TLS failed \(/],
    ];
    for (const [greet, reason] of cases)
        await peer(greet, async (url) => {
            for (const run of [admin(at(url), ...CA), runCli(at(url), session, ['file', 'list', ...CA])]) {
                const { status, err } = await run;
                assert.equal(status, 3);
                assert.match(err, reason);
            }
        });
});
