/* image.c — see image.h. */
#include "document/image.h"

#include "connection/connection.h"
#include "crdt/crdt.h"

enum { IMAGE_ENCODED_BYTES_MAX = 1 << 28, IMAGE_TAIL_SHARE = 5, IMAGE_CAPACITY_MIN = 4 };

void image_forget(struct image *image) {
    for (uint32_t i = 0; i < image->count; i++)
        frame_release(image->frames[i]);
    frame_release(image->packed);
    mem_free(&mem_default, image->frames, image->capacity * sizeof *image->frames);
    *image = (struct image){ 0 };
}

/* Takes a reference. Without memory the image is as it was. */
static enum status image_append(struct image *image, struct frame *frame) {
    if (image->count == image->capacity) {
        uint32_t capacity = image->capacity == 0 ? IMAGE_CAPACITY_MIN : 2 * image->capacity;
        struct frame **frames =
            mem_resize(&mem_default, image->frames, image->capacity * sizeof(struct frame *), capacity * sizeof(struct frame *));
        if (frames == NULL)
            return STATUS_NO_MEMORY;
        image->frames = frames;
        image->capacity = capacity;
    }
    image->frames[image->count++] = frame_acquire(frame);
    image->bytes += frame->size;
    return STATUS_OK;
}

static enum status image_encode(struct image *image, const struct crdt_doc *crdt, struct frame_address to) {
    struct bytes_writer update;
    bytes_writer_init(&update, &mem_default, IMAGE_ENCODED_BYTES_MAX);
    enum status status = crdt_update_encode(crdt, &update);
    struct frame *base = status == STATUS_OK ? frame_of_sync(to, FRAME_STATE, bytes_written(&update)) : NULL;
    bytes_writer_finish(&update);
    status = base == NULL ? STATUS_NO_MEMORY : image_append(image, base);
    frame_release(base);
    image->base_bytes = image->bytes;
    return status;
}

enum status image_take(struct image *image, const struct crdt_doc *crdt, struct frame_address to, uint64_t now_ms,
                       struct frame *const **out_frames, size_t *out_count) {
    enum status status = image_is_kept(image) ? STATUS_OK : image_encode(image, crdt, to);
    image->used_ms = now_ms;
    *out_frames = image->frames;
    *out_count = image->count;
    return status;
}

struct frame *image_base(struct image *image, const struct connection *connection) {
    struct frame *base = image->frames[0];
    uint8_t bits = connection->ws.deflate_bits;
    if (!ws_conn_packs(&connection->ws, base->size))
        return base;
    if (image->packed == NULL || image->packed_bits > bits) {
        frame_release(image->packed);
        image->packed = connection_pack(connection, base);
        image->packed_bits = bits;
    }
    return image->packed;
}

void image_add(struct image *image, struct frame *update) {
    if (!image_is_kept(image))
        return;
    size_t tail_bytes = image->bytes - image->base_bytes + update->size;
    if (image->count > IMAGE_TAIL_MAX || tail_bytes > image->base_bytes / IMAGE_TAIL_SHARE ||
        image_append(image, update) != STATUS_OK)
        image_forget(image);
}

void image_tick(struct image *image, uint64_t now_ms) {
    if (image_is_kept(image) && now_ms >= image->used_ms + IMAGE_IDLE_MS)
        image_forget(image);
}
