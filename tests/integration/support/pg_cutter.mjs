// pg_cutter.mjs — stands between the server and PostgreSQL and passes bytes on, until it is told to lose an answer: then what PostgreSQL
// says next is thrown away and the connection closed. The statement was executed; whoever sent it cannot know.
import { createConnection, createServer } from 'node:net';
import { freePort } from './cluster.mjs';
import { until } from './wait.mjs';

export class PgCutter {
    constructor() {
        this.links = new Set();
        this.lost = 0; // bytes of answers
        this.cutting = false;
        this.cuts = 0;
        this.silenced = undefined; // {statement, link}
    }

    // Answers the URL for the server.
    async listen(cluster) {
        const port = await freePort();
        this.server = createServer((near) => this.onLink(near, createConnection(`${cluster.socket}/.s.PGSQL.${cluster.port}`)));
        await new Promise((resolve) => this.server.listen(port, '127.0.0.1', resolve));
        this.server.unref();
        return `postgresql://vibesync_server@127.0.0.1:${port}/vibesync?sslmode=disable`;
    }

    onLink(near, far) {
        const link = { near, far, asked: false };
        this.links.add(link);
        const end = () => {
            this.links.delete(link);
            near.destroy();
            far.destroy();
        };
        for (const socket of [near, far]) socket.on('error', end).on('close', end).setNoDelay?.(true).unref();
        near.on('data', (data) => {
            // 'journal_insert' is the writer's connection: Bind names the statement.
            if (data.includes('journal_insert')) link.asked = true;
            if (this.silenced && !this.silenced.link && data.includes(this.silenced.statement)) this.silenced.link = link;
            far.write(data);
        });
        far.on('data', (data) => {
            if (this.silenced?.link === link) return;
            if (!this.cutting || !link.asked) {
                near.write(data);
                return;
            }
            this.cutting = false;
            this.lost += data.length;
            this.cuts++;
            end();
        });
    }

    // From the next execution of this statement on its connection says nothing more, until the answer of this, a function, cuts it.
    silence(statement) {
        const silenced = this.silenced = { statement };
        return () => {
            this.silenced = undefined;
            silenced.link.near.destroy(); // and with it the other side
        };
    }

    // The next answer on the journal's connection is lost, and the connection with it.
    async cutAfterAnAnswer() {
        const before = this.cuts;
        this.cutting = true;
        await until('an answer was lost', () => this.cuts > before);
    }
}
