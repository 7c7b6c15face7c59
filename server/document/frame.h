/* frame.h — encoded bytes, ready to send, shared by every connection that they go to.
 *
 * A frame is a whole WebSocket message with its header in front (the server's frames are not masked, so all receivers get the same
 * bytes). It is encoded once; each outbox that queues it holds a reference; the last release frees it. Counted without atomics: a
 * frame stays on its loop. */
#ifndef SERVER_FRAME_H
#define SERVER_FRAME_H

#include "wire/sync.h"

struct frame {
    uint32_t references;
    size_t size;
    uint8_t data[];
};

/* A frame with one reference and `size` unset bytes; NULL when there is no memory. */
struct frame *frame_create(size_t size);

/* A WebSocket message of the values in `payload`. */
struct frame *frame_of_values(struct bytes payload);

/* A message of one update, awareness or state vector value: the headers of both protocols and the payload in one block. */
struct frame *frame_of_sync(enum wire_kind kind, uint64_t doc, struct bytes payload);

struct frame *frame_acquire(struct frame *frame);
void frame_release(struct frame *frame);

#endif
