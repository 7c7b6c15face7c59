/* script.h — a document's life as bytes, for fuzzing and for failing allocations.
 *
 *   script = flags, record…          flags: 1 gc, 2 a bound on conflict steps
 *   record = size (2 bytes, little-endian; the top two bits are the verb), bytes
 *   verb     0 apply an update   1 insert text (2 bytes index, text)   2 delete text (2 bytes index, 2 bytes length)
 *            3 more: 1 byte which (enum script_more), then
 *              an edit      type, index, length (1 byte each), attributes, value
 *              a question   type, index, then what is asked
 *              undo, redo   nothing
 *   attributes = value           each member of it that is an object, else one under the name "b"
 *   value  = kind, and what it needs; see script_value
 *
 * Any bytes are a script. Types are picked among all that there are, whatever they are used as, deleted ones included; indices are
 * taken modulo the length. */
#ifndef CRDT_FUZZ_SCRIPT_H
#define CRDT_FUZZ_SCRIPT_H

#include "crdt/crdt.h"
#include "ground/utf.h"
#include "src/store.h"

struct script {
    struct bytes_reader reader;
    bool gc;
    bool bounded;
};

enum script_verb { SCRIPT_APPLY, SCRIPT_INSERT, SCRIPT_DELETE, SCRIPT_MORE };

enum script_more {
    SCRIPT_DIFF, /* state vector */
    SCRIPT_APPLY_V2,
    SCRIPT_POSITION,
    SCRIPT_SNAPSHOT,
    SCRIPT_READ,
    SCRIPT_UPDATES,
    SCRIPT_EDITS, /* from here on */
    SCRIPT_LIST_INSERT = SCRIPT_EDITS,
    SCRIPT_LIST_INSERT_TYPE,
    SCRIPT_LIST_DELETE,
    SCRIPT_MAP_SET,
    SCRIPT_MAP_SET_TYPE,
    SCRIPT_MAP_DELETE,
    SCRIPT_MAP_CLEAR,
    SCRIPT_TEXT_INSERT,
    SCRIPT_TEXT_EMBED,
    SCRIPT_TEXT_TYPE,
    SCRIPT_TEXT_FORMAT,
    SCRIPT_TEXT_DELETE,
    SCRIPT_TEXT_DELTA,
    SCRIPT_UNDO,
    SCRIPT_REDO,
    SCRIPT_MORE_COUNT
};

struct script_record {
    enum script_verb verb;
    enum script_more more;
    uint64_t index;
    uint64_t length;
    struct bytes bytes;
};

static inline struct script script_of(struct bytes bytes) {
    struct script script = { bytes_reader(bytes), true, false };
    uint8_t flags;
    if (bytes_read_u8(&script.reader, &flags) == STATUS_OK) {
        script.gc = (flags & 1) != 0;
        script.bounded = (flags & 2) != 0;
    }
    return script;
}

static inline uint8_t script_read_u8(struct bytes_reader *reader) {
    uint8_t value = 0;
    bytes_read_u8(reader, &value);
    return value;
}

static inline uint16_t script_read_u16(struct bytes_reader *reader) {
    uint8_t low = script_read_u8(reader);
    return (uint16_t)(low | script_read_u8(reader) << 8);
}

static inline struct bytes script_read_bytes(struct bytes_reader *reader, size_t size) {
    struct bytes bytes = { NULL, 0 };
    bytes_read_view(reader, size < bytes_left(reader) ? size : bytes_left(reader), &bytes);
    return bytes;
}

static inline bool script_next(struct script *script, struct script_record *out) {
    if (bytes_left(&script->reader) < 2)
        return false;
    uint16_t head = script_read_u16(&script->reader);
    struct bytes bytes = script_read_bytes(&script->reader, head & 0x3fff);
    struct bytes_reader reader = bytes_reader(bytes);
    *out = (struct script_record){ .verb = (enum script_verb)(head >> 14) };
    if (out->verb == SCRIPT_INSERT || out->verb == SCRIPT_DELETE)
        out->index = script_read_u16(&reader);
    if (out->verb == SCRIPT_DELETE)
        out->length = script_read_u16(&reader);
    if (out->verb == SCRIPT_MORE)
        out->more = (enum script_more)(script_read_u8(&reader) % SCRIPT_MORE_COUNT);
    out->bytes = bytes_of(reader.at, bytes_left(&reader));
    return true;
}

/* Values stand here while a record is done. */
enum { SCRIPT_VALUES_MAX = 32, SCRIPT_ITEMS_MAX = 3, SCRIPT_TEXT_MAX = 12 };
struct script_values {
    struct crdt_value items[SCRIPT_VALUES_MAX];
    struct crdt_member members[SCRIPT_VALUES_MAX];
    size_t item_count;
    size_t member_count;
};

