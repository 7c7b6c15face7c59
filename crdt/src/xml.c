/* xml.c — markup as Yjs's toString has it. Values become what JavaScript's string concatenation makes of them. */
#include "crdt/text.h"
#include "ground/number.h"
#include "ground/utf.h"
#include "read.h"
#include "sort.h"
#include "value_read.h"

#include <stdio.h>

int utf16_compare(struct bytes a, struct bytes b) {
    size_t size = a.size < b.size ? a.size : b.size;
    for (size_t i = 0; i < size; i++) {
        if (a.data[i] == b.data[i])
            continue;
        /* surrogates stand before U+E000 to U+FFFF */
        bool a_pair = a.data[i] >= 0xf0;
        bool b_pair = b.data[i] >= 0xf0;
        if (a_pair != b_pair && (a_pair ? b.data[i] : a.data[i]) >= 0xee)
            return a_pair ? -1 : 1;
        return a.data[i] < b.data[i] ? -1 : 1;
    }
    return (a.size > b.size) - (a.size < b.size);
}

static bool member_before(const void *left, const void *right) {
    const struct crdt_member *a = left;
    const struct crdt_member *b = right;
    return utf16_compare(a->key, b->key) < 0;
}

static struct crdt_member *members_sort(struct crdt_object_value members) {
    struct crdt_member *list = (struct crdt_member *)(uintptr_t)members.members; /* in our own arena */
    sort(list, members.count, sizeof *list, member_before);
    return list;
}

static void write_word(struct bytes_writer *out, const char *word) {
    bytes_write(out, bytes_text(word));
}

static void write_number(struct bytes_writer *out, double number) {
    char text[NUMBER_TEXT_MAX];
    bytes_write(out, bytes_of(text, number_write(number, text)));
}

static enum status write_type(const struct crdt_doc *doc, const struct crdt_type *type, enum crdt_type_kind kind,
                              struct bytes root_name, unsigned depth, struct bytes_writer *out);

static enum status write_nested(const struct crdt_doc *doc, const struct crdt_type *type, unsigned depth,
                                struct bytes_writer *out) {
    enum crdt_type_kind kind = CRDT_TYPE_MAP;
    struct bytes name = { 0 };
    crdt_type_kind(doc, type, &kind, &name);
    return write_type(doc, type, kind, name, depth + 1, out);
}

/* `` `${value}` ``. Values nest to ANY_DEPTH_MAX. */
static enum status write_value(const struct crdt_doc *doc, const struct crdt_value *value, unsigned depth,
                               struct bytes_writer *out) {
    enum status status = STATUS_OK;
    switch (value->kind) {
    case CRDT_UNDEFINED:
        write_word(out, "undefined");
        break;
    case CRDT_NULL:
        write_word(out, "null");
        break;
    case CRDT_BOOL:
        write_word(out, value->boolean ? "true" : "false");
        break;
    case CRDT_NUMBER:
        write_number(out, value->number);
        break;
    case CRDT_BIGINT: {
        char digits[24];
        int size = snprintf(digits, sizeof digits, "%lld", (long long)value->bigint);
        bytes_write(out, bytes_of(digits, (size_t)size));
        break;
    }
    case CRDT_STRING:
        bytes_write(out, value->bytes);
        break;
    case CRDT_BYTES:
        for (size_t i = 0; i < value->bytes.size; i++) {
            if (i > 0)
                bytes_write_u8(out, ',');
            write_number(out, value->bytes.data[i]);
        }
        break;
    case CRDT_ARRAY:
        for (size_t i = 0; i < value->array.count && status == STATUS_OK; i++) {
            const struct crdt_value *item = &value->array.items[i];
            if (i > 0)
                bytes_write_u8(out, ',');
            if (item->kind != CRDT_UNDEFINED && item->kind != CRDT_NULL)
                status = write_value(doc, item, depth, out);
        }
        break;
    case CRDT_TYPE:
        status = write_nested(doc, value->type, depth, out);
        break;
    default:
        write_word(out, "[object Object]");
    }
    return status == STATUS_OK ? out->status : status;
}

static void write_attribute(struct bytes_writer *out, struct bytes key) {
    bytes_write_u8(out, ' ');
    bytes_write(out, key);
    write_word(out, "=\"");
}

static enum status write_children(const struct crdt_doc *doc, const struct crdt_type *type, unsigned depth,
                                  struct bytes_writer *out) {
    struct arena arena;
    struct crdt_array_value children;
    arena_init(&arena, doc->options.mem, SIZE_MAX);
    enum status status = crdt_array_values(doc, type, &arena, &children);
    for (size_t i = 0; i < children.count && status == STATUS_OK; i++)
        status = write_value(doc, &children.items[i], depth, out);
    arena_finish(&arena);
    return status;
}

