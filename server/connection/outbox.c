/* outbox.c — a ring of frames and the gathered write. */
#include "connection/outbox.h"

#include "loop/socket.h"

#include <assert.h>

enum { OUTBOX_CAPACITY_MIN = 4 };

void outbox_init(struct outbox *outbox) {
    *outbox = (struct outbox){ 0 };
}

static struct frame **outbox_slot(const struct outbox *outbox, uint32_t index) {
    return &outbox->ring[(outbox->first + index) & (outbox->capacity - 1)];
}

void outbox_finish(struct outbox *outbox) {
    if (outbox == NULL)
        return;
    for (uint32_t i = 0; i < outbox->count; i++)
        frame_release(*outbox_slot(outbox, i));
    mem_free(&mem_default, outbox->ring, outbox->capacity * sizeof *outbox->ring);
    outbox_init(outbox);
}

static enum status outbox_grow(struct outbox *outbox) {
    uint32_t capacity = outbox->capacity == 0 ? OUTBOX_CAPACITY_MIN : outbox->capacity * 2;
    struct frame **ring = mem_alloc(&mem_default, capacity * sizeof(struct frame *));
    if (ring == NULL)
        return STATUS_NO_MEMORY;
    for (uint32_t i = 0; i < outbox->count; i++)
        ring[i] = *outbox_slot(outbox, i);
    mem_free(&mem_default, outbox->ring, outbox->capacity * sizeof(struct frame *));
    outbox->ring = ring;
    outbox->capacity = capacity;
    outbox->first = 0;
    return STATUS_OK;
}

enum status outbox_push(struct outbox *outbox, struct frame *frame, size_t bytes_max) {
    if (outbox->bytes + frame->size > bytes_max)
        return STATUS_TOO_BIG;
    if (outbox->count == outbox->capacity) {
        enum status status = outbox_grow(outbox);
        if (status != STATUS_OK)
            return status;
    }
    outbox->count++;
    *outbox_slot(outbox, outbox->count - 1) = frame_acquire(frame);
    outbox->bytes += frame->size;
    return STATUS_OK;
}

/* Takes `written` bytes off the front. */
static void outbox_advance(struct outbox *outbox, size_t written) {
    outbox->bytes -= written;
    while (written > 0) {
        struct frame *frame = *outbox_slot(outbox, 0);
        size_t left = frame->size - outbox->sent_bytes;
        if (written < left) {
            outbox->sent_bytes += written;
            return;
        }
        written -= left;
        outbox->sent_bytes = 0;
        outbox->first = (outbox->first + 1) & (outbox->capacity - 1);
        outbox->count--;
        frame_release(frame);
    }
}

enum status outbox_flush(struct outbox *outbox, struct socket *socket) {
    while (outbox->count > 0) {
        struct bytes parts[SOCKET_PARTS_MAX];
        size_t count = 0;
        size_t asked = 0;
        for (; count < outbox->count && count < SOCKET_PARTS_MAX; count++) {
            struct frame *frame = *outbox_slot(outbox, (uint32_t)count);
            size_t skip = count == 0 ? outbox->sent_bytes : 0;
            parts[count] = bytes_of(frame->data + skip, frame->size - skip);
            asked += parts[count].size;
        }
        size_t written = 0;
        enum status status = socket_write(socket, parts, count, &written);
        if (status != STATUS_OK)
            return status;
        assert(written <= asked);
        outbox_advance(outbox, written);
        if (written < asked)
            return STATUS_MORE;
    }
    outbox_finish(outbox); /* an idle connection holds no ring */
    return STATUS_OK;
}

void outbox_drop_unsent(struct outbox *outbox) {
    uint32_t kept = outbox->sent_bytes > 0 ? 1 : 0;
    while (outbox->count > kept) {
        outbox->count--;
        struct frame *frame = *outbox_slot(outbox, outbox->count);
        outbox->bytes -= frame->size;
        frame_release(frame);
    }
}
