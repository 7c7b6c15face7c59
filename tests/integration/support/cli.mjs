// cli.mjs — the program `vibesync` of the build under test: C clients from the outside.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { resolve } from 'node:path';
import { until, within } from './wait.mjs';

const PROGRAM = process.env.VIBESYNC ?? resolve(import.meta.dirname, '../../../build/release/bin/vibesync');

// `session` {}: of nobody yet.
function start(server, session, words, stdin = 'ignore') {
    const { session: id, token } = session;
    return spawn('setpriv', ['--pdeathsig', 'KILL', PROGRAM, ...words], {
        stdio: [stdin, 'pipe', 'pipe'],
        env: { ...process.env, VIBESYNC_SERVER: server.url, ...(id && { VIBESYNC_SESSION: id, VIBESYNC_TOKEN: token }) },
    });
}

// Runs a verb to its end: {status, out, err}. `input` is what somebody types.
export async function runCli(server, session, words, ms = 60_000, input = null) {
    const child = start(server, session, words, input === null ? 'ignore' : 'pipe');
    if (input !== null) child.stdin.end(input);
    let out = '', err = '';
    child.stdout.setEncoding('utf8').on('data', (data) => (out += data));
    child.stderr.setEncoding('utf8').on('data', (data) => (err += data));
    const status = await within(`vibesync ${words[0]} ended`, new Promise((done) => child.once('close', (code, signal) => done(code ?? signal))), ms)
        .catch((error) => {
            child.kill('SIGKILL');
            throw error;
        });
    return { status, out, err };
}

// `vibesync watch`: what a C client has, followed change by change.
export class CliWatcher {
    constructor(server, session, path) {
        this.units = []; // UTF-16 units: an array, so that a change in the middle of a long text is cheap
        this.changes = 0;
        this.child = start(server, session, ['watch', path, '--json']);
        this.err = '';
        this.child.stderr.setEncoding('utf8').on('data', (data) => (this.err += data));
        createInterface({ input: this.child.stdout }).on('line', (line) => this.onLine(JSON.parse(line)));
        this.exit = new Promise((done) => this.child.once('close', (code, signal) => done(code ?? signal)));
    }

    onLine({ index, deleted, inserted }) {
        if (deleted !== this.units.slice(index, index + deleted.length).join('')) throw new Error(`watch deletes what is not there, at ${index}`);
        this.units.splice(index, deleted.length, ...inserted.split(''));
        this.changes++;
    }

    get text() {
        return this.units.join('');
    }

    sees(text, ms) {
        return until('the C client has the text', () => this.units.length === text.length && this.text === text, ms);
    }

    async stop() {
        this.child.kill('SIGINT');
        return within('watch ended', this.exit);
    }
}