static inline struct crdt_value script_value(struct bytes_reader *reader, struct script_values *values) {
    uint8_t head = script_read_u8(reader);
    struct crdt_value value = { .kind = (enum crdt_value_kind)(head % (CRDT_TYPE + 1)) };
    size_t count = head / 16 % (SCRIPT_ITEMS_MAX + 1);
    switch (value.kind) {
    case CRDT_BOOL:
        value.boolean = head > 127;
        break;
    case CRDT_NUMBER:
        value.number = (double)script_read_u16(reader) / 8 - 4096;
        break;
    case CRDT_BIGINT:
        value.bigint = (int64_t)script_read_u16(reader) - 32768;
        break;
    case CRDT_STRING:
    case CRDT_BYTES:
        value.bytes = script_read_bytes(reader, head / 16 % SCRIPT_TEXT_MAX);
        break;
    case CRDT_ARRAY:
        if (values->item_count + count > SCRIPT_VALUES_MAX)
            count = 0;
        value.array = (struct crdt_array_value){ values->items + values->item_count, count };
        values->item_count += count;
        for (size_t i = 0; i < count; i++) {
            struct crdt_value *item = values->items + (value.array.items - values->items) + i;
            *item = script_value(reader, values);
        }
        break;
    case CRDT_OBJECT:
        if (values->member_count + count > SCRIPT_VALUES_MAX)
            count = 0;
        value.object = (struct crdt_object_value){ values->members + values->member_count, count };
        values->member_count += count;
        for (size_t i = 0; i < count; i++) {
            struct crdt_member *member = values->members + (value.object.members - values->members) + i;
            member->key = script_read_bytes(reader, 1);
            member->value = script_value(reader, values);
        }
        break;
    case CRDT_SUBDOC:
        value.subdoc.guid = script_read_bytes(reader, 2);
        value.subdoc.options = NULL;
        break;
    default:
        break;
    }
    return value;
}

static inline struct crdt_object_value script_attributes(struct bytes_reader *reader, struct script_values *values,
                                                         struct crdt_member *single) {
    *single = (struct crdt_member){ bytes_text("b"), script_value(reader, values) };
    return single->value.kind == CRDT_OBJECT ? single->value.object : (struct crdt_object_value){ single, 1 };
}

/* The types that a record may name. */
static inline struct crdt_type *script_type(const struct crdt_doc *doc, struct crdt_type *otherwise, uint8_t number) {
    for (uint32_t i = 0; i < doc->types.count; i++) {
        struct crdt_type *type = doc->types.all[(number + i) % doc->types.count];
        if (type != NULL)
            return type;
    }
    return otherwise;
}

static inline enum status script_edit(const struct script_record *record, struct crdt_txn *txn, struct crdt_type *text) {
    struct bytes_reader reader = bytes_reader(record->bytes);
    struct script_values values = { .item_count = 0 };
    struct crdt_type *type = script_type(txn->doc, text, script_read_u8(&reader));
    uint64_t length = crdt_type_length(type);
    uint64_t index = script_read_u8(&reader) % (length + 1);
    uint8_t wanted = script_read_u8(&reader);
    uint64_t covered = wanted % (length - index + 1);
    struct crdt_member single;
    struct crdt_object_value attributes = script_attributes(&reader, &values, &single);
    struct crdt_value value = script_value(&reader, &values);
    struct bytes rest = bytes_of(reader.at, bytes_left(&reader));
    enum crdt_type_kind kind = (enum crdt_type_kind)(wanted % (CRDT_TYPE_XML_TEXT + 1));
    struct crdt_type *made;
    switch (record->more) {
    case SCRIPT_LIST_INSERT:
        return value.kind == CRDT_ARRAY ? crdt_array_insert(txn, type, index, value.array.items, value.array.count)
                                        : crdt_array_insert(txn, type, index, &value, 1);
    case SCRIPT_LIST_INSERT_TYPE:
        return crdt_array_insert_type(txn, type, index, kind, rest, &made);
    case SCRIPT_LIST_DELETE:
        return crdt_array_delete(txn, type, index, covered);
    case SCRIPT_MAP_SET:
        return crdt_map_set(txn, type, rest, &value);
    case SCRIPT_MAP_SET_TYPE:
        return crdt_map_set_type(txn, type, rest, kind, bytes_text("n"), &made);
    case SCRIPT_MAP_DELETE:
        return crdt_map_delete(txn, type, rest);
    case SCRIPT_MAP_CLEAR:
        return crdt_map_clear(txn, type);
    case SCRIPT_TEXT_INSERT:
        return crdt_text_insert_formatted(txn, type, index, rest, wanted < 128 ? &attributes : NULL);
    case SCRIPT_TEXT_EMBED:
        return crdt_text_insert_embed(txn, type, index, &value, wanted < 128 ? &attributes : NULL);
    case SCRIPT_TEXT_TYPE:
        return crdt_text_insert_type(txn, type, index, kind, rest, wanted < 128 ? &attributes : NULL, &made);
    case SCRIPT_TEXT_FORMAT:
        return crdt_text_format(txn, type, index, wanted % 64, &attributes);
    case SCRIPT_TEXT_DELETE:
        return crdt_text_delete(txn, type, index, covered);
    default: {
        struct crdt_delta_step steps[] = {
            { .kind = CRDT_RETAIN, .length = index, .attributes = wanted < 128 ? attributes : (struct crdt_object_value){ 0 } },
            { .kind = CRDT_INSERT, .insert = crdt_string(rest), .attributes = attributes },
            { .kind = CRDT_DELETE, .length = wanted % 8 },
            { .kind = CRDT_INSERT, .insert = value },
        };
        return crdt_text_apply_delta(txn, type, steps, sizeof steps / sizeof *steps);
    }
    }
}

