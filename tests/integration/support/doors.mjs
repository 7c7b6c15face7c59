// doors.mjs — a person who comes through a compatibility door: the real npm providers, unmodified, around a Y.Doc.
//
//     const ada = yws(server, session, 'src/main.c');             y-websocket 3, token as subprotocol
//     const bob = yws(server, session, 'main.c', { version: 1 })  y-websocket 1.5: nothing but the URL (token: a door token)
//     await ada.synced(); ada.insert(0, 'x'); await bob.sees('x');
//     const cem = hocuspocus(server, session, 'main.c')           Hocuspocus 4; several on one line: socket: cem.socket
import { HocuspocusProvider, HocuspocusProviderWebsocket } from '@hocuspocus/provider';
import WebSocket from 'ws';
import * as Y from 'yjs';
import { WebsocketProvider } from 'y-websocket';
import { WebsocketProvider as WebsocketProvider1 } from 'y-websocket-1';
import { until } from './wait.mjs';

const people = new Set();

class Visitor {
    constructor(ydoc, root, path) {
        this.ydoc = ydoc;
        this.root = root;
        this.path = path;
        this.closes = []; // codes, in order
        people.add(this);
    }

    get ytext() {
        return this.ydoc.getText(this.root);
    }

    get text() {
        return this.ytext.toString();
    }

    insert(index, text) {
        this.ytext.insert(index, text);
    }

    async sees(text, ms) {
        await until(`${this.path}: ${this.constructor.name} has the expected text`, () => this.text === text, ms);
    }

    async synced(ms) {
        await until(`${this.path}: ${this.constructor.name} is synced`, () => this.provider.synced, ms);
        return this;
    }

    // The states of the others, by client id.
    get others() {
        return [...this.provider.awareness.getStates()].filter(([id]) => id !== this.ydoc.clientID).map(([, state]) => state);
    }

    async closedWith(code, ms) {
        await until(`${this.path}: closed with ${code}`, () => this.closes.includes(code), ms);
    }
}

class YwsVisitor extends Visitor {
    leave() {
        people.delete(this);
        this.provider.destroy();
        this.ydoc.destroy(); // and with it the clock of its awareness
    }
}

// `version`: 1 or 3. `url`: a door token in the URL; `header`: the token as a header, which only Node can; else as a subprotocol.
export function yws(server, session, path, { version = 3, ydoc = new Y.Doc(), root = 'text', doorToken, header, options } = {}) {
    const visitor = new YwsVisitor(ydoc, root, path);
    class Socket extends WebSocket {
        constructor(url, protocols) {
            super(url, protocols, { ca: server.ca, ...(header && { headers: { authorization: `Bearer ${session.token}` } }) });
            this.on('close', (code) => visitor.closes.push(code));
        }
    }
    const Provider = version === 1 ? WebsocketProvider1 : WebsocketProvider;
    const protocols = doorToken || header ? {} : { protocols: ['vibesync.door', `vibesync.token.${session.token}`] };
    visitor.provider = new Provider(`${server.url.replace('http', 'ws')}/y/${session.session}`, path, ydoc, {
        WebSocketPolyfill: Socket, disableBc: true, ...protocols, ...(doorToken && { params: { token: doorToken } }), ...options,
    });
    return visitor;
}

class HocuspocusVisitor extends Visitor {
    leave() {
        people.delete(this);
        this.provider.destroy();
        this.ydoc.destroy();
        if (this.ownsSocket) this.socket.destroy();
    }

    // All that was typed is durable.
    async saved(ms) {
        await until(`${this.path}: nothing is unsynced`, () => this.provider.isAuthenticated && !this.provider.hasUnsyncedChanges, ms);
    }
}

// `token`: instead of the session's; `socket`: another visitor's line.
export function hocuspocus(server, session, path, { ydoc = new Y.Doc(), root = 'text', token = session.token, socket, options } = {}) {
    const visitor = new HocuspocusVisitor(ydoc, root, path);
    class Socket extends WebSocket {
        constructor(url) {
            super(url);
            this.on('close', (code) => visitor.closes.push(code));
        }
    }
    visitor.ownsSocket = !socket;
    visitor.socket = socket ?? new HocuspocusProviderWebsocket({
        url: `${server.url.replace('http', 'ws')}/hocuspocus/${session.session}`, WebSocketPolyfill: Socket, minDelay: 100, delay: 100,
    });
    visitor.denied = [];
    visitor.stateless = [];
    visitor.provider = new HocuspocusProvider({
        websocketProvider: visitor.socket, name: path, document: ydoc, token,
        onAuthenticationFailed: ({ reason }) => visitor.denied.push(reason),
        onStateless: ({ payload }) => visitor.stateless.push(payload), ...options,
    });
    visitor.provider.attach();
    return visitor;
}

// For `after`: everybody goes.
export function allLeave() {
    for (const visitor of people) visitor.leave();
}
