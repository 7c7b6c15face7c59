/* outbox.h — what waits to be sent on one connection.
 *
 *   push ──▶ [frame][frame][frame] ──▶ flush: one gathered write ──▶ kernel
 *              ▲ sent_bytes into the first
 *
 * A ring of references. The first few stand in the outbox itself, so that a turn of typing allocates nothing; what grew beyond is
 * given back when it runs empty, so an idle connection holds nothing.
 *
 * Bounded by its *pressure*, the bytes that wait. One whole state at a time may stand in it without counting: it is as large as its
 * document, whoever has a slow line must be able to get it, and most often its frames are the document's own, shared by all who
 * join. */
#ifndef SERVER_OUTBOX_H
#define SERVER_OUTBOX_H

#include "document/frame.h"

struct socket;

enum { OUTBOX_FEW = 4 };

struct outbox {
    /* private */
    struct frame **ring; /* `few`, or grown */
    uint32_t capacity;   /* a power of two */
    uint32_t first;
    uint32_t count;
    size_t sent_bytes;  /* of the first frame */
    size_t bytes;       /* queued and not yet taken by the kernel */
    size_t state_bytes; /* of them: a state's */
    size_t state_end;   /* where in `bytes` the state ends; 0: there is none */
    struct frame *few[OUTBOX_FEW];
};

/* The outbox must not be moved while it holds frames. */
void outbox_init(struct outbox *outbox);
void outbox_finish(struct outbox *outbox);

static inline bool outbox_empty(const struct outbox *outbox) {
    return outbox->count == 0;
}

static inline bool outbox_has_state(const struct outbox *outbox) {
    return outbox->state_bytes > 0;
}

/* What waits, a state aside. */
static inline size_t outbox_pressure(const struct outbox *outbox) {
    return outbox->bytes - outbox->state_bytes;
}

/* Takes a reference of its own. STATUS_TOO_BIG: the pressure has reached `pressure_max` (a frame of any size is taken below it);
 * STATUS_NO_MEMORY. Nothing was queued then. */
enum status outbox_push(struct outbox *outbox, struct frame *frame, size_t pressure_max);

/* Takes a state: all of its frames, the base first, or none. The outbox must have no other. STATUS_NO_MEMORY. */
enum status outbox_push_state(struct outbox *outbox, struct frame *base, struct frame *const *tail, size_t tail_count);

/* Writes until the kernel is full, all is written, or about `bytes_max` are; `out_written` says how many.
 * STATUS_OK: the kernel takes more, if there is more. STATUS_MORE: it is full; call again when it is writable.
 * STATUS_IO: the connection is dead. */
enum status outbox_flush(struct outbox *outbox, struct socket *socket, size_t bytes_max, size_t *out_written);

/* Forgets every frame of which the kernel has taken nothing, so that a close frame can follow. */
void outbox_drop_unsent(struct outbox *outbox);

#endif
