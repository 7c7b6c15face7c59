// front.test.mjs — behind nginx and behind haproxy, as Debian has them, with the configurations of docs/proxies: the page, WebSockets,
// idle ones, a restart, and whose request it is.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { freePort } from './support/cluster.mjs';
import { storedDocument } from './support/documents.mjs';
import { stand } from './support/ground.mjs';
import { Participant } from './support/native.mjs';
import { peer } from './support/peers.mjs';
import { Typist } from './support/typist.mjs';
import { pause, until } from './support/wait.mjs';

process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; // the certificate is made below
const folder = mkdtempSync(join(tmpdir(), 'vibesync-front-'));
after(() => rmSync(folder, { recursive: true, force: true }));
mkdirSync(join(folder, 'web'));
writeFileSync(join(folder, 'web', 'index.html'), '<title>vibesync</title>');
const [certificate, key, both] = ['fullchain.pem', 'privkey.pem', 'both.pem'].map((name) => join(folder, name));
execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=vibesync.example', '-keyout', key, '-out', certificate],
    { stdio: 'ignore' });
writeFileSync(both, readFileSync(certificate, 'utf8') + readFileSync(key, 'utf8'));

const ground = await stand({ 'ping-ms': 300, 'web-root': join(folder, 'web'), 'trusted-proxies': '127.0.0.1' });

// The file of docs/proxies with this machine's ports and folders, and with 2 s in place of 75: {port, stop}
async function front(name) {
    const port = await freePort();
    const { program, environment } = peer(name);
    let text = readFileSync(resolve(import.meta.dirname, `../../docs/proxies/${{ nginx: 'nginx.conf', haproxy: 'haproxy.cfg' }[name]}`), 'utf8');
    for (const [there, here] of [[/127\.0\.0\.1:8440/g, `127.0.0.1:${ground.server.port}`], [/75s/g, '2s'], ...(name === 'haproxy' ? [[/maxconn 20000/, 'maxconn 1000']] : []),
        [/\/etc\/ssl\/vibesync/g, folder], [/listen 443|bind :443/g, (words) => words.replace(/:?443/, `127.0.0.1:${port}`)]]) {
        assert.match(text, there);
        text = text.replace(there, here);
    }
    if (name === 'nginx') {
        const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((of) => `${of}_temp_path ${folder}/${of};`).join(' ');
        text = `daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr; events {} http { access_log off; ${temporary}\n${text}}\n`;
    }
    const file = join(folder, name);
    writeFileSync(file, text);
    const words = { nginx: ['-p', folder, '-e', 'stderr', '-c', file], haproxy: ['-db', '-f', file] }[name];
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...words], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment } });
    after(() => child.kill('SIGKILL'));
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += data));
    await until(`${name} serves`, async () => {
        if (child.exitCode !== null) throw new Error(said);
        return (await fetch(`https://127.0.0.1:${port}/healthz`)).status === 200;
    });
    return { url: `https://127.0.0.1:${port}`, port };
}

// What the server answers to somebody who comes to the proxy from another address and claims to be a third one.
const from = (port, localAddress, headers = {}) => new Promise((done, failed) => {
    request({ host: '127.0.0.1', port, path: '/healthz', localAddress, headers, agent: false }, (answer) => {
        answer.resume().once('end', () => done(answer));
    }).once('error', failed).end();
});

for (const name of ['nginx', 'haproxy']) {
    test(`${name}: the page, and two people in a session`, async () => {
        const proxy = await front(name);
        const page = await fetch(`${proxy.url}/`);
        assert.equal(page.status, 200);
        assert.match(await page.text(), /<title>vibesync/);

        const owner = await ground.owner();
        const guest = await ground.join(await ground.server.joinByCode(owner.session.code, 'Grace'), undefined, proxy);
        const far = await Participant.join(proxy, owner.session);
        ground.participants.push(far);
        await owner.request('file.create', { path: 'through.md' });
        const [mine, theirs] = [await far.open('through.md'), await guest.open('through.md')];
        mine.insert(0, 'x'.repeat(300_000)); // more than any buffer on the way
        await mine.saved();
        await theirs.sees(mine.text);

        // Longer than the proxy's patience: the server's pings keep the line.
        await pause(3000);
        assert.deepEqual([guest.closeEvent, far.closeEvent], [null, null]);
        theirs.insert(0, 'still here');
        await theirs.saved();
    });

    test(`${name}: a restart of the server behind it`, async () => {
        const proxy = await front(name);
        const person = await Participant.join(proxy, await ground.server.createSession());
        ground.participants.push(person);
        const replica = await person.create('restarted.md');
        const typist = new Typist(person, 1);
        typist.start();
        await until('something is acknowledged', () => replica.everAcked.length > 5);
        const line = person.closed;
        assert.equal(await ground.server.stop(), 0);
        assert.equal((await line).code, 1001);
        await ground.server.start();
        await until('it is back', () => person.closed !== line && typist.isBack);
        await typist.stop();
        await replica.saved();
        assert.equal((await storedDocument(ground.cluster, replica.file)).text, replica.text);
    });

    test(`${name}: the server knows whose request it is, and not what somebody claims`, async () => {
        const proxy = await front(name);
        const answer = await from(proxy.port, '127.0.0.7', { 'x-forwarded-for': '192.0.2.9', forwarded: 'for=192.0.2.9', 'x-request-id': 'mine' });
        assert.equal(answer.statusCode, 200);
        const named = answer.headers['x-request-id'];
        assert.match(named, /^[0-9a-fA-F-]{16,36}$/, 'the proxy names the request, not the client');
        await until('the log says so', () => new RegExp(`http\\.answered request=${named} status=200 peer=127\\.0\\.0\\.7`).test(ground.server.log));
        assert.doesNotMatch(ground.server.log, /192\.0\.2\.9/);
    });
}
