// websocket.test.mjs — RFC 6455 and RFC 7692 over a live server: our own vectors, in the order of the sections that the Autobahn
// test suite has, against the endpoint which that suite is run against (--test-echo). Bytes go in whole and chopped; what comes
// back is compared frame by frame, and no connection may end in a reset, which could take a close frame with it.
// protocol/ws/ws_conn_test.c feeds the same kinds of input in every chop size.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { constants, deflateRawSync } from 'node:zlib';
import WebSocket from 'ws';
import { stand } from './support/ground.mjs';
import { encode } from './support/native.mjs';
import { RawSocket, frame } from './support/raw.mjs';
import { until, within } from './support/wait.mjs';

const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;
const ground = await stand({ 'test-echo': true });

const OPCODES = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 };
const NAMES = Object.fromEntries(Object.entries(OPCODES).map(([name, opcode]) => [opcode, name]));
const hex = (text) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const bytesOf = (payload) => (typeof payload === 'string' ? Buffer.from(payload) : payload);
const make = (opcode) => (payload = '', options = {}) => frame(bytesOf(payload), { opcode, ...options });
const text = make(1), binary = make(2), more = make(0), ping = make(9), pong = make(10);
const first = (payload, options) => text(payload, { fin: false, ...options });
const middle = (payload, options) => more(payload, { fin: false, ...options });
const close = (code, reason = '') => make(8)(code === undefined ? '' : Buffer.concat([Buffer.from([code >> 8, code & 255]), bytesOf(reason)]));

// 'text:Hello', 'close:1002'
const told = ({ opcode, payload }) =>
    `${NAMES[opcode]}:${opcode === 8 ? (payload.length ? payload.readUInt16BE(0) : '') : payload.toString('latin1')}`;

// Stops when the server has ended the connection.
async function chopped(raw, bytes, chop) {
    for (let at = 0; at < bytes.length && raw.socket.writable; at += chop) {
        raw.write(bytes.subarray(at, at + chop));
        if (chop < 64) await new Promise(setImmediate);
    }
}

const assertNotReset = (raw) => assert.notEqual(raw.error?.code, 'ECONNRESET');

// Sends `sent` and asserts that `expected` comes back, then the end. When nothing in it ends the connection, we do.
async function exchange(sent, expected, { chop = Infinity, headers = '' } = {}) {
    const raw = await RawSocket.upgradeAt(ground.server, '/test/echo', headers);
    const ends = expected.some((one) => one.startsWith('close:'));
    const all = Buffer.concat([...sent, ...(ends ? [] : [close(1000)])]);
    await chopped(raw, all, Math.min(chop, all.length));
    await until('the server ends the connection', () => raw.ended, 60_000);
    assert.deepEqual(raw.frames.map(told), ends ? expected : [...expected, 'close:1000']);
    assertNotReset(raw);
}

function vectors(section, cases) {
    describe(section, () => {
        for (const [name, sent, expected] of cases) {
            test(name, async () => {
                for (const chop of [Infinity, 1, 7]) await exchange(sent, expected, { chop });
            });
        }
    });
}

// ---- 1: frames of all sizes ----

vectors('framing', ['text', 'binary'].flatMap((kind) => [0, 1, 124, 125, 126, 127, 128, 255, 256, 1000].map((size) => {
    const payload = '*'.repeat(size);
    return [`${kind} of ${size} bytes`, [make(OPCODES[kind])(payload)], [`${kind}:${payload}`]];
})));

for (const size of [65535, 65536, 65537]) {
    for (const chop of [Infinity, 997]) {
        test(`${size} bytes, ${chop} at a time`, () => exchange([text('*'.repeat(size)), binary(Buffer.alloc(size, 0xfe))],
            [`text:${'*'.repeat(size)}`, `binary:${'\xfe'.repeat(size)}`], { chop }));
    }
}

// ---- 2: pings and pongs ----

