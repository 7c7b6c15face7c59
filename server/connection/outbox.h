/* outbox.h — what waits to be sent on one connection.
 *
 *   push ──▶ [frame][frame][frame] ──▶ flush: one gathered write ──▶ kernel
 *              ▲ sent_bytes into the first
 *
 * A ring of references that grows by doubling and is given back when it runs empty, so an idle connection holds nothing. Bounded by
 * bytes: past `bytes_max` the push is refused and the connection has to be closed as too slow. */
#ifndef SERVER_OUTBOX_H
#define SERVER_OUTBOX_H

#include "document/frame.h"

struct socket;

struct outbox {
    /* private */
    struct frame **ring;
    uint32_t capacity; /* 0 or a power of two */
    uint32_t first;
    uint32_t count;
    size_t sent_bytes; /* of the first frame */
    size_t bytes;      /* queued and not yet taken by the kernel */
};

void outbox_init(struct outbox *outbox);
void outbox_finish(struct outbox *outbox);

/* Takes a reference of its own. STATUS_TOO_BIG: `bytes_max` would be passed; STATUS_NO_MEMORY. Nothing was queued then. */
enum status outbox_push(struct outbox *outbox, struct frame *frame, size_t bytes_max);

/* Writes as much as the kernel takes. STATUS_OK: empty now. STATUS_MORE: the kernel is full; call again when it is writable.
 * STATUS_IO: the connection is dead. */
enum status outbox_flush(struct outbox *outbox, struct socket *socket);

/* Forgets every frame of which the kernel has taken nothing, so that a close frame can follow. */
void outbox_drop_unsent(struct outbox *outbox);

#endif
