// native.mjs — a minimal client of the native protocol (protocol/PROTOCOL.md) around real Yjs documents.
//
//   Participant   one person's line to one session: joins, asks, hears; reconnects when told to
//   Replica       one open document: a Y.Doc whose updates go out as kind 3 and which counts what is acknowledged
//
// Kept small on purpose: it is the second implementation of the protocol, written from its description.
import { decode, decodeMulti, encode } from '@msgpack/msgpack';
import WebSocket from 'ws';
import * as Y from 'yjs';
import { until, within } from './wait.mjs';

export { decode, encode };

export const REQUEST = 0, RESPONSE = 1, NOTIFICATION = 2, UPDATE = 3, ACK = 4, AWARENESS = 5, STATE_VECTOR = 6;

const FROM_SERVER = 'from server';

// An error value of the protocol.
export class Refused extends Error {
    constructor(error) {
        super(`${error.code}: ${error.message}`);
        this.code = error.code;
        this.retry = error.retry;
        this.data = error.data;
    }
}

let nextClientId = 100_000;

export class Replica {
    constructor(participant, path, { clientId = nextClientId++, ydoc = new Y.Doc() } = {}) {
        this.participant = participant;
        this.path = path;
        this.ydoc = ydoc;
        this.ydoc.clientID = clientId;
        this.awareness = []; // payloads heard
        this.rejected = null;
        this.gone = null;
        this.sent = []; // the updates sent since doc.open: what [4, doc, n] counts
        this.acked = 0;
        this.everAcked = []; // all updates that were acknowledged, over all openings
        ydoc.on('update', (update, origin) => {
            if (origin !== FROM_SERVER && this.doc !== undefined) this.send(update);
        });
    }

    // Asks for the document and exchanges what each side lacks.
    async open() {
        this.doc = undefined;
        this.rejected = this.gone = null;
        const answer = await this.participant.request('doc.open', {
            path: this.path, client_id: this.ydoc.clientID, ...(this.epoch === undefined ? {} : { epoch: this.epoch }),
        });
        const unsure = this.acked < this.sent.length; // the server may know it and not have it durably: an empty update is acknowledged, too
        this.sent = [];
        this.acked = 0;
        this.file = answer.file;
        this.epoch = answer.epoch;
        this.access = answer.access;
        this.root = answer.root;
        this.doc = answer.doc;
        this.participant.replicas.set(this.doc, this);
        this.participant.deliverEarly(this);
        const missing = Y.encodeStateAsUpdate(this.ydoc, answer.state_vector);
        if (missing.length > 2 || unsure) this.send(missing); // 00 00 is the empty update
        this.participant.sendValue([STATE_VECTOR, this.doc, Y.encodeStateVector(this.ydoc)]);
        return this;
    }

    send(update) {
        this.sent.push(update);
        this.participant.sendValue([UPDATE, this.doc, update]);
    }

    get ytext() {
        return this.ydoc.getText(this.root ?? 'text');
    }

    get text() {
        return this.ytext.toString();
    }

    insert(index, text) {
        this.ytext.insert(index, text);
    }

    delete(index, count) {
        this.ytext.delete(index, count);
    }

    // Everything that was sent is durable.
    async saved(ms) {
        await until(`${this.path}: ${this.sent.length} updates acknowledged`, () => {
            if (this.rejected) throw new Error(`number ${this.rejected.n} was refused: ${this.rejected.code}, ${this.rejected.message}`);
            return this.acked >= this.sent.length;
        }, ms);
    }

    async sees(text, ms) {
        await until(`${this.path} has the expected text`, () => this.text === text, ms);
    }

    // ---- from the participant ----

    onAck(n) {
        if (n > this.sent.length || n < this.acked) throw new Error(`ack ${n} after ${this.acked}, of ${this.sent.length} sent`);
        this.everAcked.push(...this.sent.slice(this.acked, n));
        this.acked = n;
    }

    onUpdate(update) {
        Y.applyUpdate(this.ydoc, update, FROM_SERVER);
    }
}

export class Participant {
    // Connects and joins. `session`: as Server.createSession() or joinByCode() answered.
    static async join(server, session, options = {}) {
        const participant = new Participant(server, session, options);
        await participant.connect();
        return participant;
    }

    constructor(server, session, options = {}) {
        this.server = server;
        this.session = session;
        this.options = options;
        this.notifications = [];
        this.awareness = []; // of the session itself
        this.replicas = new Map();
        this.openReplicas = [];
        this.failures = []; // exceptions while handling what the server sent: a test must not miss them
    }

    async connect() {
        await this.connectOnly();
        const { token } = this.session;
        return this.join({ ...(this.options.tokenInUpgrade ? {} : { credential: token }) });
    }

