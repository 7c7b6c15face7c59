/* hocuspocus.c — see hocuspocus.h. */
#include "wire/hocuspocus.h"

#include "ground/utf.h"
#include "ground/varint.h"

enum {
    HOCUSPOCUS_TYPE_AUTH = 2,
    HOCUSPOCUS_TYPE_STATELESS = 5,
    HOCUSPOCUS_TYPE_BROADCAST = 6,
    HOCUSPOCUS_TYPE_CLOSE = 7,
    HOCUSPOCUS_TYPE_STATUS = 8,
    HOCUSPOCUS_TYPE_PING = 9,
    HOCUSPOCUS_TYPE_PONG = 10,
};

enum { HOCUSPOCUS_AUTH_TOKEN, HOCUSPOCUS_AUTH_DENIED, HOCUSPOCUS_AUTH_AUTHENTICATED };

static enum status hocuspocus_read_text(struct bytes_reader *reader, size_t size_max, struct bytes *out) {
    enum status status = varint_read_view(reader, out);
    if (status != STATUS_OK)
        return status;
    if (out->size > size_max)
        return STATUS_TOO_BIG;
    return utf_check(*out, NULL) ? STATUS_OK : STATUS_MALFORMED;
}

static enum status hocuspocus_read_more(struct hocuspocus_message *out) {
    struct bytes_reader reader = bytes_reader(out->yws.payload);
    struct bytes version;
    uint64_t what;
    enum status status = STATUS_OK;
    switch (out->yws.type) {
    case HOCUSPOCUS_TYPE_AUTH:
        status = varint_read(&reader, &what);
        if (status != STATUS_OK || what != HOCUSPOCUS_AUTH_TOKEN)
            return STATUS_MALFORMED;
        out->kind = HOCUSPOCUS_TOKEN;
        status = hocuspocus_read_text(&reader, HOCUSPOCUS_TOKEN_MAX, &out->text);
        if (status == STATUS_OK && bytes_left(&reader) > 0) /* of the provider, from 3.1 on */
            status = hocuspocus_read_text(&reader, HOCUSPOCUS_TOKEN_MAX, &version);
        break;
    case HOCUSPOCUS_TYPE_STATELESS:
    case HOCUSPOCUS_TYPE_BROADCAST:
        out->kind = out->yws.type == HOCUSPOCUS_TYPE_STATELESS ? HOCUSPOCUS_STATELESS : HOCUSPOCUS_BROADCAST;
        status = hocuspocus_read_text(&reader, SIZE_MAX, &out->text);
        break;
    case HOCUSPOCUS_TYPE_CLOSE:
        out->kind = HOCUSPOCUS_CLOSE;
        return STATUS_OK;
    default:
        out->kind = HOCUSPOCUS_OTHER;
        return STATUS_OK;
    }
    return status == STATUS_OK && bytes_left(&reader) > 0 ? STATUS_MALFORMED : status;
}

enum status hocuspocus_read(struct bytes message, struct hocuspocus_message *out) {
    struct bytes_reader reader = bytes_reader(message);
    *out = (struct hocuspocus_message){ 0 };
    if (message.size == 1 && (message.data[0] == HOCUSPOCUS_TYPE_PING || message.data[0] == HOCUSPOCUS_TYPE_PONG)) {
        out->kind = message.data[0] == HOCUSPOCUS_TYPE_PING ? HOCUSPOCUS_PING : HOCUSPOCUS_PONG;
        return STATUS_OK;
    }
    enum status status = hocuspocus_read_text(&reader, HOCUSPOCUS_NAME_MAX, &out->name);
    if (status != STATUS_OK)
        return status;
    const uint8_t *end = out->name.size == 0 ? NULL : memchr(out->name.data, 0, out->name.size);
    out->document = bytes_of(out->name.data, end == NULL ? out->name.size : (size_t)(end - out->name.data));
    status = yws_read(bytes_of(reader.at, bytes_left(&reader)), &out->yws);
    if (status == STATUS_OK && (out->yws.kind == YWS_AUTH || out->yws.kind == YWS_OTHER))
        status = hocuspocus_read_more(out);
    return status;
}

/* ---- writing ---- */

void hocuspocus_sync_write(struct bytes_writer *out, struct bytes name, enum yws_kind kind, struct bytes payload) {
    varint_write_view(out, name);
    yws_write(out, kind, payload);
}

static void hocuspocus_write_auth(struct bytes_writer *out, struct bytes name, uint8_t what, struct bytes text) {
    varint_write_view(out, name);
    bytes_write_u8(out, HOCUSPOCUS_TYPE_AUTH);
    bytes_write_u8(out, what);
    varint_write_view(out, text);
}

void hocuspocus_denied_write(struct bytes_writer *out, struct bytes name, struct bytes reason) {
    hocuspocus_write_auth(out, name, HOCUSPOCUS_AUTH_DENIED, reason);
}

void hocuspocus_authenticated_write(struct bytes_writer *out, struct bytes name, bool writable) {
    hocuspocus_write_auth(out, name, HOCUSPOCUS_AUTH_AUTHENTICATED, bytes_text(writable ? "read-write" : "readonly"));
}

void hocuspocus_stateless_write(struct bytes_writer *out, struct bytes name, struct bytes payload) {
    varint_write_view(out, name);
    bytes_write_u8(out, HOCUSPOCUS_TYPE_STATELESS);
    varint_write_view(out, payload);
}

void hocuspocus_status_write(struct bytes_writer *out, struct bytes name, bool taken) {
    varint_write_view(out, name);
    bytes_write_u8(out, HOCUSPOCUS_TYPE_STATUS);
    bytes_write_u8(out, taken);
}

void hocuspocus_close_write(struct bytes_writer *out, struct bytes name, struct bytes reason) {
    varint_write_view(out, name);
    bytes_write_u8(out, HOCUSPOCUS_TYPE_CLOSE);
    varint_write_view(out, reason);
}

void hocuspocus_ping_write(struct bytes_writer *out) {
    bytes_write_u8(out, HOCUSPOCUS_TYPE_PING);
}

void hocuspocus_pong_write(struct bytes_writer *out) {
    bytes_write_u8(out, HOCUSPOCUS_TYPE_PONG);
}
