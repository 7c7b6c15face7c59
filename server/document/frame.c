/* frame.c — one allocation per frame. */
#include "document/frame.h"

#include "wire/sync.h"
#include "wire/ws.h"

#include <assert.h>

struct frame *frame_create(size_t size) {
    if (size > SIZE_MAX - sizeof(struct frame))
        return NULL;
    struct frame *frame = mem_alloc(&mem_default, sizeof *frame + size);
    if (frame == NULL)
        return NULL;
    *frame = (struct frame){ .references = 1, .size = size };
    return frame;
}

struct frame *frame_of_values(struct bytes payload) {
    uint8_t header[WS_HEADER_MAX];
    size_t header_size = ws_frame_header(header, payload.size, WS_BINARY, true);
    struct frame *frame = payload.size <= SIZE_MAX - header_size ? frame_create(header_size + payload.size) : NULL;
    if (frame == NULL)
        return NULL;
    memcpy(frame->data, header, header_size);
    if (payload.size > 0)
        memcpy(frame->data + header_size, payload.data, payload.size);
    return frame;
}

struct frame *frame_of_sync(enum wire_kind kind, uint64_t doc, struct bytes payload) {
    uint8_t header[WIRE_SYNC_HEADER_MAX];
    size_t header_size = wire_sync_frame_header(header, kind, doc, payload.size);
    struct frame *frame = payload.size <= SIZE_MAX - header_size ? frame_create(header_size + payload.size) : NULL;
    if (frame == NULL)
        return NULL;
    memcpy(frame->data, header, header_size);
    if (payload.size > 0)
        memcpy(frame->data + header_size, payload.data, payload.size);
    return frame;
}

struct frame *frame_acquire(struct frame *frame) {
    frame->references++;
    return frame;
}

void frame_release(struct frame *frame) {
    if (frame == NULL)
        return;
    assert(frame->references > 0);
    if (--frame->references == 0)
        mem_free(&mem_default, frame, sizeof *frame + frame->size);
}
