/* framing.h — one payload for all readers of a document: framed for a dialect when its first reader is met, then shared.
 *
 *   payload ──▶ reader, native  ─▶ frame ─┐
 *               reader, native  ──────────┴─▶ the same
 *               reader, y-websocket ─▶ frame
 *
 * Hocuspocus' readers share as long as one calls the document what the one before called it. */
#ifndef SERVER_FRAMING_H
#define SERVER_FRAMING_H

#include "document/document.h"

struct framing {
    enum frame_kind kind;
    struct bytes payload; /* not copied */
    /* private */
    struct frame *frames[DIALECT_COUNT];
    struct bytes name; /* of the Hocuspocus frame */
};

/* The frame for these readers: the framing's, until the next call. NULL: no memory. */
struct frame *framing_frame(struct framing *framing, struct frame_address to);

void framing_finish(struct framing *framing);

#endif
