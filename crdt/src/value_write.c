/* value_write.c — see value_write.h. Recursion is as deep as the caller's value, at most ANY_DEPTH_MAX. */
#include "value_write.h"

#include "any.h"
#include "any_json.h"
#include "ground/utf.h"
#include "ground/varint.h"

static enum status write_string(struct bytes_writer *out, struct bytes text) {
    if (!utf_check(text, NULL))
        return STATUS_MALFORMED;
    varint_write_view(out, text);
    return STATUS_OK;
}

static enum status write_value(struct bytes_writer *out, const struct crdt_value *value, unsigned depth) {
    static const uint8_t tags[] = {
        [CRDT_UNDEFINED] = ANY_UNDEFINED, [CRDT_NULL] = ANY_NULL,   [CRDT_BIGINT] = ANY_BIGINT, [CRDT_STRING] = ANY_STRING,
        [CRDT_BYTES] = ANY_BYTES,         [CRDT_ARRAY] = ANY_ARRAY, [CRDT_OBJECT] = ANY_OBJECT
    };
    enum status status = STATUS_OK;
    if (depth > ANY_DEPTH_MAX || value->kind >= CRDT_SUBDOC)
        return STATUS_MALFORMED;
    if (value->kind == CRDT_NUMBER) {
        any_write_number(out, value->number);
        return STATUS_OK;
    }
    bytes_write_u8(out, value->kind == CRDT_BOOL ? (value->boolean ? ANY_TRUE : ANY_FALSE) : tags[value->kind]);
    switch (value->kind) {
    case CRDT_BIGINT:
        bytes_write_u64(out, (uint64_t)value->bigint);
        return STATUS_OK;
    case CRDT_STRING:
        return write_string(out, value->bytes);
    case CRDT_BYTES:
        varint_write_view(out, value->bytes);
        return STATUS_OK;
    case CRDT_ARRAY:
        varint_write(out, value->array.count);
        for (size_t i = 0; i < value->array.count && status == STATUS_OK; i++)
            status = write_value(out, &value->array.items[i], depth + 1);
        return status;
    case CRDT_OBJECT:
        varint_write(out, value->object.count);
        for (size_t i = 0; i < value->object.count && status == STATUS_OK; i++) {
            status = write_string(out, value->object.members[i].key);
            if (status == STATUS_OK)
                status = write_value(out, &value->object.members[i].value, depth + 1);
        }
        return status;
    default:
        return STATUS_OK;
    }
}

enum status value_write_any(struct bytes_writer *out, const struct crdt_value *value) {
    enum status status = write_value(out, value, 0);
    return status == STATUS_OK ? out->status : status;
}

enum status value_write_json(struct bytes_writer *out, const struct crdt_value *value) {
    struct bytes_writer any;
    struct bytes_writer json;
    bytes_writer_init(&any, out->mem, out->size_max);
    bytes_writer_init(&json, out->mem, out->size_max);
    enum status status = value_write_any(&any, value);
    if (status == STATUS_OK) {
        struct bytes_reader reader = bytes_reader(bytes_written(&any));
        any_to_json(&reader, &json);
        status = json.status;
    }
    if (status == STATUS_OK) {
        varint_write_view(out, bytes_written(&json));
        status = out->status;
    }
    bytes_writer_finish(&any);
    bytes_writer_finish(&json);
    return status;
}
