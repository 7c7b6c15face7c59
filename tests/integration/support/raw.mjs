// raw.mjs — bytes on a TCP socket, for input that no library would send: HTTP by hand, WebSocket frames by hand.
import { decodeMulti, encode } from '@msgpack/msgpack';
import { connect } from 'node:net';
import { until, within } from './wait.mjs';

// One frame. Everything that RFC 6455 fixes can be wrong: `mask` null (unmasked), `rsv`, `fin`, `length` (a lie), `width` (of the length).
export function frame(payload, { opcode = 2, fin = true, rsv = 0, mask = [1, 2, 3, 4], length = payload.length, width } = {}) {
    width ??= length < 126 ? 0 : length < 65536 ? 2 : 8;
    const head = Buffer.alloc(2 + width);
    head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
    head[1] = (mask ? 0x80 : 0) | (width === 0 ? length : width === 2 ? 126 : 127);
    if (width === 2) head.writeUInt16BE(length, 2);
    if (width === 8) head.writeBigUInt64BE(BigInt(length), 2);
    const body = Buffer.from(payload);
    if (mask) for (let i = 0; i < body.length; i++) body[i] ^= mask[i % 4];
    return Buffer.concat([head, ...(mask ? [Buffer.from(mask)] : []), body]);
}

export class RawSocket {
    static async open(server) {
        const raw = new RawSocket();
        raw.bytes = Buffer.alloc(0);
        raw.frames = []; // {opcode, fin, rsv, payload}, as they came
        raw.values = []; // of all binary messages of a session
        raw.close = null; // {code, reason} of the close frame
        raw.ended = false;
        raw.error = null; // a reset, say
        raw.socket = connect(server.port, '127.0.0.1');
        raw.socket.setNoDelay(true);
        raw.socket.on('error', (error) => (raw.error = error));
        raw.socket.once('close', () => (raw.ended = true));
        await within('a TCP connection', new Promise((resolve, reject) => {
            raw.socket.once('connect', resolve);
            raw.socket.once('error', reject);
        }));
        raw.socket.on('data', (data) => {
            raw.bytes = Buffer.concat([raw.bytes, data]);
            if (raw.isWebSocket) raw.readFrames();
        });
        return raw;
    }

    // A WebSocket to a session.
    static async upgrade(server, session, { protocol = 'vibesync.v1', headers = '' } = {}) {
        const raw = await RawSocket.upgradeAt(server, `/v1/sessions/${session}/ws`, `Sec-WebSocket-Protocol: ${protocol}\r\n${headers}`);
        raw.readsValues = true;
        raw.readFrames();
        return raw;
    }

    // A WebSocket at any path; `head` is the answer's.
    static async upgradeAt(server, path, headers = '') {
        const raw = await RawSocket.open(server);
        raw.socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
            `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${headers}\r\n`);
        raw.head = await raw.httpHead();
        if (!raw.head.startsWith('HTTP/1.1 101')) throw new Error(`the upgrade was answered ${raw.head.split('\r\n')[0]}`);
        raw.isWebSocket = true;
        return raw;
    }

    // Upgraded and joined, as `session` (createSession or joinByCode) says.
    static async join(server, session) {
        const raw = await RawSocket.upgrade(server, session.session);
        raw.sendValue([0, 1, 'session.join', [{ client: 'raw', protocol: 1, credential: session.token }]]);
        await raw.answer(1);
        return raw;
    }

    // The head of an HTTP answer; what follows stays in `bytes`.
    async httpHead(ms) {
        const end = await until('an HTTP answer', () => {
            if (this.ended && !this.bytes.includes('\r\n\r\n')) throw new Error('the connection has ended');
            return this.bytes.indexOf('\r\n\r\n') + 1;
        }, ms);
        const head = this.bytes.subarray(0, end + 3).toString('latin1');
        this.bytes = this.bytes.subarray(end + 3);
        return head;
    }

    write(bytes) {
        this.socket.write(bytes);
    }

    sendValue(value) {
        this.write(frame(encode(value)));
    }

    // The answer to a request: [1, msgid, error, result].
    answer(msgid, ms) {
        return until(`an answer to request ${msgid}`, () => this.values.find((v) => v[0] === 1 && v[1] === msgid), ms);
    }

    // The close frame; {code: null} when the connection ended without one.
    closed(ms) {
        return until('a close frame', () => this.close ?? (this.ended && { code: null, reason: '' }), ms);
    }

    end() {
        this.socket.destroy();
    }

    readFrames() {
        for (;;) {
            const { bytes } = this;
            if (bytes.length < 2) return;
            let size = bytes[1] & 0x7f, at = 2;
            if (size === 126) {
                if (bytes.length < 4) return;
                size = bytes.readUInt16BE(2), at = 4;
            } else if (size === 127) {
                if (bytes.length < 10) return;
                size = Number(bytes.readBigUInt64BE(2)), at = 10;
            }
            if (bytes.length < at + size) return;
            const payload = bytes.subarray(at, at + size);
            this.bytes = bytes.subarray(at + size);
            const opcode = bytes[0] & 0x0f;
            this.frames.push({ opcode, fin: bytes[0] >= 0x80, rsv: (bytes[0] >> 4) & 7, payload });
            if (opcode === 2 && this.readsValues) this.values.push(...decodeMulti(payload));
            if (opcode === 8) this.close = { code: payload.length ? payload.readUInt16BE(0) : 1005, reason: payload.subarray(2).toString() };
        }
    }
}
