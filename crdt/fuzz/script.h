/* script.h — a document's life as bytes, for fuzzing and for failing allocations.
 *
 *   script = flags, record…          flags: 1 gc
 *   record = size (2 bytes, little-endian; the top two bits are the verb), bytes
 *   verb     0 apply an update   1 insert (2 bytes index, text)   2 delete (2 bytes index, 2 bytes length)   3 diff (state vector)
 *
 * Any bytes are a script. */
#ifndef CRDT_FUZZ_SCRIPT_H
#define CRDT_FUZZ_SCRIPT_H

#include "crdt/crdt.h"

struct script {
    struct bytes_reader reader;
    bool gc;
};

enum script_verb { SCRIPT_APPLY, SCRIPT_INSERT, SCRIPT_DELETE, SCRIPT_DIFF };

struct script_record {
    enum script_verb verb;
    uint64_t index;
    uint64_t length;
    struct bytes bytes;
};

static inline struct script script_of(struct bytes bytes) {
    struct script script = { bytes_reader(bytes), true };
    uint8_t flags;
    if (bytes_read_u8(&script.reader, &flags) == STATUS_OK)
        script.gc = (flags & 1) != 0;
    return script;
}

static inline uint16_t script_read_u16(struct bytes_reader *reader) {
    uint8_t low = 0;
    uint8_t high = 0;
    bytes_read_u8(reader, &low);
    bytes_read_u8(reader, &high);
    return (uint16_t)(low | high << 8);
}

static inline bool script_next(struct script *script, struct script_record *out) {
    if (bytes_left(&script->reader) < 2)
        return false;
    uint16_t head = script_read_u16(&script->reader);
    size_t size = head & 0x3fff;
    if (size > bytes_left(&script->reader))
        size = bytes_left(&script->reader);
    struct bytes bytes = { NULL, 0 };
    bytes_read_view(&script->reader, size, &bytes);
    struct bytes_reader reader = bytes_reader(bytes);
    *out = (struct script_record){ .verb = (enum script_verb)(head >> 14) };
    if (out->verb == SCRIPT_INSERT || out->verb == SCRIPT_DELETE)
        out->index = script_read_u16(&reader);
    if (out->verb == SCRIPT_DELETE)
        out->length = script_read_u16(&reader);
    out->bytes = bytes_of(reader.at, bytes_left(&reader));
    return true;
}

/* Does one record in a transaction of its own. Indices are taken modulo the length. `emitted` may be NULL. */
static inline enum status script_do(const struct script_record *record, struct crdt_doc *doc, struct crdt_type *text,
                                    struct crdt_update_result *result, struct bytes_writer *emitted, enum status *out_commit) {
    struct crdt_txn *txn = crdt_txn_begin(doc);
    enum status status = STATUS_OK;
    uint64_t length = crdt_text_length(text);
    uint64_t index = record->index % (length + 1);
    uint64_t rest = length - index;
    *result = (struct crdt_update_result){ 0 };
    switch (record->verb) {
    case SCRIPT_APPLY:
        status = crdt_update_apply(txn, record->bytes, result);
        break;
    case SCRIPT_INSERT:
        status = crdt_text_insert(txn, text, index, record->bytes);
        break;
    case SCRIPT_DELETE:
        status = crdt_text_delete(txn, text, index, record->length % (rest + 1));
        break;
    case SCRIPT_DIFF:
        break;
    }
    *out_commit = crdt_txn_commit(txn, emitted, NULL);
    return status;
}

#endif