const noise = hex('00 ff fe fd fc fb 00 ff');
vectors('pings and pongs', [
    ['an empty ping', [ping()], ['pong:']],
    ['a ping with text', [ping('Hello')], ['pong:Hello']],
    ['a ping with bytes', [ping(noise)], [`pong:${noise.toString('latin1')}`]],
    ['a ping of 125 bytes', [ping(Buffer.alloc(125, 0xfe))], [`pong:${'\xfe'.repeat(125)}`]],
    ['a ping of 126 bytes', [ping(Buffer.alloc(126, 0xfe))], ['close:1002']],
    ['a pong that nobody asked for', [pong()], []],
    ['a pong with payload, then a ping', [pong('unasked'), ping('asked')], ['pong:asked']],
    ['ten pings', Array.from({ length: 10 }, (_, i) => ping(`${i}`)), Array.from({ length: 10 }, (_, i) => `pong:${i}`)],
]);

// ---- 3: reserved bits ----

vectors('reserved bits', [1, 2, 3, 4, 5, 6, 7].flatMap((rsv) => [
    [`${rsv} in a text`, [text('good'), text('bad', { rsv }), ping()], ['text:good', 'close:1002']],
    [`${rsv} in a binary`, [binary('bad', { rsv })], ['close:1002']],
    [`${rsv} in a ping`, [ping('', { rsv })], ['close:1002']],
    [`${rsv} in a close`, [frame(hex('03e8'), { opcode: 8, rsv })], ['close:1002']],
]));

// ---- 4: reserved opcodes ----

vectors('reserved opcodes', [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode) => [
    [`${opcode}, empty`, [text('good'), frame(Buffer.alloc(0), { opcode }), ping()], ['text:good', 'close:1002']],
    [`${opcode} with payload`, [frame(Buffer.from('payload'), { opcode })], ['close:1002']],
]));

// ---- 5: fragments ----

vectors('fragments', [
    ['a fragmented ping', [ping('a', { fin: false }), more('b')], ['close:1002']],
    ['a fragmented pong', [pong('a', { fin: false }), more('b')], ['close:1002']],
    ['two', [first('frag'), more('ment')], ['text:fragment']],
    ['a ping between', [first('frag'), ping('p'), more('ment')], ['pong:p', 'text:fragment']],
    ['pings between many', [first('1'), middle('2'), ping('a'), middle('3'), middle('4'), ping('b'), more('5')],
        ['pong:a', 'pong:b', 'text:12345']],
    ['a pong between', [first('frag'), pong('p'), more('ment')], ['text:fragment']],
    ['empty ones', [first(), middle(), more()], ['text:']],
    ['an empty first and last', [first(), middle('middle'), more()], ['text:middle']],
    ['a last one without a first', [more('x'), text('y')], ['close:1002']],
    ['a middle one without a first', [middle('x'), more('y')], ['close:1002']],
    ['one more behind the last', [first('a'), more('b'), more('c')], ['text:ab', 'close:1002']],
    ['one message inside another', [first('a'), text('b')], ['close:1002']],
    ['one fragmented message inside another', [first('a'), first('b'), more('c')], ['close:1002']],
    ['of bytes', [binary(noise, { fin: false }), more(noise)], [`binary:${noise.toString('latin1').repeat(2)}`]],
]);

// ---- 6: UTF-8 ----

const GREEK = Buffer.from('κόσμε');
const TOO_HIGH = hex('f4 90 80 80'); // above U+10FFFF from its second byte on
const latin = (bytes) => Buffer.from(bytes).toString('latin1');
const goodText = ['00', '7f', 'c2 80', 'df bf', 'e0 a0 80', 'ed 9f bf', 'ee 80 80', 'ef bf bd', 'ef bf be', 'ef bf bf', 'f0 90 80 80',
    'f4 8f bf bf', 'f0 9f bf be', 'f0 af bf bf'];
const badText = ['80', 'bf', '80 bf 80', 'c0', 'c0 80', 'c1 bf', 'c2', 'df', 'e0 80 80', 'e0 9f bf', 'e0 a0', 'ed a0 80', 'ed bf bf',
    'ed a0 80 ed b0 80', 'f0 80 80 80', 'f0 8f bf bf', 'f0 90 80', 'f4 90 80 80', 'f5 80 80 80', 'f8 88 80 80 80', 'fc 84 80 80 80 80',
    'fe', 'ff', 'fe fe ff ff', 'c2 41', 'e1 bd 41', 'ce ba e1 bd b9 cf 83 ce bc ce b5 f4 90 80 80 65 64'];