static enum status write_element(const struct crdt_doc *doc, const struct crdt_type *type, struct bytes name, unsigned depth,
                                 struct bytes_writer *out) {
    struct arena arena;
    struct crdt_object_value attributes;
    arena_init(&arena, doc->options.mem, SIZE_MAX);
    enum status status = crdt_map_entries(doc, type, &arena, &attributes);
    for (int closing = 0; closing < 2 && status == STATUS_OK; closing++) {
        write_word(out, closing ? "</" : "<");
        for (size_t i = 0; i < name.size; i++)
            bytes_write_u8(out, name.data[i] >= 'A' && name.data[i] <= 'Z' ? (uint8_t)(name.data[i] | 0x20) : name.data[i]);
        const struct crdt_member *list = closing ? NULL : members_sort(attributes);
        for (size_t i = 0; list != NULL && i < attributes.count && status == STATUS_OK; i++) {
            write_attribute(out, list[i].key);
            status = write_value(doc, &list[i].value, depth, out);
            bytes_write_u8(out, '"');
        }
        bytes_write_u8(out, '>');
        if (!closing && status == STATUS_OK)
            status = write_children(doc, type, depth, out);
    }
    arena_finish(&arena);
    return status == STATUS_OK ? out->status : status;
}

/* The opening tag of an attribute of formatted text: an object's members are its attributes, a string's characters too. */
static enum status write_mark(const struct crdt_doc *doc, const struct crdt_member *mark, struct bytes_writer *out) {
    enum status status = STATUS_OK;
    bytes_write_u8(out, '<');
    bytes_write(out, mark->key);
    if (mark->value.kind == CRDT_OBJECT) {
        const struct crdt_member *list = members_sort(mark->value.object);
        for (size_t i = 0; i < mark->value.object.count && status == STATUS_OK; i++) {
            write_attribute(out, list[i].key);
            status = write_value(doc, &list[i].value, 0, out);
            bytes_write_u8(out, '"');
        }
    }
    char index[24];
    if (mark->value.kind == CRDT_ARRAY)
        for (size_t i = 0; i < mark->value.array.count && status == STATUS_OK; i++) {
            snprintf(index, sizeof index, "%zu", i);
            write_attribute(out, bytes_text(index));
            status = write_value(doc, &mark->value.array.items[i], 0, out);
            bytes_write_u8(out, '"');
        }
    if (mark->value.kind == CRDT_STRING) {
        size_t units = utf_units(mark->value.bytes);
        for (uint64_t i = 0; i < units; i++) {
            snprintf(index, sizeof index, "%llu", (unsigned long long)i);
            write_attribute(out, bytes_text(index));
            text_write_units(mark->value.bytes, units, i, i + 1, out);
            bytes_write_u8(out, '"');
        }
    }
    bytes_write_u8(out, '>');
    return status;
}

static enum status write_text(const struct crdt_doc *doc, const struct crdt_type *type, unsigned depth, struct bytes_writer *out) {
    struct arena arena;
    struct crdt_delta delta;
    arena_init(&arena, doc->options.mem, SIZE_MAX);
    enum status status = crdt_text_delta(doc, type, &arena, &delta);
    for (size_t i = 0; i < delta.count && status == STATUS_OK; i++) {
        const struct crdt_delta_op *op = &delta.ops[i];
        const struct crdt_member *marks = members_sort(op->attributes);
        for (size_t at = 0; at < op->attributes.count && status == STATUS_OK; at++)
            status = write_mark(doc, &marks[at], out);
        if (status == STATUS_OK)
            status = write_value(doc, &op->insert, depth, out);
        for (size_t at = op->attributes.count; at-- > 0;) {
            write_word(out, "</");
            bytes_write(out, marks[at].key);
            bytes_write_u8(out, '>');
        }
    }
    arena_finish(&arena);
    return status == STATUS_OK ? out->status : status;
}

/* Recursion is bounded by CRDT_TYPE_DEPTH_MAX. */
static enum status write_type(const struct crdt_doc *doc, const struct crdt_type *type, enum crdt_type_kind kind,
                              struct bytes root_name, unsigned depth, struct bytes_writer *out) {
    if (depth > CRDT_TYPE_DEPTH_MAX)
        return STATUS_TOO_BIG;
    switch (kind) {
    case CRDT_TYPE_XML_ELEMENT:
        return write_element(doc, type, root_name, depth, out);
    case CRDT_TYPE_XML_FRAGMENT:
        return write_children(doc, type, depth, out);
    case CRDT_TYPE_XML_TEXT:
        return write_text(doc, type, depth, out);
    case CRDT_TYPE_TEXT:
        return crdt_text_write(doc, type, out);
    default:
        write_word(out, "[object Object]");
        return out->status;
    }
}

enum status crdt_xml_write(const struct crdt_doc *doc, const struct crdt_type *type, enum crdt_type_kind kind,
                           struct bytes_writer *out) {
    if (out->status != STATUS_OK)
        return out->status;
    size_t size_before = out->size;
    struct bytes name = bytes_text("undefined"); /* what a root element is called */
    crdt_type_kind(doc, type, &kind, &name);
    enum status status = write_type(doc, type, kind, name, 0, out);
    if (status != STATUS_OK) {
        out->size = size_before;
        out->status = STATUS_OK;
    }
    return status;
}
