/* framing.c — see framing.h. */
#include "document/framing.h"

struct frame *framing_frame(struct framing *framing, struct frame_address to) {
    struct frame **frame = &framing->frames[to.dialect];
    if (*frame != NULL && (to.dialect != DIALECT_HOCUSPOCUS || bytes_equal(to.name, framing->name)))
        return *frame;
    frame_release(*frame);
    framing->name = to.name;
    *frame = frame_of_sync(to, framing->kind, framing->payload);
    return *frame;
}

void framing_finish(struct framing *framing) {
    for (size_t i = 0; i < DIALECT_COUNT; i++)
        frame_release(framing->frames[i]);
}
