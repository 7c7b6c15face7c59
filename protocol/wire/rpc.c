/* rpc.c — one message's values: check, look at the kind, read its members by the kind's shape.
 *
 *   93 02 ac 63 68 61 …       [2, "chat.posted", …
 *   │  │  └ second member
 *   │  └ kind
 *   └ array of three */
#include "wire/rpc.h"

enum { WIRE_DEPTH_MAX = 16, WIRE_ELEMENTS_MAX = 65536 };

const struct pack_limits wire_limits_default = { .depth_max = WIRE_DEPTH_MAX,
                                                 .elements_max = WIRE_ELEMENTS_MAX,
                                                 .bytes_max = SIZE_MAX };

struct wire_reader wire_reader(struct bytes message, const struct pack_limits *limits) {
    return (struct wire_reader){ .message = message, .limits = limits == NULL ? wire_limits_default : *limits };
}

/* Members of each kind, the kind included; more are ignored. */
static const uint32_t wire_members[WIRE_KIND_COUNT] = {
    [WIRE_REQUEST] = 4, [WIRE_RESPONSE] = 4,  [WIRE_NOTIFICATION] = 3, [WIRE_UPDATE] = 3,
    [WIRE_ACK] = 3,     [WIRE_AWARENESS] = 3, [WIRE_STATE_VECTOR] = 3,
};

/* `offset`  in the value */
static enum status wire_refuse(struct pack_reader *cursor, size_t offset, const char *what) {
    cursor->fault = (struct pack_fault){ what, offset };
    return STATUS_MALFORMED;
}

static enum status wire_read_msgid(struct pack_reader *cursor, uint32_t *out) {
    uint64_t msgid;
    enum status status = pack_read_uint(cursor, UINT32_MAX, &msgid);
    if (status == STATUS_OK)
        *out = (uint32_t)msgid;
    return status;
}

/* [map, …], or [] for an empty map. */
static enum status wire_read_params(struct pack_reader *cursor, struct bytes *out) {
    static const uint8_t empty_map[] = { 0x80 };
    size_t offset = (size_t)(cursor->at - cursor->base);
    struct bytes array;
    uint32_t count;
    enum status status = pack_read_value(cursor, &array);
    if (status != STATUS_OK)
        return status;
    struct pack_reader inside = pack_reader(array);
    if (pack_read_array(&inside, &count) != STATUS_OK || (count > 0 && pack_peek(&inside) != PACK_MAP))
        return wire_refuse(cursor, offset, "params must be an array whose first member is a map");
    if (count == 0) {
        *out = bytes_of(empty_map, sizeof empty_map);
        return STATUS_OK;
    }
    return pack_read_value(&inside, out);
}

static enum status wire_read_error(struct pack_reader *cursor, struct wire_value *out) {
    size_t offset = (size_t)(cursor->at - cursor->base);
    enum pack_kind kind = pack_peek(cursor);
    if (kind != PACK_NIL && kind != PACK_MAP)
        return wire_refuse(cursor, offset, "error must be nil or a map");
    out->failed = kind == PACK_MAP;
    return out->failed ? pack_read_value(cursor, &out->error) : pack_read_nil(cursor);
}

/* The members behind the kind. */
static enum status wire_read_members(struct pack_reader *cursor, struct wire_value *out) {
    enum status status = STATUS_OK;
    switch (out->kind) {
    case WIRE_REQUEST:
        status = wire_read_msgid(cursor, &out->msgid);
        if (status == STATUS_OK)
            status = pack_read_text(cursor, WIRE_METHOD_BYTES_MAX, &out->method);
        return status == STATUS_OK ? wire_read_params(cursor, &out->params) : status;
    case WIRE_NOTIFICATION:
        status = pack_read_text(cursor, WIRE_METHOD_BYTES_MAX, &out->method);
        return status == STATUS_OK ? wire_read_params(cursor, &out->params) : status;
    case WIRE_RESPONSE:
        status = wire_read_msgid(cursor, &out->msgid);
        if (status == STATUS_OK)
            status = wire_read_error(cursor, out);
        return status == STATUS_OK ? pack_read_value(cursor, &out->result) : status;
    case WIRE_ACK:
        status = pack_read_uint(cursor, PACK_UINT53_MAX, &out->doc);
        return status == STATUS_OK ? pack_read_uint(cursor, PACK_UINT53_MAX, &out->count) : status;
    default: /* update, awareness, state vector */
        status = pack_read_uint(cursor, PACK_UINT53_MAX, &out->doc);
        return status == STATUS_OK ? pack_read_bin(cursor, SIZE_MAX, &out->payload) : status;
    }
}

/* Reads one checked value; *out_known is false for a kind of the future. */
static enum status wire_read_value(struct pack_reader *cursor, struct wire_value *out, bool *out_known) {
    uint32_t count;
    uint64_t kind;
    enum status status = pack_read_array(cursor, &count);
    if (status != STATUS_OK)
        return status;
    if (count == 0)
        return wire_refuse(cursor, 0, "value has no kind");
    status = pack_read_uint(cursor, UINT64_MAX, &kind);
    if (status != STATUS_OK)
        return status;
    *out_known = kind < WIRE_KIND_COUNT;
    if (!*out_known)
        return STATUS_OK;
    if (count < wire_members[kind])
        return wire_refuse(cursor, 0, "value has too few members for its kind");
    *out = (struct wire_value){ .kind = (enum wire_kind)kind };
    return wire_read_members(cursor, out);
}

enum status wire_next(struct wire_reader *reader, struct wire_value *out) {
    while (reader->offset < reader->message.size) {
        struct bytes rest = bytes_of(reader->message.data + reader->offset, reader->message.size - reader->offset);
        size_t size;
        struct pack_fault fault;
        enum status status = pack_check(rest, &reader->limits, &size, &fault);
        if (status == STATUS_OK) {
            struct pack_reader cursor = pack_reader(bytes_of(rest.data, size));
            bool known = false;
            status = wire_read_value(&cursor, out, &known);
            if (status == STATUS_OK) {
                reader->offset += size;
                if (known)
                    return STATUS_OK;
                continue;
            }
            fault = cursor.fault;
        }
        reader->fault = (struct pack_fault){ fault.what, reader->offset + fault.offset };
        return status;
    }
    return STATUS_MORE;
}

/* ---- writing ---- */

void wire_request_begin(struct bytes_writer *out, uint32_t msgid, const char *method) {
    pack_write_array(out, 4);
    pack_write_uint(out, WIRE_REQUEST);
    pack_write_uint(out, msgid);
    pack_put_key(out, method);
    pack_write_array(out, 1);
}

void wire_notification_begin(struct bytes_writer *out, const char *method) {
    pack_write_array(out, 3);
    pack_write_uint(out, WIRE_NOTIFICATION);
    pack_put_key(out, method);
    pack_write_array(out, 1);
}

static void wire_response_begin(struct bytes_writer *out, uint32_t msgid) {
    pack_write_array(out, 4);
    pack_write_uint(out, WIRE_RESPONSE);
    pack_write_uint(out, msgid);
}

void wire_result_begin(struct bytes_writer *out, uint32_t msgid) {
    wire_response_begin(out, msgid);
    pack_write_nil(out);
}

void wire_error_write(struct bytes_writer *out, uint32_t msgid, const struct wire_fault *fault) {
    wire_response_begin(out, msgid);
    wire_fault_write(out, fault);
    pack_write_nil(out);
}

void wire_fault_notify(struct bytes_writer *out, const struct wire_fault *fault) {
    wire_notification_begin(out, "session.fault");
    wire_fault_write(out, fault);
}
