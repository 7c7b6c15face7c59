/* ws_frame.c — making frames (RFC 6455, section 5.2).
 *
 *   byte 0   FIN, three reserved bits, opcode      82 = final, binary
 *   byte 1   mask bit, length 0-125, or 126: two bytes of length follow, or 127: eight
 *   masked   four bytes of key, then payload XOR key
 *
 *   82 7e 01 00      binary, 256 bytes
 *   81 85 37 fa 21 3d 7f 9f 4d 51 58      masked text "Hello" */
#include "wire/ws.h"

#include <assert.h>

size_t ws_frame_header_size(uint64_t payload_size) {
    return payload_size <= 125 ? 2 : payload_size <= 0xffff ? 4 : 10;
}

size_t ws_frame_header(uint8_t out[WS_HEADER_MAX], uint64_t payload_size, enum ws_opcode opcode, bool fin) {
    assert(payload_size <= INT64_MAX);
    size_t size = ws_frame_header_size(payload_size);
    out[0] = (uint8_t)((fin ? 0x80 : 0) | opcode);
    out[1] = size == 2 ? (uint8_t)payload_size : size == 4 ? 126 : 127;
    for (size_t i = size; i-- > 2; payload_size >>= 8)
        out[i] = (uint8_t)payload_size;
    return size;
}

struct bytes ws_frame_payload(struct bytes frame) {
    assert(frame.size >= 2);
    size_t header = frame.data[1] < 126 ? 2 : frame.data[1] == 126 ? 4 : 10;
    assert(frame.size >= header);
    return bytes_of(frame.data + header, frame.size - header);
}

void ws_frame_write(struct bytes_writer *out, enum ws_opcode opcode, bool fin, struct bytes payload) {
    uint8_t header[WS_HEADER_MAX];
    size_t size = ws_frame_header(header, payload.size, opcode, fin);
    if (bytes_writer_reserve(out, size + payload.size) == NULL)
        return;
    bytes_write(out, bytes_of(header, size));
    bytes_write(out, payload);
}

void ws_frame_masked(struct bytes_writer *out, enum ws_opcode opcode, bool fin, struct bytes payload, const uint8_t mask[4]) {
    uint8_t header[WS_HEADER_MAX];
    size_t size = ws_frame_header(header, payload.size, opcode, fin);
    header[1] |= 0x80;
    memcpy(header + size, mask, 4);
    size += 4;
    uint8_t *room = bytes_writer_reserve(out, size + payload.size);
    if (room == NULL)
        return;
    memcpy(room, header, size);
    for (size_t i = 0; i < payload.size; i++)
        room[size + i] = payload.data[i] ^ mask[i & 3];
    out->size += size + payload.size;
}

bool ws_close_code_valid(uint16_t code) {
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}