/* All that can be read of a type. STATUS_TOO_BIG and STATUS_MALFORMED do not count: hostile content may nest deep. */
static inline enum status script_read(const struct crdt_doc *doc, const struct crdt_type *type, struct arena *arena,
                                      struct bytes_writer *out) {
    enum status statuses[6] = { STATUS_OK };
    struct crdt_value value;
    struct crdt_delta delta;
    struct crdt_object_value entries;
    statuses[0] = crdt_type_json(doc, type, CRDT_TYPE_MAP, arena, &value);
    statuses[1] = crdt_type_json(doc, type, CRDT_TYPE_ARRAY, arena, &value);
    statuses[2] = crdt_text_delta(doc, type, arena, &delta);
    statuses[3] = crdt_map_entries(doc, type, arena, &entries);
    statuses[4] = crdt_xml_write(doc, type, CRDT_TYPE_XML_ELEMENT, out);
    out->status = STATUS_OK;
    statuses[5] = crdt_snapshot_encode(doc, CRDT_V1, out);
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (statuses[i] == STATUS_NO_MEMORY)
            return STATUS_NO_MEMORY;
    return STATUS_OK;
}

/* What changes nothing: answers are thrown away. */
static inline enum status script_ask(const struct script_record *record, struct crdt_doc *doc, struct crdt_type *text) {
    struct bytes_reader reader = bytes_reader(record->bytes);
    const struct mem *mem = doc->options.mem;
    struct bytes_writer out;
    struct arena arena;
    enum status status;
    struct crdt_position position;
    bytes_writer_init(&out, mem, SIZE_MAX);
    arena_init(&arena, mem, 1 << 24);
    if (record->more == SCRIPT_DIFF) {
        status = crdt_update_encode_diff(doc, record->bytes, &out);
    } else if (record->more == SCRIPT_UPDATES) {
        struct bytes half = script_read_bytes(&reader, script_read_u16(&reader));
        struct bytes both[] = { half, bytes_of(reader.at, bytes_left(&reader)) };
        status = crdt_updates_merge(CRDT_V1, both, 2, &out);
    } else {
        const struct crdt_type *type = script_type(doc, text, script_read_u8(&reader));
        uint64_t index = script_read_u8(&reader) % (crdt_type_length(type) + 1);
        struct bytes rest = bytes_of(reader.at, bytes_left(&reader));
        if (record->more == SCRIPT_POSITION) {
            status = crdt_position_encode(doc, type, index, rest.size > 4 ? -1 : 0, &out);
            if (status == STATUS_OK)
                status = crdt_position_resolve(doc, bytes_written(&out), &position);
            if (status != STATUS_NO_MEMORY)
                status = crdt_position_resolve(doc, rest, &position);
        } else if (record->more == SCRIPT_SNAPSHOT) {
            status = crdt_snapshot_restore(doc, CRDT_V1, rest, &out);
            if (status != STATUS_NO_MEMORY)
                status = crdt_text_write_at(doc, type, CRDT_V1, rest, &out);
        } else {
            status = script_read(doc, type, &arena, &out);
        }
    }
    arena_finish(&arena);
    bytes_writer_finish(&out);
    return status;
}

/* One who asks for all events and needs none. */
static inline void script_on_change(struct crdt_observer *self, struct crdt_txn *txn) {
    (void)self;
    struct arena arena;
    struct crdt_events events;
    arena_init(&arena, txn->doc->options.mem, SIZE_MAX);
    crdt_txn_events(txn, NULL, &arena, &events);
    arena_finish(&arena);
}

/* Does one record in a transaction of its own. `undo` and `emitted` may be NULL. */
static inline enum status script_do(const struct script_record *record, struct crdt_doc *doc, struct crdt_type *text,
                                    struct crdt_undo *undo, struct crdt_update_result *result, struct bytes_writer *emitted,
                                    enum status *out_commit) {
    if (record->verb == SCRIPT_MORE && record->more >= SCRIPT_UNDO) {
        bool done = false;
        enum status taken = STATUS_OK;
        *result = (struct crdt_update_result){ 0 };
        if (undo != NULL)
            taken = record->more == SCRIPT_UNDO ? crdt_undo(undo, emitted, &done) : crdt_redo(undo, emitted, &done);
        *out_commit = done ? taken : STATUS_OK;
        return done ? STATUS_OK : taken;
    }
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
    case SCRIPT_MORE:
        if (record->more == SCRIPT_APPLY_V2)
            status = crdt_update_apply_v2(txn, record->bytes, result);
        else if (record->more >= SCRIPT_EDITS)
            status = script_edit(record, txn, text);
        else
            status = script_ask(record, doc, text);
        break;
    }
    *out_commit = crdt_txn_commit(txn, emitted, NULL);
    return status;
}

#endif
