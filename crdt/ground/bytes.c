/* bytes.c — checked reads, growing writes. */
#include "ground/bytes.h"

#include <assert.h>

enum { BYTES_CAPACITY_MIN = 64 };

static uint64_t bytes_load(const uint8_t *at, unsigned count) {
    uint64_t value = 0;
    for (unsigned i = 0; i < count; i++)
        value = value << 8 | at[i];
    return value;
}

static void bytes_store(uint8_t *at, unsigned count, uint64_t value) {
    for (unsigned i = count; i-- > 0; value >>= 8)
        at[i] = (uint8_t)value;
}

enum status bytes_read_u8(struct bytes_reader *reader, uint8_t *out) {
    if (bytes_left(reader) < 1)
        return STATUS_MALFORMED;
    *out = *reader->at++;
    return STATUS_OK;
}

enum status bytes_read_u16(struct bytes_reader *reader, uint16_t *out) {
    if (bytes_left(reader) < 2)
        return STATUS_MALFORMED;
    *out = (uint16_t)bytes_load(reader->at, 2);
    reader->at += 2;
    return STATUS_OK;
}

enum status bytes_read_u32(struct bytes_reader *reader, uint32_t *out) {
    if (bytes_left(reader) < 4)
        return STATUS_MALFORMED;
    *out = (uint32_t)bytes_load(reader->at, 4);
    reader->at += 4;
    return STATUS_OK;
}

enum status bytes_read_u64(struct bytes_reader *reader, uint64_t *out) {
    if (bytes_left(reader) < 8)
        return STATUS_MALFORMED;
    *out = bytes_load(reader->at, 8);
    reader->at += 8;
    return STATUS_OK;
}

enum status bytes_read_view(struct bytes_reader *reader, size_t size, struct bytes *out) {
    if (bytes_left(reader) < size)
        return STATUS_MALFORMED;
    *out = bytes_of(reader->at, size);
    reader->at += size;
    return STATUS_OK;
}

void bytes_writer_init(struct bytes_writer *writer, const struct mem *mem, size_t size_max) {
    *writer = (struct bytes_writer){ .mem = mem, .size_max = size_max };
}

void bytes_writer_finish(struct bytes_writer *writer) {
    if (writer == NULL || writer->mem == NULL)
        return;
    mem_free(writer->mem, writer->data, writer->capacity);
    *writer = (struct bytes_writer){ .mem = writer->mem, .size_max = writer->size_max };
}

void bytes_writer_reset(struct bytes_writer *writer) {
    writer->size = 0;
    writer->status = STATUS_OK;
}

uint8_t *bytes_writer_reserve(struct bytes_writer *writer, size_t size) {
    if (writer->status != STATUS_OK)
        return NULL;
    if (size > writer->size_max - writer->size) {
        writer->status = STATUS_TOO_BIG;
        return NULL;
    }
    size_t needed = writer->size + size;
    if (needed > writer->capacity || writer->data == NULL) {
        size_t capacity = writer->capacity < BYTES_CAPACITY_MIN ? BYTES_CAPACITY_MIN : writer->capacity;
        while (capacity < needed)
            capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
        uint8_t *data = mem_resize(writer->mem, writer->data, writer->capacity, capacity);
        if (data == NULL) {
            writer->status = STATUS_NO_MEMORY;
            return NULL;
        }
        writer->data = data;
        writer->capacity = capacity;
    }
    return writer->data + writer->size;
}

void bytes_write(struct bytes_writer *writer, struct bytes bytes) {
    if (bytes.size == 0)
        return;
    uint8_t *room = bytes_writer_reserve(writer, bytes.size);
    if (room == NULL)
        return;
    memcpy(room, bytes.data, bytes.size);
    writer->size += bytes.size;
}

static void bytes_write_number(struct bytes_writer *writer, unsigned count, uint64_t value) {
    uint8_t *room = bytes_writer_reserve(writer, count);
    if (room == NULL)
        return;
    bytes_store(room, count, value);
    writer->size += count;
}

void bytes_write_u8(struct bytes_writer *writer, uint8_t value) {
    bytes_write_number(writer, 1, value);
}

void bytes_write_u16(struct bytes_writer *writer, uint16_t value) {
    bytes_write_number(writer, 2, value);
}

void bytes_write_u32(struct bytes_writer *writer, uint32_t value) {
    bytes_write_number(writer, 4, value);
}

void bytes_write_u64(struct bytes_writer *writer, uint64_t value) {
    bytes_write_number(writer, 8, value);
}

uint8_t *bytes_writer_take(struct bytes_writer *writer, size_t *out_size, size_t *out_capacity) {
    uint8_t *data = writer->data;
    *out_size = writer->size;
    *out_capacity = writer->capacity;
    writer->data = NULL;
    writer->size = 0;
    writer->capacity = 0;
    return data;
}
