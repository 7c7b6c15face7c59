// y-websocket.mjs PORT — y-websocket 1.5's own server, as its package ships it.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { WebSocketServer } from 'ws';

const { setupWSConnection } = createRequire(import.meta.url)('y-websocket/bin/utils');
const server = createServer();
new WebSocketServer({ server }).on('connection', setupWSConnection);
server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log('serving'));
