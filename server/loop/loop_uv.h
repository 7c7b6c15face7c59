/* loop_uv.h — what the files of this folder share; nobody else includes it, so that nobody else sees libuv. */
#ifndef SERVER_LOOP_UV_H
#define SERVER_LOOP_UV_H

#include "loop/loop.h"

#include <stdatomic.h>
#include <uv.h>

/* One recv() takes at most this much: big enough that a busy socket is emptied in few calls, small enough that no connection holds
 * up the others of its loop. */
enum { LOOP_READ_BYTES = 65536, LOOP_TLS_BYTES_MAX = 1 << 18 };

struct loop_post;

struct loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_prepare_t turn_end;
    uv_idle_t awake; /* running: the poll does not sleep */
    loop_fn turn_end_fn;
    void *turn_end_context;
    int64_t unix_offset_ms;            /* Unix time minus monotonic time */
    _Atomic(struct loop_post *) posts; /* newest first */
    uint8_t read_buffer[LOOP_READ_BYTES];
    /* socket_tls.c: of the call that is under way; no memory before the first line of TLS. */
    struct bytes_writer tls_plain, tls_gathered, tls_records;
    uint64_t tls_refused_ms; /* when a refused handshake was in the log last; 0: never */
    unsigned tls_refused;    /* since then */
};

#endif
