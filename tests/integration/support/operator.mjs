// operator.mjs — the operator's commands of the build under test: `vibesyncd verify`, `vibesyncd doc …`.
import { spawn } from 'node:child_process';
import { PROGRAM } from './program.mjs';
import { within } from './wait.mjs';

// {status, out (a Buffer), text, err}. `ms`: a verification of ten thousand documents takes its time.
export async function runOperator(cluster, words, { input, role = 'vibesync_owner', url = cluster.url(role), ms = 60_000 } = {}) {
    const child = spawn(PROGRAM, [...words, '--database', url], {
        stdio: ['pipe', 'pipe', 'pipe'],
        env: { ...process.env, UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1', ASAN_OPTIONS: 'detect_leaks=1' },
    });
    const out = [];
    let err = '';
    child.stdin.end(input);
    child.stdout.on('data', (data) => out.push(data));
    child.stderr.on('data', (data) => (err += data));
    const status = await within(`vibesyncd ${words.join(' ')}`, new Promise((done) => child.once('close', (code, signal) => done(code ?? signal))), ms);
    if (/Sanitizer|runtime error:/.test(err)) throw new Error(`a sanitizer spoke:\n${err}`);
    const bytes = Buffer.concat(out);
    return { status, out: bytes, text: bytes.toString(), err };
}
