// config.test.mjs — settings from flags, environment and file; `vibesyncd config`; what SIGHUP changes, and what it doesn't.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { stand } from './support/ground.mjs';
import { PROGRAM } from './support/program.mjs';
import { pause, until } from './support/wait.mjs';

const ground = await stand();
const file = join(ground.cluster.folder, 'vibesyncd.conf');
const pages = join(ground.cluster.folder, 'pages');
mkdirSync(pages);
writeFileSync(join(pages, 'index.html'), 'a page\n');

const write = (text) => writeFileSync(file, text);
const run = (words, environment = {}) => {
    const { status, stdout, stderr } = spawnSync(PROGRAM, ['config', ...words], { encoding: 'utf8', env: { ...process.env, ...environment } });
    return { status, stdout, stderr };
};

// SIGHUP, and the lines that the log got by it.
async function reload() {
    const before = ground.server.log.length;
    ground.server.child.kill('SIGHUP');
    await until('the settings were read again', () => /config\.(reloaded|not_reloaded)/.test(ground.server.log.slice(before)));
    return ground.server.log.slice(before).split('\n').filter((line) => line.includes(' config.'))
        .map((line) => line.replace(/^\S+ /, ''));
}

// A server whose settings come from the file.
async function restart(text, settings = {}) {
    write(text);
    await ground.server.stop();
    await ground.server.start({ loops: 2, config: file, 'log-level': null, ...settings });
}

test('config check tells every mistake with its place, and config show who said what', () => {
    write('# ours\nlog-level = loud\npingms = 3\n');
    const bad = run(['check', '--config', file, '--loops', 'many', '--admin-token-file', '/nowhere/token'],
        { VIBESYNC_DRAIN_MS: 'soon' });
    assert.deepEqual(bad.stderr.split('\n'), [
        `vibesyncd: ${file}:2: log-level takes debug, info, warn or error, not "loud"`,
        `vibesyncd: ${file}:3: there is no setting "pingms"; did you mean "ping-ms"?`,
        'vibesyncd: VIBESYNC_DRAIN_MS takes a whole number of ms from 100 to 3600000, not "soon"',
        'vibesyncd: --loops takes a whole number of threads from 0 to 64, not "many"',
        'vibesyncd: serve needs --database URL, the URL of the server\'s own role',
        'vibesyncd: --admin-token-file: /nowhere/token: No such file or directory',
        '',
    ]);
    assert.equal(bad.status, 1);

    write('log-level = warn\n');
    const good = run(['check', '--config', file, '--database', 'postgresql://x@y/z']);
    assert.deepEqual(good, { status: 0, stdout: 'the settings are good\n', stderr: '' });

    const shown = run(['show', '--loops=3'], { VIBESYNC_CONFIG: file, VIBESYNC_DATABASE: 'postgresql://x:secret@y/z' });
    assert.equal(shown.status, 0);
    const origin = (name) => shown.stdout.split('\n').find((line) => line.startsWith(`${name} `)).split(/\s+/).slice(1);
    assert.deepEqual(origin('log-level'), ['warn', `${file}:1`]);
    assert.deepEqual(origin('database'), ['postgresql://x:***@y/z', 'VIBESYNC_DATABASE']);
    assert.deepEqual(origin('loops'), ['3', '--loops']);
    assert.deepEqual(origin('ping-ms'), ['20000', 'default']);
    assert.equal(run(['show', '--config', '/nowhere']).status, 1);
    assert.equal(run(['frobnicate']).status, 2);
});

test('SIGHUP changes what may change on every loop, at once and with a line for each', async () => {
    await restart('log-level = info\n');
    assert.equal((await ground.server.get('/')).status, 404);
    assert.doesNotMatch(ground.server.log, / debug /);

    write(`log-level = debug\nweb-root = ${pages}\n`);
    assert.deepEqual(await reload(), [
        'info config.changed name=log-level from="info" to="debug"',
        `info config.changed name=web-root from="" to="${pages}"`,
        'info config.reloaded changes=2',
    ]);
    // Each new connection may come to either loop.
    await until('both loops have it', async () => {
        const answers = await Promise.all(Array.from({ length: 8 }, () => ground.server.get('/')));
        return answers.every(({ status }) => status === 200);
    });
    await until('the log says more', () => / debug http\.answered/.test(ground.server.log));

    write('log-format = json\n');
    await reload();
    await until('the pages are gone', async () => (await ground.server.get('/')).status === 404);
    assert.deepEqual(await reload(), []); // of text lines
    assert.match(ground.server.log, /\{"time":"[^"]+","level":"info","event":"config\.reloaded","changes":0\}/);
});

test('a changed limit reaches who is there already', async () => {
    await restart('files-max = 2\n');
    const owner = await ground.owner();
    await owner.create('one.md');
    await owner.create('two.md');
    await assert.rejects(owner.create('three.md'), { code: 'limit' });
    write('files-max = 3\n');
    await reload();
    await until('there is room', () => owner.create('three.md').catch(() => false));
    await assert.rejects(owner.create('four.md'), { code: 'limit' });
});

test('what needs a restart is said and stays; what a flag says, the file does not change', async () => {
    await restart('connections-max = 100\n', { 'lag-max-ms': 600_000 });
    write('connections-max = 1\nlisten = 127.0.0.1:1\nadmin-token-file = /nowhere\nlag-max-ms = 1\n');
    assert.deepEqual(await reload(), [
        'warn config.needs_restart name=connections-max running="100" configured="1"',
        'info config.reloaded changes=0',
    ]);
    const { owner, guest } = await ground.pair();
    assert.ok(owner.joined && guest.joined);
    assert.equal((await reload()).length, 2); // again, as long as it is so
});

test('a file with a mistake changes nothing and says why', async () => {
    await restart('log-level = info\n');
    write(`web-root = ${pages}\nlog-level = warn\nping-ms = never\nfoo = bar\n`);
    assert.deepEqual(await reload(), [
        `error config.rejected error="${file}:3: ping-ms takes a whole number of ms from 100 to 600000, not "never""`,
        `error config.rejected error="${file}:4: there is no setting "foo"; --help lists them"`,
        'error config.not_reloaded errors=2 hint="nothing has changed"',
    ]);
    assert.equal((await ground.server.get('/')).status, 404);
    write(`web-root = ${pages}\n`);
    await reload();
    await until('what is right is taken', async () => (await ground.server.get('/')).status === 200);
});

test('SIGHUP under people who type loses nothing', async () => {
    await restart('log-level = info\n');
    const { owner, guest } = await ground.pair();
    const mine = await owner.create('a.md');
    const theirs = await guest.open('a.md');
    for (let i = 0; i < 40; i++) {
        write(`log-level = info\noutbox-soft-bytes = ${100_000 + i}\n`);
        ground.server.child.kill('SIGHUP');
        mine.insert(0, `${i} `);
        theirs.insert(0, `${i} `);
        await pause(5);
    }
    await mine.saved();
    await theirs.saved();
    await until('they see the same', () => mine.text === theirs.text && mine.text.split(' ').length === 81);
});

test('a server does not start with a mistake in its file', () => {
    write('listen = 127.0.0.1:0\nweb_root = /\n');
    const { status, stderr } = spawnSync(PROGRAM, ['serve', '--config', file, '--database', ground.server.databaseUrl], { encoding: 'utf8' });
    assert.equal(status, 2);
    assert.equal(stderr, `vibesyncd: ${file}:2: there is no setting "web_root"; did you mean "web-root"?\n`);
});
