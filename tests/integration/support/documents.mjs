// documents.mjs — what PostgreSQL holds of a document, read without the server: the checkpoint and the journal behind it, applied by
// real Yjs. The bytes of a journal row are described in storage/include/store/documents.h.
import { createDecoder, readUint8, readUint8Array, readVarUint, readVarUint8Array, hasContent } from 'lib0/decoding';
import * as Y from 'yjs';

// The updates of one row, in order.
export function journalUpdates(row) {
    const decoder = createDecoder(new Uint8Array(row));
    if (readUint8(decoder) !== 1) throw new Error('a journal row of an unknown version');
    readUint8Array(decoder, 8); // its check sum; the server verifies it
    const updates = [];
    while (hasContent(decoder)) {
        readUint8Array(decoder, 16); // author
        readUint8(decoder); // flags
        readVarUint(decoder); // time
        readVarUint(decoder); // connection
        updates.push(readVarUint8Array(decoder));
    }
    return updates;
}

// {ydoc, text, checkpoint (row or undefined), journal (rows)}
export async function storedDocument(cluster, file) {
    const checkpoint = await cluster.row(
        'select c.* from crdt_checkpoints c join files f on f.id = c.file_id and f.epoch = c.epoch where f.id = $1', [file]);
    const journal = await cluster.rows(
        'select j.* from crdt_journal j join files f on f.id = j.file_id and f.epoch = j.epoch where f.id = $1 ' +
        'order by writer, writer_seq', [file]);
    const { root_name: root } = await cluster.row('select root_name from files where id = $1', [file]);
    const ydoc = new Y.Doc();
    if (checkpoint) Y.applyUpdate(ydoc, new Uint8Array(checkpoint.state));
    for (const row of journal) for (const update of journalUpdates(row.updates)) Y.applyUpdate(ydoc, update);
    return { ydoc, text: ydoc.getText(root).toString(), checkpoint, journal };
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
