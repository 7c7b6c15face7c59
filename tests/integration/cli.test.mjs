// cli.test.mjs — the program `vibesync`, verb by verb, as its manual page says; how it refuses, and with which exit status.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CliWatcher, runCli } from './support/cli.mjs';
import { stand } from './support/ground.mjs';
import { tracePath } from './support/traces.mjs';

const ground = await stand();
const nobody = {};

// Runs a verb that must succeed; what it printed.
async function done(session, words, input = null) {
    const { status, out, err } = await runCli(ground.server, session, words, 60_000, input);
    assert.equal(status, 0, `${words.join(' ')}: ${err}`);
    return out;
}

async function create(...more) {
    return JSON.parse(await done(nobody, ['session', 'create', '--name', 'Räume', '--admin-token-file', ground.server.tokenFile, '--json', ...more]));
}

test('a session is created and joined; each prints what the next needs', async () => {
    const made = await create();
    assert.match(made.session, /^[0-9a-f-]{36}$/);
    assert.match(made.code, /^[0-9A-HJKMNP-TV-Z]{8}$/);
    assert.equal(made.url, `${ground.server.url}/v1/sessions/${made.session}#token=${made.token}`);

    const joined = JSON.parse(await done(nobody, ['join', made.code.toLowerCase(), '--name', 'Grace', '--json']));
    assert.equal(joined.session, made.session);
    assert.equal(joined.role, 'participant');
    const byLink = JSON.parse(await done(nobody, ['join', `${ground.server.url}/#code=${made.code}`, '--name', 'Edsger', '--json']));
    assert.equal(byLink.session, made.session);
    assert.notEqual(byLink.user, joined.user);

    const words = await done(nobody, ['session', 'create', '--name', 'plain', '--admin-token-file', ground.server.tokenFile]);
    for (const what of ['session', 'code', 'token', 'url']) assert.match(words, new RegExp(`^${what} `, 'm'));
    await done(nobody, ['file', 'create', 'by-url.txt', '--url', joined.url]);
    assert.match(await done(made, ['file', 'list']), /by-url\.txt/);
});

test('files are created, listed, renamed and deleted', async () => {
    const made = await create();
    await done(made, ['file', 'create', 'src/main.c']);
    await done(made, ['file', 'create', 'README.md']);
    const paths = async () => (await done(made, ['file', 'list'])).trim().split('\n').filter(Boolean).map((line) => line.split(/\s+/).at(-1));
    assert.deepEqual(await paths(), ['README.md', 'src/main.c']);
    await done(made, ['file', 'rename', 'src/main.c', 'src/app.c']);
    await done(made, ['file', 'delete', 'README.md']);
    assert.deepEqual(await paths(), ['src/app.c']);
});

test('what one types another watches, and cat prints it', async () => {
    const made = await create();
    const grace = JSON.parse(await done(nobody, ['join', made.code, '--name', 'Grace', '--json']));
    await done(made, ['file', 'create', 'notes.txt']);
    const watcher = new CliWatcher(ground.server, grace, 'notes.txt');
    const text = 'first line\n한글, 👩‍👩‍👧 and a tab\t\nno end';

    await done(made, ['type', 'notes.txt'], text);

    await watcher.sees(text);
    assert.equal(await watcher.stop(), 0, watcher.err);
    const late = new CliWatcher(ground.server, grace, 'notes.txt'); // what is there already is its first change
    await late.sees(text);
    assert.equal(await late.stop(), 0, late.err);
    assert.equal(await done(grace, ['cat', 'notes.txt']), text);
    await done(grace, ['type', 'new.txt', '--create'], 'made by typing\n');
    assert.equal(await done(made, ['cat', 'new.txt']), 'made by typing\n');
});

test('chat is said and read, and the feed tells what happened', async () => {
    const made = await create();
    const grace = JSON.parse(await done(nobody, ['join', made.code, '--name', 'Grace', '--json']));
    await done(made, ['chat', 'Shall we begin?']);
    await done(grace, ['chat', 'Grüße 👋']);

    const said = await done(made, ['chat', '--once']);

    assert.match(said, /Owner: Shall we begin\?\n.*Grace: Grüße 👋\n/);
    assert.match(await done(made, ['activity']), /Grace +message_sent/);
});

test('a replay says how it went, and that it came out wrong', async () => {
    const made = await create();
    const trace = tracePath('friendsforever');
    const good = await runCli(ground.server, made, ['replay', trace, '--clients', '3', '--verify', trace.replace('.trace.', '.txt.')], 240_000);
    assert.equal(good.status, 0, good.err);
    assert.match(good.err + good.out, /26078 edits by 3 clients.*clients equal; newcomer equal/s);

    const bad = await runCli(ground.server, made, ['replay', trace, '--clients', '2', '--verify', tracePath('automerge-paper').replace('.trace.', '.txt.')], 240_000);
    assert.equal(bad.status, 5, bad.err);
});

test('refusals are a sentence and a status: 1 refused, 2 usage, 3 no server, 4 no right', async () => {
    const made = await create();
    await done(made, ['file', 'create', 'taken.txt']);
    const nowhere = { url: 'http://127.0.0.1:1' };
    const cases = [
        [1, ground.server, made, ['cat', 'nope.txt'], /no such file/i],
        [1, ground.server, nobody, ['join', '00000000', '--name', 'x'], /No open session/],
        [1, ground.server, made, ['file', 'create', 'taken.txt'], /taken|exists/i],
        [2, ground.server, made, ['replay', '/nonexistent'], /No such file/],
        [2, ground.server, made, ['file', 'create', '../up'], /\.\./],
        [2, ground.server, made, ['cat'], /PATH|usage/i],
        [2, ground.server, made, ['dance'], /dance/],
        [2, ground.server, made, ['cat', 'x', '--nonsense'], /nonsense/],
        [2, ground.server, nobody, ['file', 'list'], /session/i],
        [3, nowhere, made, ['cat', 'x'], /vibesyncd|connection/],
        [4, ground.server, { ...made, token: 'A'.repeat(43) }, ['cat', 'x'], /credential|token/i],
        [4, ground.server, nobody, ['session', 'create', '--name', 'x', '--token', 'A'.repeat(43)], /token|credential/i],
    ];
    for (const [status, server, session, words, sentence] of cases) {
        const answer = await runCli(server, session, words);
        assert.equal(answer.status, status, `${words.join(' ')}: ${answer.err}`);
        assert.match(answer.err, sentence, words.join(' '));
        assert.equal(answer.out, '', words.join(' '));
    }
});