vectors('UTF-8', [
    ['text in every language', [text('Hello-µ@ßöäüàá-UTF-8!! κόσμε 日本 🎈')], [`text:${latin('Hello-µ@ßöäüàá-UTF-8!! κόσμε 日本 🎈')}`]],
    ['cut inside characters', [first(GREEK.subarray(0, 3)), middle(GREEK.subarray(3, 4)), more(GREEK.subarray(4))], [`text:${latin(GREEK)}`]],
    ['one byte a fragment', [first(''), ...[...GREEK].map((byte) => middle(Buffer.from([byte]))), more('')], [`text:${latin(GREEK)}`]],
    ['the end inside a character', [first(GREEK), more(hex('ce'))], ['close:1007']],
    ...goodText.map((bytes) => [`${bytes} is good`, [text(hex(bytes))], [`text:${latin(hex(bytes))}`]]),
    ...badText.map((bytes) => [`${bytes} is bad`, [text(hex(bytes))], ['close:1007']]),
    ['what is no text in a binary message', [binary(hex('ff fe'))], ['binary:\xff\xfe']],
]);

describe('UTF-8 fails at its first wrong byte: what would follow is never sent', () => {
    const wrong = Buffer.concat([GREEK, TOO_HIGH.subarray(0, 2)]); // its last byte is the first wrong one
    const torn = text(Buffer.concat([wrong, Buffer.from('more')]));
    const cases = [
        ['in a later fragment', [first(GREEK), middle(TOO_HIGH)]],
        ['at the end of a fragment', [first(GREEK), middle(TOO_HIGH.subarray(0, 2))]],
        ['inside a frame', [torn.subarray(0, torn.length - 4)]],
        ['in a fragment of its own', [first(hex('f4')), middle(hex('90'))]],
        ['inside a frame of a fragmented message', [first('a'), middle(torn.subarray(6, -4), { length: 100, width: 0 })]],
    ];
    for (const [name, sent] of cases) {
        test(name, async () => {
            const raw = await RawSocket.upgradeAt(ground.server, '/test/echo');
            raw.write(Buffer.concat(sent));
            assert.equal((await raw.closed()).code, 1007);
            await until('the server ends the connection', () => raw.ended);
            assertNotReset(raw);
        });
    }
    test('and not one byte before', async () => {
        const raw = await RawSocket.upgradeAt(ground.server, '/test/echo');
        raw.write(Buffer.concat([first(GREEK), middle(TOO_HIGH.subarray(0, 1)), ping()]));
        await until('the ping is answered', () => raw.frames.length > 0);
        assert.deepEqual(raw.frames.map(told), ['pong:']);
        raw.write(more(TOO_HIGH.subarray(1, 2)));
        assert.equal((await raw.closed()).code, 1007);
    });
});

// ---- 7: closing ----

const half = 'x'.repeat(100_000);
vectors('closing', [
    ['a message, then a close', [text('last'), close(1000)], ['text:last', 'close:1000']],
    ['a close without a code', [close()], ['close:']],
    ['two closes', [close(1000), close(1000)], ['close:1000']],
    ['a ping after the close', [close(1000), ping()], ['close:1000']],
    ['a text after the close', [close(1000), text('late')], ['close:1000']],
    ['a close inside a message', [first('a'), close(1000), more('b')], ['close:1000']],
    ['a close of one byte', [make(8)(Buffer.from([3]))], ['close:1002']],
    ['a reason', [close(1000, 'Hello World!')], ['close:1000']],
    ['a reason of 123 bytes', [close(1000, '*'.repeat(123))], ['close:1000']],
    ['a reason of 124 bytes', [close(1000, '*'.repeat(124))], ['close:1002']],
    ['a reason that is no text', [close(1000, Buffer.concat([GREEK, hex('ed a0 80')]))], ['close:1007']],
    ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999].map((code) =>
        [`code ${code}`, [close(code)], [`close:${code}`]]),
    ...[0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535].map((code) =>
        [`code ${code}, which nobody may send`, [close(code)], ['close:1002']]),
]);

