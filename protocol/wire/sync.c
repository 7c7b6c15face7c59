/* sync.c — the hot values. `93 03 2a c4 02 00 00` is the update 00 00 of document 42; in a server's frame `82 07` stands before it.
 *
 *   82 07      WebSocket: final binary frame, 7 bytes
 *   93         array of three
 *   03         kind
 *   2a         document
 *   c4 02      bin of two bytes
 *   00 00      the update */
#include "wire/sync.h"

#include "wire/ws.h"

#include <assert.h>

enum { WIRE_VALUE_HEAD = 2 /* array of three, kind */ };

/* Big-endian, behind its type byte, in the shortest form; answers the bytes written. */
static size_t wire_sync_number(uint8_t *out, uint64_t value) {
    static const uint8_t types[] = { [2] = 0xcc, [3] = 0xcd, [5] = 0xce, [9] = 0xcf };
    size_t size = pack_uint_size(value);
    for (size_t i = size; i-- > 0; value >>= 8)
        out[i] = (uint8_t)value;
    if (size > 1)
        out[0] = types[size];
    return size;
}

static size_t wire_sync_bin(uint8_t *out, size_t payload_size) {
    static const uint8_t types[] = { [2] = 0xc4, [3] = 0xc5, [5] = 0xc6 };
    size_t size = pack_bin_header_size(payload_size);
    for (size_t i = size; i-- > 0; payload_size >>= 8)
        out[i] = (uint8_t)payload_size;
    out[0] = types[size];
    return size;
}

static size_t wire_sync_head(uint8_t *out, enum wire_kind kind, uint64_t doc, size_t payload_size) {
    assert(kind == WIRE_UPDATE || kind == WIRE_AWARENESS || kind == WIRE_STATE_VECTOR);
    assert(doc <= PACK_UINT53_MAX && payload_size <= UINT32_MAX);
    size_t size = 0;
    out[size++] = 0x93;
    out[size++] = (uint8_t)kind;
    size += wire_sync_number(out + size, doc);
    size += wire_sync_bin(out + size, payload_size);
    return size;
}

size_t wire_sync_size(uint64_t doc, size_t payload_size) {
    return WIRE_VALUE_HEAD + pack_uint_size(doc) + pack_bin_header_size(payload_size) + payload_size;
}

void wire_sync_write(struct bytes_writer *out, enum wire_kind kind, uint64_t doc, struct bytes payload) {
    uint8_t head[WIRE_SYNC_HEADER_MAX];
    size_t size = wire_sync_head(head, kind, doc, payload.size);
    if (bytes_writer_reserve(out, size + payload.size) == NULL)
        return;
    bytes_write(out, bytes_of(head, size));
    bytes_write(out, payload);
}

void wire_ack_write(struct bytes_writer *out, uint64_t doc, uint64_t count) {
    pack_write_array(out, 3);
    pack_write_uint(out, WIRE_ACK);
    pack_write_uint(out, doc);
    pack_write_uint(out, count);
}

size_t wire_sync_frame_header(uint8_t out[WIRE_SYNC_HEADER_MAX], enum wire_kind kind, uint64_t doc, size_t payload_size) {
    uint8_t header[WS_HEADER_MAX];
    size_t size = ws_frame_header(header, wire_sync_size(doc, payload_size), WS_BINARY, true);
    memcpy(out, header, size);
    return size + wire_sync_head(out + size, kind, doc, payload_size);
}

void wire_sync_frame(struct bytes_writer *out, enum wire_kind kind, uint64_t doc, struct bytes payload) {
    uint8_t header[WIRE_SYNC_HEADER_MAX];
    size_t size = wire_sync_frame_header(header, kind, doc, payload.size);
    if (bytes_writer_reserve(out, size + payload.size) == NULL)
        return;
    bytes_write(out, bytes_of(header, size));
    bytes_write(out, payload);
}

void wire_ack_frame(struct bytes_writer *out, uint64_t doc, uint64_t count) {
    uint8_t header[WS_HEADER_MAX];
    size_t payload_size = WIRE_VALUE_HEAD + pack_uint_size(doc) + pack_uint_size(count);
    size_t size = ws_frame_header(header, payload_size, WS_BINARY, true);
    if (bytes_writer_reserve(out, size + payload_size) == NULL)
        return;
    bytes_write(out, bytes_of(header, size));
    wire_ack_write(out, doc, count);
}
