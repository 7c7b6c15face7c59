// documents.mjs — what PostgreSQL holds of a document, read without the server: the checkpoint and the journal behind it, applied by
// real Yjs. The bytes of a journal row are described in storage/include/store/documents.h.
import { decompress } from 'fzstd';
import { createDecoder, readUint8, readUint8Array, readVarUint, readVarUint8Array, hasContent } from 'lib0/decoding';
import * as Y from 'yjs';

// The entries of one row, in order: {author, relayed, at, origin, update}
export function journalEntries(row) {
    const decoder = createDecoder(new Uint8Array(row));
    if (readUint8(decoder) !== 1) throw new Error('a journal row of an unknown version');
    readUint8Array(decoder, 8); // its check sum; the server verifies it
    const entries = [];
    while (hasContent(decoder)) {
        const author = Buffer.from(readUint8Array(decoder, 16)).toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
        const relayed = (readUint8(decoder) & 1) !== 0;
        entries.push({ author, relayed, at: readVarUint(decoder), origin: readVarUint(decoder), update: readVarUint8Array(decoder) });
    }
    return entries;
}

export const journalUpdates = (row) => journalEntries(row).map(({ update }) => update);

// Every entry that the database holds of a file's present epoch: the history's, then the journal's.
export async function storedUpdates(cluster, file) {
    const chunks = await cluster.rows(
        'select h.updates from crdt_history h join files f on f.id = h.file_id and f.epoch = h.epoch where f.id = $1 order by chunk', [file]);
    const rows = await cluster.rows(
        'select j.updates from crdt_journal j join files f on f.id = j.file_id and f.epoch = j.epoch where f.id = $1 order by writer, writer_seq', [file]);
    return [...chunks.flatMap(({ updates }) => historyRows(updates)), ...rows.map(({ updates }) => updates)].flatMap(journalEntries);
}

// The journal rows in a chunk of the history: zstd of rows, each behind its size.
function historyRows(chunk) {
    const raw = Buffer.from(decompress(chunk));
    const rows = [];
    for (let at = 0; at < raw.length; at += 4 + raw.readUInt32BE(at)) rows.push(raw.subarray(at + 4, at + 4 + raw.readUInt32BE(at)));
    return rows;
}

// {ydoc, text, state (of the checkpoint, or null), journalRows}
export async function storedDocument(cluster, file) {
    // One statement, one snapshot: a checkpoint moves rows from the journal into the state.
    const rows = await cluster.rows(
        'select 0 as part, c.state as bytes, f.root_name as root, null::uuid as writer, 0::bigint as seq ' +
        'from files f left join crdt_checkpoints c on c.file_id = f.id and c.epoch = f.epoch where f.id = $1 ' +
        'union all select 1, j.updates, null, j.writer, j.writer_seq ' +
        'from files f join crdt_journal j on j.file_id = f.id and j.epoch = f.epoch where f.id = $1 order by part, writer, seq', [file]);
    const [{ bytes: state, root }, ...journal] = rows;
    const ydoc = new Y.Doc();
    if (state) Y.applyUpdate(ydoc, new Uint8Array(state));
    for (const row of journal) for (const update of journalUpdates(row.bytes)) Y.applyUpdate(ydoc, update);
    return { ydoc, text: ydoc.getText(root).toString(), state, journalRows: journal.length };
}

// Whether the document holds everything in the update already.
export function holds(ydoc, update) {
    let isNew = false;
    const note = () => (isNew = true);
    ydoc.on('update', note);
    Y.applyUpdate(ydoc, update);
    ydoc.off('update', note);
    return !isNew && ydoc.store.pendingStructs === null && ydoc.store.pendingDs === null;
}

// The newest version's content as bytes.
export async function newestVersion(cluster, file) {
    const row = await cluster.row('select * from file_versions where file_id = $1 order by version_number desc limit 1', [file]);
    if (!row) return undefined;
    return { ...row, bytes: row.content_bytes ?? Buffer.from(row.content, 'utf8') };
}