test('256 KB, then a close, then a ping: the message comes back whole before the close', () =>
    exchange([text('*'.repeat(1 << 18)), close(1000), ping()], [`text:${'*'.repeat(1 << 18)}`, 'close:1000']));
test('a failure is told also to who is still sending', async () => {
    const raw = await RawSocket.upgradeAt(ground.server, '/test/echo');
    raw.write(Buffer.concat([frame(Buffer.from('x'), { opcode: 3 }), ...Array.from({ length: 30 }, () => binary(half))]));
    assert.equal((await raw.closed()).code, 1002);
    await until('the server ends the connection', () => raw.ended);
    assertNotReset(raw);
});
test('the same in a session', async () => {
    const owner = await ground.server.createSession();
    const raw = await RawSocket.join(ground.server, owner);
    raw.write(Buffer.concat([frame(Buffer.from('x'), { opcode: 3 }), ...Array.from({ length: 30 }, () => binary(half))]));
    assert.equal((await raw.closed()).code, 1002);
    await until('the server ends the connection', () => raw.ended);
    assertNotReset(raw);
});
test('who never ends his side is let go', async () => {
    const raw = await RawSocket.upgradeAt(ground.server, '/test/echo');
    raw.socket.allowHalfOpen = true;
    raw.write(close(1000));
    assert.equal((await raw.closed()).code, 1000);
    await until('the connection is closed', () => {
        raw.write(Buffer.alloc(1)); // refused at last by who has closed it
        return raw.error;
    });
});

// ---- 9 and 10: long messages ----

async function echoesWhole(payload, sent, { chop = Infinity, opcode = 2, headers } = {}) {
    const raw = await RawSocket.upgradeAt(ground.server, '/test/echo', headers);
    await chopped(raw, sent, Math.min(chop, sent.length));
    await until('it comes back', () => raw.frames.length > 0, 120_000);
    assert.equal(raw.frames.length, 1);
    assert.equal(raw.frames[0].opcode, opcode);
    assert.ok(raw.frames[0].payload.equals(payload));
    raw.end();
}

const big = Buffer.from(Array.from({ length: MESSAGE_BYTES_MAX / 64 }, (_, i) => `${i} `.padEnd(64, 'abcdefghij')).join(''));
for (const size of [1 << 16, 1 << 18, 1 << 20, 1 << 22, MESSAGE_BYTES_MAX]) {
    const payload = big.subarray(0, size);
    test(`text of ${size} bytes`, () => echoesWhole(payload, text(payload), { opcode: 1 }));
    test(`binary of ${size} bytes`, () => echoesWhole(payload, binary(payload)));
}
for (const size of [64, 256, 1024, 4096, 16384, 65536]) {
    const payload = big.subarray(0, 1 << 20), pieces = [];
    for (let at = 0; at < payload.length; at += size)
        pieces.push(frame(payload.subarray(at, at + size), { opcode: at ? 0 : 2, fin: at + size >= payload.length }));
    test(`1 MiB in fragments of ${size} bytes`, () => echoesWhole(payload, Buffer.concat(pieces)));
}
for (const chop of [64, 128, 256, 512, 1024, 2048])
    test(`256 KiB, ${chop} bytes at a time`, () => echoesWhole(big.subarray(0, 1 << 18), binary(big.subarray(0, 1 << 18)), { chop }));
test('one byte more than a message may have: 1009', () =>
    exchange([frame(Buffer.alloc(16), { length: MESSAGE_BYTES_MAX + 1, width: 8 })], ['close:1009']));

// ---- 12 and 13: permessage-deflate ----

const ANSWER = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';
const offer = (value) => `Sec-WebSocket-Extensions: ${value}\r\n`;
const agreed = (head) => /^sec-websocket-extensions: (.*)$/im.exec(head)?.[1].trim() ?? null;
const DEFLATE = offer('permessage-deflate');
const pack = (payload) => deflateRawSync(bytesOf(payload), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);

