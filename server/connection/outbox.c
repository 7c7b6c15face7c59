/* outbox.c — a ring of frames and the gathered write. */
#include "connection/outbox.h"

#include "loop/socket.h"

#include <assert.h>

void outbox_init(struct outbox *outbox) {
    *outbox = (struct outbox){ .capacity = OUTBOX_FEW };
    outbox->ring = outbox->few;
}

static struct frame **outbox_slot(const struct outbox *outbox, uint32_t index) {
    return &outbox->ring[(outbox->first + index) & (outbox->capacity - 1)];
}

/* Back to the few slots; the outbox is empty. */
static void outbox_shrink(struct outbox *outbox) {
    assert(outbox->count == 0 && outbox->bytes == 0);
    if (outbox->ring != outbox->few)
        mem_free(&mem_default, outbox->ring, outbox->capacity * sizeof(struct frame *));
    outbox->ring = outbox->few;
    outbox->capacity = OUTBOX_FEW;
    outbox->first = 0;
}

void outbox_finish(struct outbox *outbox) {
    if (outbox == NULL || outbox->ring == NULL)
        return;
    for (uint32_t i = 0; i < outbox->count; i++)
        frame_release(*outbox_slot(outbox, i));
    outbox->count = 0;
    outbox->bytes = outbox->sent_bytes = outbox->state_bytes = outbox->state_end = 0;
    outbox_shrink(outbox);
}

/* Makes room for `count` more frames. */
static enum status outbox_reserve(struct outbox *outbox, size_t count) {
    size_t capacity = outbox->capacity;
    while (capacity - outbox->count < count)
        capacity *= 2;
    if (capacity == outbox->capacity)
        return STATUS_OK;
    struct frame **ring = capacity > UINT32_MAX ? NULL : mem_alloc(&mem_default, capacity * sizeof(struct frame *));
    if (ring == NULL)
        return STATUS_NO_MEMORY;
    for (uint32_t i = 0; i < outbox->count; i++)
        ring[i] = *outbox_slot(outbox, i);
    if (outbox->ring != outbox->few)
        mem_free(&mem_default, outbox->ring, outbox->capacity * sizeof(struct frame *));
    outbox->ring = ring;
    outbox->capacity = (uint32_t)capacity;
    outbox->first = 0;
    return STATUS_OK;
}

/* There is room. */
static void outbox_append(struct outbox *outbox, struct frame *frame) {
    assert(outbox->count < outbox->capacity);
    outbox->count++;
    *outbox_slot(outbox, outbox->count - 1) = frame_acquire(frame);
    outbox->bytes += frame->size;
}

enum status outbox_push(struct outbox *outbox, struct frame *frame, size_t pressure_max) {
    if (outbox_pressure(outbox) >= pressure_max)
        return STATUS_TOO_BIG;
    enum status status = outbox_reserve(outbox, 1);
    if (status == STATUS_OK)
        outbox_append(outbox, frame);
    return status;
}

enum status outbox_push_state(struct outbox *outbox, struct frame *base, struct frame *const *tail, size_t tail_count) {
    size_t before = outbox->bytes;
    assert(!outbox_has_state(outbox));
    enum status status = outbox_reserve(outbox, 1 + tail_count);
    if (status != STATUS_OK)
        return status;
    outbox_append(outbox, base);
    for (size_t i = 0; i < tail_count; i++)
        outbox_append(outbox, tail[i]);
    outbox->state_bytes = outbox->bytes - before;
    outbox->state_end = outbox->bytes;
    return STATUS_OK;
}

/* `bytes` have left the front, or its end. */
static void outbox_shift_state(struct outbox *outbox, size_t bytes) {
    outbox->state_end -= bytes < outbox->state_end ? bytes : outbox->state_end;
    if (outbox->state_bytes > outbox->state_end)
        outbox->state_bytes = outbox->state_end;
}

/* Takes `written` bytes off the front. */
static void outbox_advance(struct outbox *outbox, size_t written) {
    outbox->bytes -= written;
    outbox_shift_state(outbox, written);
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

enum status outbox_flush(struct outbox *outbox, struct socket *socket, size_t bytes_max, size_t *out_written) {
    *out_written = 0;
    while (outbox->count > 0 && *out_written < bytes_max) {
        struct bytes parts[SOCKET_PARTS_MAX];
        size_t count = 0;
        size_t asked = 0;
        size_t limit = bytes_max - *out_written;
        for (; count < outbox->count && count < SOCKET_PARTS_MAX && asked < limit; count++) {
            struct frame *frame = *outbox_slot(outbox, (uint32_t)count);
            size_t skip = count == 0 ? outbox->sent_bytes : 0;
            size_t size = frame->size - skip;
            parts[count] = bytes_of(frame->data + skip, size < limit - asked ? size : limit - asked);
            asked += parts[count].size;
        }
        size_t written = 0;
        enum status status = socket_write(socket, parts, count, &written);
        if (status != STATUS_OK)
            return status;
        assert(written <= asked);
        outbox_advance(outbox, written);
        *out_written += written;
        if (written < asked)
            return STATUS_MORE;
    }
    if (outbox->count == 0)
        outbox_shrink(outbox);
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
    outbox->state_bytes = outbox->state_end = 0; /* what is left is one frame and will be gone or not, whatever it counts */
}
