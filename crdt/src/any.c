/* any.c — the open containers are a stack of how many values each still misses. */
#include "any.h"

#include "ground/utf.h"
#include "ground/varint.h"

static enum status any_skip_string(struct bytes_reader *reader, bool check) {
    struct bytes text;
    if (varint_read_view(reader, &text) != STATUS_OK || (check && !utf_check(text, NULL)))
        return STATUS_MALFORMED;
    return STATUS_OK;
}

/* A value without parts, or the head of a container, whose count goes to `out_parts`. */
static enum status any_skip_one(struct bytes_reader *reader, bool check, uint64_t *out_parts, bool *out_object) {
    uint8_t tag;
    struct bytes view;
    bool negative;
    uint64_t magnitude;
    *out_parts = 0;
    *out_object = false;
    if (bytes_read_u8(reader, &tag) != STATUS_OK)
        return STATUS_MALFORMED;
    switch (tag) {
    case ANY_UNDEFINED:
    case ANY_NULL:
    case ANY_FALSE:
    case ANY_TRUE:
        return STATUS_OK;
    case ANY_INTEGER:
        return varint_read_signed(reader, &negative, &magnitude);
    case ANY_FLOAT32:
        return bytes_read_view(reader, 4, &view);
    case ANY_FLOAT64:
    case ANY_BIGINT:
        return bytes_read_view(reader, 8, &view);
    case ANY_STRING:
        return any_skip_string(reader, check);
    case ANY_OBJECT:
        *out_object = true;
        return varint_read(reader, out_parts);
    case ANY_ARRAY:
        return varint_read(reader, out_parts);
    case ANY_BYTES:
        return varint_read_view(reader, &view);
    default:
        return STATUS_MALFORMED;
    }
}

enum status any_skip(struct bytes_reader *reader, bool check) {
    uint64_t parts_left[ANY_DEPTH_MAX]; /* the top bit says object */
    const uint64_t object_bit = UINT64_C(1) << 63;
    unsigned depth = 0;
    struct bytes_reader attempt = *reader;
    for (;;) {
        uint64_t parts;
        bool object;
        if (any_skip_one(&attempt, check, &parts, &object) != STATUS_OK)
            return STATUS_MALFORMED;
        if (parts > 0) {
            if (depth == ANY_DEPTH_MAX || parts > bytes_left(&attempt))
                return STATUS_MALFORMED;
            parts_left[depth++] = parts | (object ? object_bit : 0);
        }
        while (depth > 0 && (parts_left[depth - 1] & ~object_bit) == 0)
            depth--;
        if (depth == 0)
            break;
        parts_left[depth - 1]--;
        if ((parts_left[depth - 1] & object_bit) != 0 && any_skip_string(&attempt, check) != STATUS_OK)
            return STATUS_MALFORMED;
    }
    *reader = attempt;
    return STATUS_OK;
}