describe('offers of permessage-deflate', () => {
    const cases = [
        ['permessage-deflate', ANSWER],
        ['permessage-deflate; client_max_window_bits', ANSWER],
        ['permessage-deflate; client_max_window_bits=9; server_no_context_takeover', ANSWER],
        ['permessage-deflate; client_no_context_takeover; server_max_window_bits=10', `${ANSWER}; server_max_window_bits=10`],
        ['permessage-deflate; server_max_window_bits="15"', `${ANSWER}; server_max_window_bits=15`],
        ['permessage-deflate; server_max_window_bits=8', null],
        ['permessage-deflate; server_max_window_bits=8, permessage-deflate', ANSWER],
        ['permessage-deflate; server_max_window_bits', null],
        ['permessage-deflate; server_max_window_bits=16', null],
        ['permessage-deflate; client_max_window_bits=7', null],
        ['permessage-deflate; server_no_context_takeover=1', null],
        ['permessage-deflate; unknown, x-webkit-deflate-frame, permessage-deflate', ANSWER],
        ['x-webkit-deflate-frame', null],
    ];
    for (const [value, expected] of cases) {
        test(value, async () => {
            const raw = await RawSocket.upgradeAt(ground.server, '/test/echo', offer(value));
            assert.equal(agreed(raw.head), expected);
            raw.end();
        });
    }
    test('what is no list of extensions: 400', () =>
        assert.rejects(RawSocket.upgradeAt(ground.server, '/test/echo', offer('permessage-deflate; =')), /400/));
});

describe('compressed frames', () => {
    const packed = pack('Hello, hello, hello');
    const halves = [packed.subarray(0, 4), packed.subarray(4)];
    const final = Buffer.concat([deflateRawSync('Hello'), Buffer.from([0])]); // a block marked as final: RFC 7692, 7.2.3.4
    const cases = [
        ['the bytes of the RFC', [text(hex('f2 48 cd c9 c9 07 00'), { rsv: 4 })], ['text:Hello']],
        ['in fragments', [text(hex('f2 48 cd'), { rsv: 4, fin: false }), ping('p'), more(hex('c9 c9 07 00'))], ['pong:p', 'text:Hello']],
        ['in a stored block', [text(hex('00 05 00 fa ff 48 65 6c 6c 6f 00'), { rsv: 4 })], ['text:Hello']],
        ['behind a final block', [text(final, { rsv: 4 })], ['text:Hello']],
        ['two blocks', [text(hex('f2 48 05 00 00 00 ff ff ca c9 c9 07 00'), { rsv: 4 })], ['text:Hello']],
        ['empty', [text(hex('00'), { rsv: 4 }), text(hex('02 00'), { rsv: 4 })], ['text:', 'text:']],
        ['not even an empty block', [text('', { rsv: 4 })], ['close:1007']],
        ['and bare ones', [text('bare'), text(packed, { rsv: 4 }), binary(packed)],
            ['text:bare', 'text:Hello, hello, hello', `binary:${latin(packed)}`]],
        ['the bit on a continuation', [text(halves[0], { rsv: 4, fin: false }), more(halves[1], { rsv: 4 })], ['close:1002']],
        ['the bit on a ping', [ping('', { rsv: 4 })], ['close:1002']],
        ['another bit', [text(packed, { rsv: 6 })], ['close:1002']],
        ['noise', [binary(hex('ff ff ff ff'), { rsv: 4 })], ['close:1007']],
        ['cut off', [binary(packed.subarray(0, 5), { rsv: 4 })], ['close:1007']],
        ['a reference to the message before', [binary(hex('f2 48 cd c9 c9 07 00'), { rsv: 4 }), binary(hex('f2 00 11 00 00'), { rsv: 4 })],
            ['binary:Hello', 'close:1007']],
        ['text that is not UTF-8', [text(pack(hex('ff')), { rsv: 4 })], ['close:1007']],
    ];
    for (const [name, sent, expected] of cases) {
        test(name, async () => {
            for (const chop of [Infinity, 1]) await exchange(sent, expected, { chop, headers: DEFLATE });
        });
    }
    test('a bomb: 1009', () => exchange([binary(pack(Buffer.alloc(MESSAGE_BYTES_MAX + 1)), { rsv: 4 })], ['close:1009'], { headers: DEFLATE }));
    test('as large as a message may be', () => echoesWhole(Buffer.alloc(MESSAGE_BYTES_MAX),
        binary(pack(Buffer.alloc(MESSAGE_BYTES_MAX)), { rsv: 4 }), { headers: DEFLATE }));
});

