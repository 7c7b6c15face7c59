// proxies.test.mjs — trusted proxies may say whom they speak for, others not; pages of other origins may not open WebSockets.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { Issuer } from './support/certificate.mjs';
import { stand } from './support/ground.mjs';
import { RawSocket } from './support/raw.mjs';
import { until, within } from './support/wait.mjs';

const ground = await stand({ loops: 2, 'trusted-proxies': '127.0.0.1, 10.0.0.0/8', origins: 'https://app.example, null', 'request-ms': 1500 });
const issuer = new Issuer();
after(() => issuer.destroy());

// The answer to what is written from 127.0.0.1, or from another address of loopback.
const say = (bytes, { from = '127.0.0.1' } = {}) => within('an answer', new Promise((resolve) => {
    let text = '';
    const socket = connect({ port: ground.server.port, host: '127.0.0.1', localAddress: from }, () => {
        const [first, ...rest] = [bytes].flat();
        socket.write(first);
        rest.forEach((piece, i) => setTimeout(() => socket.write(piece), 20 * (i + 1)));
    });
    socket.setNoDelay(true);
    socket.on('data', (data) => (text += data.toString('latin1')));
    socket.on('error', () => {});
    socket.once('close', () => resolve(text));
}));

const guess = (headers = '', { before = '', from } = {}) => {
    const body = JSON.stringify({ code: 'AAAA-AAAA', name: 'x' });
    return say(`${before}POST /v1/join HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n` +
        `Connection: close\r\n${headers}\r\n${body}`, { from });
};
const status = (answer) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);

// Twelve wrong codes: whether the last one was turned away unread.
async function isLimited(...words) {
    let last;
    for (let i = 0; i < 12; i++) last = status(await guess(...words));
    return last === 429;
}

const upgrade = (origin, { host = 'vibesync.example:8440', headers = '', from } = {}) =>
    say(`GET /v1/sessions/0190a4c6-0000-7000-8000-000000000000/ws HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: none\r\n` +
        `${origin === undefined ? '' : `Origin: ${origin}\r\n`}${headers}\r\n`, { from });

test('wrong codes count for the client of which a trusted proxy speaks, not for the proxy', async () => {
    assert.equal(await isLimited('X-Forwarded-For: 203.0.113.1\r\n'), true);
    assert.equal(status(await guess('X-Forwarded-For: 203.0.113.2\r\n')), 404);
    assert.equal(status(await guess('X-Forwarded-For: 203.0.113.1, 10.7.7.7\r\n')), 429);
    assert.equal(status(await guess('Forwarded: for="203.0.113.1:4711";proto=https\r\n')), 429);
    assert.equal(status(await guess('Forwarded: for=203.0.113.2\r\n')), 404);
    // An invented address ahead of the true one changes nothing.
    assert.equal(status(await guess('X-Forwarded-For: 203.0.113.77, 203.0.113.1\r\n')), 429);
    assert.match(ground.server.log, /http\.answered request=\S+ status=429 peer=203\.0\.113\.1\n/);
});

test('on one connection of a proxy each request has its own client', async () => {
    const body = JSON.stringify({ code: 'AAAA-AAAA', name: 'x' });
    const request = (headers) => `POST /v1/join HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n${headers}\r\n${body}`;
    const answer = await say(request('X-Forwarded-For: 203.0.113.1\r\n') + request('X-Forwarded-For: 203.0.113.3\r\n') + request('Connection: close\r\n'));
    assert.deepEqual([...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1]), ['429', '404', '404']);
    assert.match(ground.server.log, /http\.answered request=\S+ status=404 peer=127\.0\.0\.1:\d+\n/);
});

test('who is not trusted is believed nothing', async () => {
    assert.equal(await isLimited('X-Forwarded-For: 203.0.113.50\r\nForwarded: for=203.0.113.51\r\n', { from: '127.0.0.2' }), true);
    assert.equal(status(await guess('X-Forwarded-For: 203.0.113.52\r\n', { from: '127.0.0.2' })), 429);
    assert.equal(status(await guess('X-Forwarded-For: 203.0.113.50\r\n')), 404);
    const answer = await guess('', { from: '127.0.0.3', before: 'PROXY TCP4 203.0.113.60 127.0.0.1 1 2\r\n' });
    assert.equal(status(answer), 400);
});

