/* bytes.h — a view of bytes, a bounded reader, a growing writer with a stated maximum.
 *
 *   struct bytes         a view: data and size, owned by somebody else
 *   struct bytes_reader  walks a view; every read is checked, a failed read moves nothing
 *   struct bytes_writer  grows by doubling up to `size_max`; the first failure sticks in `status`, later writes do nothing,
 *                        so a caller checks once at the end
 *
 * Multi-byte numbers are big-endian, as on every wire that we speak. */
#ifndef GROUND_BYTES_H
#define GROUND_BYTES_H

#include "ground/mem.h"
#include "ground/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *data;
    size_t size;
};

static inline struct bytes bytes_of(const void *data, size_t size) {
    return (struct bytes){ data, size };
}

/* A view of a NUL-terminated string, without its NUL. */
static inline struct bytes bytes_text(const char *text) {
    return (struct bytes){ (const uint8_t *)text, strlen(text) };
}

static inline bool bytes_equal(struct bytes a, struct bytes b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool bytes_equal_text(struct bytes a, const char *text) {
    return bytes_equal(a, bytes_text(text));
}

struct bytes_reader {
    const uint8_t *at;
    const uint8_t *end;
};

static inline struct bytes_reader bytes_reader(struct bytes bytes) {
    return (struct bytes_reader){ bytes.data, bytes.size == 0 ? bytes.data : bytes.data + bytes.size };
}

static inline size_t bytes_left(const struct bytes_reader *reader) {
    return (size_t)(reader->end - reader->at);
}

/* Each answers STATUS_MALFORMED, and moves nothing, when the input is too short. */
enum status bytes_read_u8(struct bytes_reader *reader, uint8_t *out);
enum status bytes_read_u16(struct bytes_reader *reader, uint16_t *out);
enum status bytes_read_u32(struct bytes_reader *reader, uint32_t *out);
enum status bytes_read_u64(struct bytes_reader *reader, uint64_t *out);
/* `out` points into the reader's bytes. */
enum status bytes_read_view(struct bytes_reader *reader, size_t size, struct bytes *out);

struct bytes_writer {
    uint8_t *data;
    size_t size;
    size_t capacity;
    size_t size_max;
    const struct mem *mem;
    enum status status; /* the first failure: STATUS_NO_MEMORY or STATUS_TOO_BIG */
};

void bytes_writer_init(struct bytes_writer *writer, const struct mem *mem, size_t size_max);
void bytes_writer_finish(struct bytes_writer *writer);

/* Forgets what was written and the failure; keeps the memory. */
void bytes_writer_reset(struct bytes_writer *writer);

/* Room for `size` more bytes at the end, to be filled by the caller before it adds `size` to writer->size; NULL on failure. */
uint8_t *bytes_writer_reserve(struct bytes_writer *writer, size_t size);

void bytes_write(struct bytes_writer *writer, struct bytes bytes);
void bytes_write_u8(struct bytes_writer *writer, uint8_t value);
void bytes_write_u16(struct bytes_writer *writer, uint16_t value);
void bytes_write_u32(struct bytes_writer *writer, uint32_t value);
void bytes_write_u64(struct bytes_writer *writer, uint64_t value);

static inline struct bytes bytes_written(const struct bytes_writer *writer) {
    return (struct bytes){ writer->data, writer->size };
}

/* Hands the memory to the caller, who frees `out_capacity` bytes with the writer's allocator; the writer is empty then. */
uint8_t *bytes_writer_take(struct bytes_writer *writer, size_t *out_size, size_t *out_capacity);

#endif
