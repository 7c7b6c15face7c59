// ground.mjs — one cluster and one server for a test file, taken down at its end whatever happened.
import { after } from 'node:test';
import { Cluster } from './cluster.mjs';
import { Participant } from './native.mjs';
import { Server } from './server.mjs';
import { Shim } from './shim.mjs';

// The shape of a test file:
//
//     const ground = await stand({ 'presence-ms': 200 });
//     test('…', async () => { const { owner, guest } = await ground.pair(); … });
// `options`: cluster: as Cluster.create(); shim: true: the server's clock and memory are in the test's hands (ground.shim);
// `url(cluster)`: how the server reaches the database; `ca`: as Server.create().
export async function stand(settings = {}, options = {}) {
    const ground = {
        async owner(options) {
            const session = await ground.server.createSession(options);
            return ground.join(session);
        },
        async guest(owner, name = 'Grace') {
            return ground.join(await ground.server.joinByCode(owner.session.code, name));
        },
        async pair() {
            const owner = await ground.owner();
            return { owner, guest: await ground.guest(owner) };
        },
        async join(session, options, server = ground.server) {
            const participant = await Participant.join(server, session, options);
            ground.participants.push(participant);
            return participant;
        },
        participants: [],
    };
    // Registered first: it takes down whatever stands by then, also when what follows fails.
    after(async () => {
        for (const person of ground.participants) {
            person.givenUp = true;
            person.socket.terminate();
        }
        try {
            await ground.server?.destroy();
        } finally {
            ground.shim?.close();
            await ground.cluster?.destroy();
        }
        const failed = ground.participants.flatMap(({ failures }) => failures);
        if (failed.length) throw failed[0];
    });
    ground.cluster = await Cluster.create(options.cluster);
    if (options.shim) ground.shim = new Shim(ground.cluster.folder);
    ground.server = await Server.create(ground.cluster, { loops: 2, ...settings },
        { environment: ground.shim?.environment, url: await options.url?.(ground.cluster), ca: options.ca });
    return ground;
}