test('the PROXY protocol in both versions, whole and torn, ahead of HTTP', async () => {
    const line = (address) => `PROXY TCP4 ${address} 127.0.0.1 4711 8440\r\n`;
    assert.equal(await isLimited('', { before: line('203.0.113.10') }), true);
    assert.equal(status(await guess('', { before: line('203.0.113.11') })), 404);
    assert.match(ground.server.log, /http\.answered request=\S+ status=429 peer=203\.0\.113\.10:4711\n/);

    const binary = Buffer.concat([Buffer.from('0d0a0d0a000d0a515549540a2111000c', 'hex'), Buffer.from([203, 0, 113, 12, 127, 0, 0, 1, 0x12, 0x67, 0x20, 0xf8])]);
    const request = Buffer.from('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    const whole = Buffer.concat([binary, request]);
    for (const pieces of [[whole], [binary.subarray(0, 5), whole.subarray(5)], [...binary].map((byte) => Buffer.of(byte)).concat(request)])
        assert.equal(status(await say(pieces)), 200);
    assert.equal(ground.server.log.match(/http\.answered request=\S+ status=200 peer=203\.0\.113\.12:4711\n/g).length, 3);
    // The client that the header names is not trusted to name another.
    assert.equal(status(await guess('X-Forwarded-For: 203.0.113.13\r\n', { before: line('203.0.113.10') })), 429);

    assert.equal(await say('PROXY TCP4 nobody 127.0.0.1 1 2\r\nGET / HTTP/1.1\r\n\r\n'), '');
    assert.match(ground.server.log, /info proxy\.refused peer=127\.0\.0\.1:\d+ reason="the PROXY header is malformed"/);
    assert.equal(await say('PROXY TCP4 203.0.'), ''); // and no more: closed in time
    const participant = await RawSocket.open(ground.server);
    participant.write(line('203.0.113.14'));
    const { session } = await ground.server.createSession();
    participant.write(`GET /v1/sessions/${session}/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: vibesync.v1\r\n\r\n');
    assert.match(await participant.httpHead(), /^HTTP\/1\.1 101/);
    await until('the log names the client', () => /connection\.opened connection=\d+ peer=203\.0\.113\.14:4711|connection\.opened .*peer=203\.0\.113\.14:4711/.test(ground.server.log));
    participant.end();
});

test('pages of our host and of the list may open WebSockets, others get a 403 that says why', async () => {
    const allowed = [undefined, 'https://vibesync.example', 'http://vibesync.example:5173', 'https://app.example', 'null'];
    for (const origin of allowed) assert.equal(status(await upgrade(origin)), 400, origin); // the next check: no subprotocol of ours
    for (const origin of ['https://evil.example', 'https://vibesync.example.evil.example', 'http://app.example', 'https://app.example:444']) {
        const answer = await upgrade(origin);
        assert.equal(status(answer), 403, origin);
        assert.equal(JSON.parse(answer.split('\r\n\r\n')[1]).error.code, 'permission_denied');
    }
    assert.match(ground.server.log, /info origin\.refused request=\S+ peer=127\.0\.0\.1:\d+ origin="https:\/\/evil\.example" host="vibesync\.example:8440"/);
    // Where the client is known to speak TLS, the page must, too.
    assert.equal(status(await upgrade('http://vibesync.example', { headers: 'X-Forwarded-Proto: https\r\n' })), 403);
    assert.equal(status(await upgrade('http://vibesync.example', { headers: 'X-Forwarded-Proto: https\r\n', from: '127.0.0.2' })), 400);
    // Only WebSockets are kept from other pages: what they may read over HTTP the browser asks CORS.
    assert.equal(status(await say('GET /healthz HTTP/1.1\r\nHost: a\r\nOrigin: https://evil.example\r\nConnection: close\r\n\r\n')), 200);
});

test('a PROXY header comes ahead of TLS', async () => {
    const { certificate, key } = issuer.issue('behind');
    await ground.server.stop();
    ground.server.ca = issuer.pem;
    await ground.server.start({ ...ground.server.settings, 'tls-cert': certificate, 'tls-key': key });
    const plain = connect(ground.server.port, '127.0.0.1');
    await within('a connection', new Promise((resolve) => plain.once('connect', resolve)));
    plain.write('PROXY TCP6 2001:db8::7 ::1 4711 8440\r\n');
    const secure = connectTls({ socket: plain, ca: issuer.pem, servername: 'localhost' });
    let text = '';
    secure.on('data', (data) => (text += data));
    secure.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    await until('an answer', () => text.startsWith('HTTP/1.1 200'));
    await until('it is in the log', () => /http\.answered request=\S+ status=200 peer=\[2001:db8::7\]:4711\n/.test(ground.server.log));
    secure.destroy();
});
