/* yws.c — see yws.h. */
#include "wire/yws.h"

#include "ground/varint.h"

#include <assert.h>

enum { YWS_TYPE_SYNC, YWS_TYPE_AWARENESS, YWS_TYPE_AUTH, YWS_TYPE_QUERY_AWARENESS };
enum { YWS_AUTH_DENIED = 0 };

enum status yws_read(struct bytes message, struct yws_message *out) {
    struct bytes_reader reader = bytes_reader(message);
    uint64_t step;
    *out = (struct yws_message){ .kind = YWS_OTHER };
    enum status status = varint_read(&reader, &out->type);
    if (status != STATUS_OK)
        return status;
    switch (out->type) {
    case YWS_TYPE_SYNC:
        status = varint_read(&reader, &step);
        if (status != STATUS_OK || step > YWS_UPDATE)
            return STATUS_MALFORMED;
        out->kind = (enum yws_kind)step;
        status = varint_read_view(&reader, &out->payload);
        break;
    case YWS_TYPE_AWARENESS:
        out->kind = YWS_AWARENESS;
        status = varint_read_view(&reader, &out->payload);
        break;
    case YWS_TYPE_QUERY_AWARENESS:
        out->kind = YWS_QUERY_AWARENESS;
        break;
    default:
        out->kind = out->type == YWS_TYPE_AUTH ? YWS_AUTH : YWS_OTHER;
        bytes_read_view(&reader, bytes_left(&reader), &out->payload);
    }
    return status == STATUS_OK && bytes_left(&reader) > 0 ? STATUS_MALFORMED : status;
}

size_t yws_head(uint8_t out[YWS_HEAD_MAX], enum yws_kind kind, size_t payload_size) {
    assert(kind <= YWS_AWARENESS && payload_size <= UINT32_MAX);
    size_t size = 0;
    out[size++] = kind == YWS_AWARENESS ? YWS_TYPE_AWARENESS : YWS_TYPE_SYNC;
    if (kind != YWS_AWARENESS)
        out[size++] = (uint8_t)kind;
    for (; payload_size >= 0x80; payload_size >>= 7)
        out[size++] = (uint8_t)(payload_size | 0x80);
    out[size++] = (uint8_t)payload_size;
    return size;
}

void yws_write(struct bytes_writer *out, enum yws_kind kind, struct bytes payload) {
    uint8_t head[YWS_HEAD_MAX];
    bytes_write(out, bytes_of(head, yws_head(head, kind, payload.size)));
    bytes_write(out, payload);
}

void yws_denied_write(struct bytes_writer *out, struct bytes reason) {
    bytes_write_u8(out, YWS_TYPE_AUTH);
    bytes_write_u8(out, YWS_AUTH_DENIED);
    varint_write_view(out, reason);
}