describe('with the npm client ws', () => {
    const options = [
        { threshold: 0 },
        { threshold: 0, serverNoContextTakeover: true, clientNoContextTakeover: true },
        { threshold: 0, serverMaxWindowBits: 9, clientMaxWindowBits: 9 },
        { threshold: 0, serverMaxWindowBits: 15 },
    ];
    for (const perMessageDeflate of [false, ...options]) {
        test(JSON.stringify(perMessageDeflate), async () => {
            const socket = new WebSocket(`ws://127.0.0.1:${ground.server.port}/test/echo`, { perMessageDeflate });
            const echoes = [];
            socket.on('message', (data, isBinary) => echoes.push(isBinary ? data : data.toString()));
            await within('an open WebSocket', new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject)));
            assert.equal(socket.extensions.includes('permessage-deflate'), perMessageDeflate !== false);
            const sizes = [0, 16, 64, 256, 1024, 4095, 4096, 8192, 32768, 131072, 1 << 20, (1 << 20) + 1];
            for (const size of sizes) {
                socket.send(big.subarray(0, size));
                socket.send(big.toString('latin1', 0, size));
            }
            await until('all came back', () => echoes.length === 2 * sizes.length, 60_000);
            for (const [i, size] of sizes.entries()) {
                assert.ok(echoes[2 * i].equals(big.subarray(0, size)));
                assert.equal(echoes[2 * i + 1], big.toString('latin1', 0, size));
            }
            const received = socket._socket.bytesRead, sent = sizes.reduce((sum, size) => sum + 2 * size, 0);
            if (perMessageDeflate) assert.ok(received < sent * 0.75, `${received} of ${sent}`);
            const closed = new Promise((resolve) => socket.once('close', resolve));
            socket.close(1000);
            assert.equal(await within('the close', closed), 1000);
        });
    }
});

test('a large document comes compressed to who can read that, and small updates come as they are', async () => {
    const session = await ground.server.createSession();
    const writer = await ground.join(session);
    const document = await writer.create('large.txt');
    const content = big.toString('latin1', 0, 500_000);
    document.insert(0, content);
    await document.saved();

    const reader = await ground.join(session, { deflate: true });
    const before = reader.socket._socket.bytesRead;
    const replica = await reader.open('large.txt');
    await replica.sees(content);
    const took = reader.socket._socket.bytesRead - before;

    assert.ok(reader.socket.extensions.includes('permessage-deflate'));
    assert.ok(took > 1000 && took < 300_000, `${took} bytes`);
    document.insert(0, 'x');
    await replica.sees(`x${content}`);
});

test('what unpacks to more than may be sent before joining: 1009', async () => {
    const { session } = await ground.server.createSession();
    const raw = await RawSocket.upgradeAt(ground.server, `/v1/sessions/${session}/ws`, `Sec-WebSocket-Protocol: vibesync.v1\r\n${DEFLATE}`);
    const message = frame(pack(encode([99, 'x'.repeat(40_000)])), { opcode: 2, rsv: 4 }); // a kind of the future
    raw.write(Buffer.concat([message, message]));
    assert.equal((await raw.closed()).code, 1009);
});

// Last: it starts the server without the flag.
test('without --test-echo there is no such path', async () => {
    assert.equal((await ground.server.get('/test/echo')).status, 426);
    await ground.server.stop();
    await ground.server.start({ loops: 2 });
    assert.equal((await ground.server.get('/test/echo')).status, 404);
    assert.equal((await fetch(`${ground.server.url}/test/echo`, { method: 'POST' })).status, 404);
});
