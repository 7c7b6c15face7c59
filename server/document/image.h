/* image.h — a document's whole state in frames, encoded once for all who join.
 *
 *   [base: everything when it was encoded][update][update] … the frames that were relayed since, in order
 *
 * A storm of joins costs one encoding, and each joiner references to its frames; memory does not grow with the joiners. The tail is
 * at most a fifth of the base and IMAGE_TAIL_MAX frames: then all is forgotten, and the next who joins has it encoded again. Nobody
 * has joined for IMAGE_IDLE_MS: forgotten, too. The base is kept compressed as well, once somebody wants it so. An image is of one
 * dialect. */
#ifndef SERVER_IMAGE_H
#define SERVER_IMAGE_H

#include "document/frame.h"

struct connection;
struct crdt_doc;

enum { IMAGE_TAIL_MAX = 255, IMAGE_IDLE_MS = 10000 };

struct image {
    /* private */
    struct frame **frames; /* the base first; NULL: nothing is kept */
    uint32_t count;
    uint32_t capacity;
    size_t base_bytes;
    size_t bytes;         /* of all frames */
    struct frame *packed; /* the base as one who takes compressed messages gets it; NULL: nobody has asked */
    uint8_t packed_bits;  /* of the window that it needs */
    uint64_t used_ms;
};

/* All frames of the state of `crdt` for these readers; valid until the next call on `image`.
 * STATUS_NO_MEMORY: there is no state. */
enum status image_take(struct image *image, const struct crdt_doc *crdt, struct frame_address to, uint64_t now_ms,
                       struct frame *const **out_frames, size_t *out_count);

/* The base, of an image just taken, as this connection gets it. Valid as the others; always there. */
struct frame *image_base(struct image *image, const struct connection *connection);

/* The document has taken in what `update` says, since the last call or image_take(). Takes a reference if it keeps it. */
void image_add(struct image *image, struct frame *update);

static inline bool image_is_kept(const struct image *image) {
    return image->frames != NULL;
}

static inline size_t image_bytes(const struct image *image) {
    return image->bytes + (image->packed == NULL ? 0 : image->packed->size);
}

void image_forget(struct image *image);

/* Forgets what nobody has asked for in a while. */
void image_tick(struct image *image, uint64_t now_ms);

#endif
