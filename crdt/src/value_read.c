/* value_read.c — see value_read.h. Recursion is as deep as ANY_DEPTH_MAX, which was checked: about 100 KB of stack. */
#include "value_read.h"

#include "any.h"
#include "any_json.h"

static enum status value_copy(struct arena *arena, enum crdt_value_kind kind, struct bytes bytes, struct crdt_value *out) {
    *out = (struct crdt_value){ .kind = kind, .bytes = arena_copy(arena, bytes) };
    return out->bytes.data == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

static enum status value_read_array(struct bytes_reader *reader, struct arena *arena, struct crdt_value *out) {
    uint64_t count = 0;
    varint_read(reader, &count);
    struct crdt_value *items = arena_alloc(arena, (size_t)(count + 1) * sizeof *items);
    enum status status = items == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    for (uint64_t i = 0; i < count && status == STATUS_OK; i++)
        status = value_read_any(reader, arena, &items[i]);
    *out = (struct crdt_value){ .kind = CRDT_ARRAY, .array = { items, (size_t)count } };
    return status;
}

/* Of a repeated key the last value counts, at the place of the first. */
static void object_drop_repeated(struct crdt_member *members, size_t *count) {
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        size_t at = 0;
        while (at < kept && !bytes_equal(members[at].key, members[i].key))
            at++;
        if (at == kept)
            kept++;
        members[at] = members[i];
    }
    *count = kept;
}

enum { OBJECT_KEYS_COMPARED_MAX = 256 }; /* each with each; in bigger ones, which an enemy makes, repeated keys stay */

static enum status value_read_object(struct bytes_reader *reader, struct arena *arena, struct crdt_value *out) {
    uint64_t count = 0;
    varint_read(reader, &count);
    struct crdt_member *members = arena_alloc(arena, (size_t)(count + 1) * sizeof *members);
    enum status status = members == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    for (uint64_t i = 0; i < count && status == STATUS_OK; i++) {
        struct bytes key = { 0 };
        varint_read_view(reader, &key);
        members[i].key = arena_copy(arena, key);
        status = members[i].key.data == NULL ? STATUS_NO_MEMORY : value_read_any(reader, arena, &members[i].value);
    }
    size_t kept = (size_t)count;
    if (status == STATUS_OK && count <= OBJECT_KEYS_COMPARED_MAX)
        object_drop_repeated(members, &kept);
    *out = (struct crdt_value){ .kind = CRDT_OBJECT, .object = { members, kept } };
    return status;
}

enum status value_read_any(struct bytes_reader *reader, struct arena *arena, struct crdt_value *out) {
    uint8_t tag = 0;
    uint64_t bits = 0;
    uint32_t narrow_bits = 0;
    float narrow;
    bool negative = false;
    struct bytes view = { 0 };
    bytes_read_u8(reader, &tag);
    switch (tag) {
    case ANY_NULL:
        *out = crdt_null();
        return STATUS_OK;
    case ANY_TRUE:
    case ANY_FALSE:
        *out = crdt_bool(tag == ANY_TRUE);
        return STATUS_OK;
    case ANY_INTEGER:
        varint_read_signed(reader, &negative, &bits);
        *out = crdt_number(negative ? -(double)bits : (double)bits);
        return STATUS_OK;
    case ANY_FLOAT32:
        bytes_read_u32(reader, &narrow_bits);
        memcpy(&narrow, &narrow_bits, sizeof narrow);
        *out = crdt_number((double)narrow);
        return STATUS_OK;
    case ANY_FLOAT64:
        bytes_read_u64(reader, &bits);
        *out = crdt_number(0);
        memcpy(&out->number, &bits, sizeof bits);
        return STATUS_OK;
    case ANY_BIGINT:
        bytes_read_u64(reader, &bits);
        *out = (struct crdt_value){ .kind = CRDT_BIGINT, .bigint = (int64_t)bits };
        return STATUS_OK;
    case ANY_STRING:
    case ANY_BYTES:
        varint_read_view(reader, &view);
        return value_copy(arena, tag == ANY_STRING ? CRDT_STRING : CRDT_BYTES, view, out);
    case ANY_ARRAY:
        return value_read_array(reader, arena, out);
    case ANY_OBJECT:
        return value_read_object(reader, arena, out);
    default:
        *out = (struct crdt_value){ .kind = CRDT_UNDEFINED };
        return STATUS_OK;
    }
}

