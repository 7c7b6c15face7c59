// hocuspocus.mjs PORT — Hocuspocus without any storage.
import { Server } from '@hocuspocus/server';

const server = new Server({ port: Number(process.argv[2]), address: '127.0.0.1', quiet: true, stopOnSignals: false });
await server.listen();
console.log('serving');
