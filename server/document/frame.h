/* frame.h — encoded bytes, ready to send, shared by every connection that they go to.
 *
 * A frame is a whole WebSocket message with its header in front (the server's frames are not masked, so all receivers get the same
 * bytes). It is encoded once; each outbox that queues it holds a reference; the last release frees it. Counted without atomics: a
 * frame stays on its loop. */
#ifndef SERVER_FRAME_H
#define SERVER_FRAME_H

#include "connection/dialect.h"

#include <stddef.h>
#include <stdint.h>

struct frame {
    uint32_t references;
    size_t size;
    uint8_t data[];
};

/* A frame with one reference and `size` unset bytes; NULL when there is no memory. */
struct frame *frame_create(size_t size);

/* A WebSocket message of the values in `payload`. */
struct frame *frame_of_values(struct bytes payload);

/* Where the readers of a frame are: those of one dialect who call the document the same get the same bytes. */
struct frame_address {
    enum dialect_kind dialect;
    uint64_t number;   /* DIALECT_NATIVE: the document's */
    struct bytes name; /* DIALECT_HOCUSPOCUS: the document's, as the reader calls it */
};

enum frame_kind { FRAME_UPDATE, FRAME_STATE /* an update that answers a state vector */, FRAME_AWARENESS };

/* A message of one update or awareness: the headers of both protocols and the payload in one block. */
struct frame *frame_of_sync(struct frame_address to, enum frame_kind kind, struct bytes payload);

/* The same for documents' numbers: the native dialect. */
static inline struct frame_address frame_native(uint64_t number) {
    return (struct frame_address){ .dialect = DIALECT_NATIVE, .number = number };
}

struct frame *frame_acquire(struct frame *frame);
void frame_release(struct frame *frame);

#endif
