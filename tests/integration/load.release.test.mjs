// load.release.test.mjs — vibesync-load against a live server: what it counts is what happened, and a loss does not pass unseen.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { storedDocument } from './support/documents.mjs';
import { stand } from './support/ground.mjs';
import { within } from './support/wait.mjs';

const PROGRAM = join(dirname(process.env.VIBESYNCD ?? resolve(import.meta.dirname, '../../build/release/bin/vibesyncd')), 'vibesync-load');
const TRACES = resolve(import.meta.dirname, '../data/traces');
const ground = await stand({ 'checkpoint-idle-ms': 100 });

// Runs a scenario given as text: {status, report, err}. `meanwhile` is called when it has begun.
async function load(text, meanwhile = () => {}) {
    const file = join(ground.cluster.folder, 'scenario.txt');
    writeFileSync(file, text);
    const child = spawn(PROGRAM, ['--json', '--server', ground.server.url, '--admin-token-file', ground.server.tokenFile,
        '--pid', `${ground.server.child.pid}`, file]);
    let out = '', err = '';
    child.stdout.setEncoding('utf8').on('data', (data) => (out += data));
    child.stderr.setEncoding('utf8').on('data', (data) => (err += data));
    const ended = new Promise((done) => child.once('close', (code, signal) => done(code ?? signal)));
    const [status] = await Promise.all([within('vibesync-load ended', ended, 120_000), meanwhile()]);
    return { status, err, report: out ? JSON.parse(out) : null };
}

test('a closed loop: every update reaches every other connection once, cursors too, and newcomers find all of it', async () => {
    const { status, report, err } = await load('rooms 3\nconnections 5\nwriters 2\nwindow 1\nawareness 3\njoins 6\nwarmup 0\nseconds 2');

    assert.equal(status, 0, err);
    assert.equal(report.rooms_checked, 3);
    assert.equal(report.joins, 6);
    assert.ok(report.deliveries > 100, `${report.deliveries} deliveries`);
    assert.deepEqual([report.lost, report.duplicated, report.closed_by_server, report.rooms_differing], [0, 0, 0, 0]);
});

test('a recorded session, typed by two writers to its end, is in every room and in the database', async () => {
    const { status, report, err } = await load(`rooms 2\nconnections 3\nwriters 2\nwindow 8\nwarmup 0\nseconds 60\ntrace ${TRACES}/sveltecomponent.trace.zst`);

    assert.equal(status, 0, err);
    assert.equal(report.rooms_differing, 0);
    const files = await ground.cluster.rows("select id from files where file_path = 'load.txt' order by created_at desc limit 2");
    const wanted = 2 * 18451; // bytes of the text: tests/data/traces/README.md
    for (const { id } of files) assert.equal(Buffer.byteLength((await storedDocument(ground.cluster, id)).text), wanted);
});

test('a server that is killed under the load does not pass', async () => {
    const { status } = await load('rooms 1\nconnections 3\nwriters 1\nrate 50\nseconds 3', async () => {
        const sessions = async () => (await ground.cluster.row("select count(*)::int as n from files where file_path = 'load.txt'")).n;
        const before = await sessions();
        while ((await sessions()) === before) await new Promise((done) => setTimeout(done, 20));
        await ground.server.kill();
    });

    assert.notEqual(status, 0);
});
