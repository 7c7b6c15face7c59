/* varint.c — see varint.h for the byte table. */
#include "ground/varint.h"

#include <assert.h>

/* The groups of 7 bits from `at` on, added to `value` from bit `shift` up. `used` bytes of the number stand before `at`. */
static enum status varint_read_groups(struct bytes_reader *reader, const uint8_t *at, uint64_t value, unsigned shift, unsigned used,
                                      uint64_t *out) {
    for (;;) {
        if (at == reader->end || used == VARINT_BYTES_MAX)
            return STATUS_MALFORMED;
        uint64_t group = *at & 0x7f;
        if (group != 0 && (shift > 52 || group > VARINT_MAX >> shift))
            return STATUS_MALFORMED;
        if (group != 0)
            value |= group << shift;
        shift += 7;
        used++;
        if ((*at++ & 0x80) == 0)
            break;
    }
    reader->at = at;
    *out = value;
    return STATUS_OK;
}

enum status varint_read(struct bytes_reader *reader, uint64_t *out) {
    const uint8_t *at = reader->at;
    if (at != reader->end && *at < 0x80) { /* most numbers */
        *out = *at;
        reader->at = at + 1;
        return STATUS_OK;
    }
    return varint_read_groups(reader, at, 0, 0, 0, out);
}

enum status varint_read_signed(struct bytes_reader *reader, bool *out_negative, uint64_t *out_magnitude) {
    const uint8_t *at = reader->at;
    if (at == reader->end)
        return STATUS_MALFORMED;
    uint8_t first = *at;
    uint64_t magnitude = first & 0x3f;
    if (first & 0x80) {
        enum status status = varint_read_groups(reader, at + 1, magnitude, 6, 1, &magnitude);
        if (status != STATUS_OK)
            return status;
    } else {
        reader->at = at + 1;
    }
    *out_negative = (first & 0x40) != 0;
    *out_magnitude = magnitude;
    return STATUS_OK;
}

unsigned varint_size(uint64_t value) {
    unsigned size = 1;
    while ((value >>= 7) != 0)
        size++;
    return size;
}

void varint_write(struct bytes_writer *writer, uint64_t value) {
    assert(value <= VARINT_MAX);
    uint8_t *room = bytes_writer_reserve(writer, VARINT_BYTES_MAX);
    if (room == NULL)
        return;
    size_t count = 0;
    for (; value >= 0x80; value >>= 7)
        room[count++] = (uint8_t)(value | 0x80);
    room[count++] = (uint8_t)value;
    writer->size += count;
}

void varint_write_signed(struct bytes_writer *writer, bool negative, uint64_t magnitude) {
    assert(magnitude <= VARINT_MAX);
    uint8_t *room = bytes_writer_reserve(writer, VARINT_BYTES_MAX);
    if (room == NULL)
        return;
    size_t count = 0;
    uint64_t rest = magnitude >> 6;
    room[count++] = (uint8_t)((rest != 0 ? 0x80 : 0) | (negative ? 0x40 : 0) | (magnitude & 0x3f));
    while (rest != 0) {
        uint64_t group = rest & 0x7f;
        rest >>= 7;
        room[count++] = (uint8_t)(group | (rest != 0 ? 0x80 : 0));
    }
    writer->size += count;
}

enum status varint_read_view(struct bytes_reader *reader, struct bytes *out) {
    struct bytes_reader attempt = *reader;
    uint64_t size;
    if (varint_read(&attempt, &size) != STATUS_OK || size > bytes_left(&attempt))
        return STATUS_MALFORMED;
    *out = bytes_of(attempt.at, (size_t)size);
    reader->at = attempt.at + size;
    return STATUS_OK;
}

void varint_write_view(struct bytes_writer *writer, struct bytes bytes) {
    varint_write(writer, bytes.size);
    bytes_write(writer, bytes);
}
