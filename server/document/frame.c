/* frame.c — one allocation per frame. */
#include "document/frame.h"

#include "ground/varint.h"
#include "wire/hocuspocus.h"
#include "wire/sync.h"
#include "wire/ws.h"

#include <assert.h>

/* A varint is written with room for ten bytes. */
enum { FRAME_DOOR_HEAD_MAX = VARINT_BYTES_MAX + HOCUSPOCUS_NAME_MAX + YWS_HEAD_MAX };

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

/* A door's header: WebSocket's, maybe a name, y-websocket's. */
static size_t frame_door_header(uint8_t *out, struct bytes name, enum frame_kind kind, size_t payload_size) {
    static const enum yws_kind kinds[] = { YWS_UPDATE, YWS_STEP_2, YWS_AWARENESS };
    uint8_t head[FRAME_DOOR_HEAD_MAX];
    struct bytes_writer writer = { .data = head, .capacity = sizeof head, .size_max = sizeof head };
    if (name.data != NULL)
        varint_write_view(&writer, name);
    size_t size = writer.size + yws_head(head + writer.size, kinds[kind], payload_size);
    size_t ws_size = ws_frame_header(out, size + payload_size, WS_BINARY, true);
    memcpy(out + ws_size, head, size);
    return ws_size + size;
}

struct frame *frame_of_sync(struct frame_address to, enum frame_kind kind, struct bytes payload) {
    uint8_t header[WS_HEADER_MAX + FRAME_DOOR_HEAD_MAX];
    size_t header_size =
        to.dialect == DIALECT_NATIVE
            ? wire_sync_frame_header(header, kind == FRAME_AWARENESS ? WIRE_AWARENESS : WIRE_UPDATE, to.number, payload.size)
            : frame_door_header(header, to.name, kind, payload.size);
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
