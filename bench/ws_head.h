/* ws_head.h — the head of a WebSocket frame that came in, for programs that trust who sent it: no check but the size. */
#ifndef BENCH_WS_HEAD_H
#define BENCH_WS_HEAD_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the head, a mask not counted, and of the payload; 0 if `size` bytes do not hold all of the head. */
static inline size_t ws_head_read(const uint8_t *data, size_t size, uint64_t *out_payload) {
    if (size < 2)
        return 0;
    uint64_t payload = data[1] & 0x7f;
    if (payload < 126) {
        *out_payload = payload;
        return 2;
    }
    size_t bytes = payload == 126 ? 2 : 8;
    if (size < 2 + bytes)
        return 0;
    payload = 0;
    for (size_t i = 0; i < bytes; i++)
        payload = payload << 8 | data[2 + i];
    *out_payload = payload;
    return 2 + bytes;
}

#endif