    // The WebSocket alone, not joined.
    async connectOnly() {
        const { server, session } = this;
        const headers = this.options.tokenInUpgrade ? { authorization: `Bearer ${session.token}` } : {};
        const socket = new WebSocket(`${server.url.replace('http', 'ws')}/v1/sessions/${session.session}/ws`, 'vibesync.v1',
            { headers, ca: server.ca, perMessageDeflate: this.options.deflate ?? false, handshakeTimeout: 10_000, maxPayload: 256 << 20 });
        this.socket = socket;
        this.requests = new Map();
        this.msgid = 0;
        this.replicas = new Map();
        this.early = new Map();
        this.closed = new Promise((resolve) => {
            socket.once('close', (code, reason) => {
                this.closeEvent = this.lastClose = { code, reason: reason.toString() };
                for (const { reject } of this.requests.values()) reject(new Error(`closed with ${code} ${reason}`));
                this.requests.clear();
                resolve(this.closeEvent);
            });
        });
        this.closeEvent = null;
        socket.on('message', (data, isBinary) => {
            try {
                if (!isBinary) throw new Error('the server sent a text message');
                for (const value of decodeMulti(data)) this.onValue(value);
            } catch (error) {
                this.failures.push(error);
            }
        });
        await within('the WebSocket is open', new Promise((resolve, reject) => {
            socket.once('open', resolve);
            socket.once('error', reject);
        }));
        socket.on('error', () => {});
    }

    async join(params = {}) {
        this.joined = await this.request('session.join', { client: 'integration-test', version: '1', protocol: 1, ...params });
        return this.joined;
    }

    // ---- asking ----

    sendBytes(bytes) {
        if (this.socket.readyState === WebSocket.OPEN) this.socket.send(bytes);
    }

    sendValue(value) {
        this.sendBytes(encode(value));
    }

    // The result, or a Refused.
    request(method, params = {}, ms) {
        if (this.socket.readyState !== WebSocket.OPEN) return Promise.reject(new Error('the connection is closed'));
        const msgid = this.msgid++;
        const answer = new Promise((resolve, reject) => this.requests.set(msgid, { resolve, reject }));
        this.sendValue([REQUEST, msgid, method, [params]]);
        return within(`an answer to ${method}`, answer, ms);
    }

    // The code with which a request is refused.
    async refusal(method, params) {
        try {
            await this.request(method, params);
        } catch (error) {
            if (error instanceof Refused) return error;
            throw error;
        }
        throw new Error(`${method} was not refused`);
    }

    async open(path, options) {
        const replica = new Replica(this, path, options);
        await replica.open();
        this.openReplicas.push(replica);
        return replica;
    }

    // The file made and opened.
    async create(path, options) {
        await this.request('file.create', { path });
        return this.open(path, options);
    }

    // A new connection of the same person with the same replicas: each side gets what it lacks.
    async resume() {
        for (const replica of this.openReplicas) replica.doc = undefined; // what is edited meanwhile goes with its opening
        await this.connect();
        for (const replica of this.openReplicas) await replica.open();
    }

    // {code, reason} of the close.
    ended(ms) {
        return within('the connection is closed', this.closed, ms);
    }

    leave() {
        this.socket.close(1000);
        return this.ended();
    }

    // The params of the first notification of that name that `wanted` accepts.
    notified(method, wanted = () => true, ms) {
        return until(`a notification ${method}`, () => this.notifications.find((n) => n.method === method && wanted(n.params))?.params, ms);
    }

    // ---- hearing ----

    onValue(value) {
        const [kind, ...rest] = value;
        switch (kind) {
            case RESPONSE: {
                const [msgid, error, result] = rest;
                const request = this.requests.get(msgid);
                if (!request) throw new Error(`an answer to no request: ${msgid}`);
                this.requests.delete(msgid);
                if (error === null) request.resolve(result);
                else request.reject(new Refused(error));
                break;
            }
            case NOTIFICATION: {
                const [method, [params]] = rest;
                this.notifications.push({ method, params });
                const replica = this.replicas.get(params?.doc);
                if (method === 'doc.rejected' && replica) replica.rejected = params;
                if (method === 'doc.gone' && replica) replica.gone = params;
                break;
            }
            case AWARENESS:
                if (rest[0] === 0) this.awareness.push(rest[1]);
                else this.replicas.get(rest[0])?.awareness.push(rest[1]) ?? this.keepEarly(value);
                break;
            case UPDATE:
            case ACK:
            case STATE_VECTOR:
                this.onSync(value);
                break;
            default:
                throw new Error(`the server sent kind ${kind}`);
        }
    }

    onSync(value) {
        const [kind, doc, payload] = value;
        const replica = this.replicas.get(doc);
        if (!replica) this.keepEarly(value);
        else if (kind === UPDATE) replica.onUpdate(payload);
        else if (kind === ACK) replica.onAck(payload);
        else this.sendValue([UPDATE, doc, Y.encodeStateAsUpdate(replica.ydoc, payload)]);
    }

    // A document's values may stand in the same message as the answer to doc.open, whose promise resolves later.
    keepEarly(value) {
        const doc = value[1];
        this.early.set(doc, [...(this.early.get(doc) ?? []), value]);
    }

    deliverEarly(replica) {
        const values = this.early.get(replica.doc) ?? [];
        this.early.delete(replica.doc);
        for (const value of values) this.onValue(value);
    }
}