enum status value_read_json(struct bytes text, struct arena *arena, struct crdt_value *out) {
    if (bytes_equal_text(text, "undefined")) {
        *out = (struct crdt_value){ .kind = CRDT_UNDEFINED };
        return STATUS_OK;
    }
    struct bytes_writer any;
    bytes_writer_init(&any, arena->mem, SIZE_MAX);
    json_to_any(text, &any);
    struct bytes_reader reader = bytes_reader(bytes_written(&any));
    enum status status = any.status == STATUS_OK ? value_read_any(&reader, arena, out) : any.status;
    bytes_writer_finish(&any);
    return status;
}

void format_of(const struct crdt_doc *doc, const struct item *item, struct bytes *out_key, struct bytes *out_json) {
    struct bytes_reader reader = bytes_reader(item_content(doc, item));
    varint_read_view(&reader, out_key);
    varint_read_view(&reader, out_json);
}

void text_write_units(struct bytes text, uint64_t units, uint64_t from, uint64_t to, struct bytes_writer *out) {
    const struct bytes half = bytes_of(content_half_pair, sizeof content_half_pair);
    bool begins_inside;
    bool ends_inside = false;
    size_t begin = content_offset(CONTENT_STRING, text, from, &begins_inside);
    size_t end = to == units ? text.size : content_offset(CONTENT_STRING, text, to, &ends_inside);
    if (begins_inside) {
        bytes_write(out, half);
        begin += 4;
    }
    if (end > begin)
        bytes_write(out, bytes_of(text.data + begin, end - begin));
    if (ends_inside)
        bytes_write(out, half);
}

void item_write_units(const struct crdt_doc *doc, const struct item *item, uint64_t from, uint64_t to, struct bytes_writer *out) {
    text_write_units(item_content(doc, item), item_length(doc, item), from, to, out);
}

/* Each unit as a string of its own, as JavaScript's split("") does. */
static enum status value_read_units(const struct crdt_doc *doc, const struct item *item, uint64_t from, uint64_t count,
                                    struct arena *arena, struct crdt_value *out) {
    struct bytes_writer unit;
    bytes_writer_init(&unit, arena->mem, SIZE_MAX);
    enum status status = STATUS_OK;
    for (uint64_t i = 0; i < count && status == STATUS_OK; i++) {
        bytes_writer_reset(&unit);
        item_write_units(doc, item, from + i, from + i + 1, &unit);
        status = unit.status == STATUS_OK ? value_copy(arena, CRDT_STRING, bytes_written(&unit), &out[i]) : unit.status;
    }
    bytes_writer_finish(&unit);
    return status;
}

static enum status value_read_subdoc(const struct crdt_doc *doc, const struct item *item, struct arena *arena,
                                     struct crdt_value *out) {
    struct bytes_reader reader = bytes_reader(item_content(doc, item));
    struct bytes guid = { 0 };
    varint_read_view(&reader, &guid);
    struct crdt_value *options = arena_alloc(arena, sizeof *options);
    *out = (struct crdt_value){ .kind = CRDT_SUBDOC, .subdoc = { arena_copy(arena, guid), options } };
    if (options == NULL || out->subdoc.guid.data == NULL)
        return STATUS_NO_MEMORY;
    return value_read_any(&reader, arena, options);
}

enum status value_read_item(const struct crdt_doc *doc, const struct item *item, uint64_t from, uint64_t count, struct arena *arena,
                            struct crdt_value *out) {
    struct bytes content = item_content(doc, item);
    enum status status = STATUS_OK;
    bool inside_pair;
    struct bytes_reader reader;
    switch (item->kind) {
    case CONTENT_ANY:
    case CONTENT_JSON:
        reader = bytes_reader(content);
        reader.at += content_offset(item->kind, content, from, &inside_pair);
        for (uint64_t i = 0; i < count && status == STATUS_OK; i++) {
            struct bytes json = { 0 };
            if (item->kind == CONTENT_ANY) {
                status = value_read_any(&reader, arena, &out[i]);
            } else {
                varint_read_view(&reader, &json);
                status = value_read_json(json, arena, &out[i]);
            }
        }
        return status;
    case CONTENT_BINARY:
        return value_copy(arena, CRDT_BYTES, content, out);
    case CONTENT_STRING:
        return value_read_units(doc, item, from, count, arena, out);
    case CONTENT_EMBED:
        return value_read_json(content, arena, out);
    case CONTENT_TYPE:
        *out = (struct crdt_value){ .kind = CRDT_TYPE, .type = doc_type(doc, item_type(doc, item)) };
        return STATUS_OK;
    default: /* CONTENT_DOC */
        return value_read_subdoc(doc, item, arena, out);
    }
}
