// traces.mjs — the recorded sessions of tests/data/traces, unpacked; the formats are described in the README there.
import { decompress } from 'fzstd';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const FOLDER = resolve(import.meta.dirname, '../../data/traces');

export const tracePath = (name) => `${FOLDER}/${name}.trace.zst`;
const unpacked = (file) => Buffer.from(decompress(readFileSync(`${FOLDER}/${file}`)));

// The final text.
export const traceText = (name) => unpacked(`${name}.txt.zst`).toString('utf8');

// {agents, updates: [{agent, update}]}: what Yjs sent for each edit.
export function traceUpdates(name) {
    const bytes = unpacked(`${name}.ylog.zst`);
    if (bytes.toString('latin1', 0, 4) !== 'YLOG' || bytes.readUInt32LE(4) !== 1) throw new Error(`${name}: no update log`);
    const count = bytes.readUInt32LE(8), agents = bytes.readUInt32LE(12), updates = [];
    for (let i = 0, at = 16; i < count; i++) {
        const agent = bytes.readUInt32LE(at), size = bytes.readUInt32LE(at + 4);
        updates.push({ agent, update: bytes.subarray(at + 8, at + 8 + size) });
        at += 8 + size;
    }
    return { agents, updates };
}

// {position, deleted, inserted}…: the edits of a session by one person.
export function* tracePatches(name) {
    const bytes = unpacked(`${name}.trace.zst`);
    if (bytes.toString('latin1', 0, 4) !== 'TRSQ' || bytes.readUInt32LE(4) !== 1) throw new Error(`${name}: no sequential trace`);
    for (let at = 12; at < bytes.length; ) {
        const [position, deleted, size] = [0, 4, 8].map((offset) => bytes.readUInt32LE(at + offset));
        yield { position, deleted, inserted: bytes.toString('utf8', at + 12, at + 12 + size) };
        at += 12 + size;
    }
}
