/* varint.h — lib0's variable-length integers.
 *
 *   value        unsigned (varUint)        value   signed (varInt: 0x80 more, 0x40 negative, then 6 bits, then 7 a byte)
 *   0            00                        0       00
 *   127          7f                        -0      40
 *   128          80 01                     -1      41
 *   300          ac 02                     63      3f
 *   2^53 - 1     ff ff ff ff ff ff ff 0f   64      80 01
 *
 * Readers take overlong forms up to 10 bytes, as Yjs does, and refuse anything above 2^53 - 1. Writers write the shortest form.
 * Negative zero is a value of its own, so a signed number is read as sign and magnitude. */
#ifndef GROUND_VARINT_H
#define GROUND_VARINT_H

#include "ground/bytes.h"

#define VARINT_MAX ((UINT64_C(1) << 53) - 1)

enum { VARINT_BYTES_MAX = 10 };

/* STATUS_MALFORMED: cut off, longer than 10 bytes, or above 2^53 - 1; the reader has not moved. */
enum status varint_read(struct bytes_reader *reader, uint64_t *out);
enum status varint_read_signed(struct bytes_reader *reader, bool *out_negative, uint64_t *out_magnitude);

/* The same, inline where the number is short, as most are; false: malformed. */
static inline bool varint_take(struct bytes_reader *reader, uint64_t *out) {
    const uint8_t *at = reader->at;
    if (reader->end - at >= 3) {
        if (at[0] < 0x80) {
            *out = at[0];
            reader->at = at + 1;
            return true;
        }
        if (at[1] < 0x80) {
            *out = (uint64_t)(at[0] & 0x7f) | (uint64_t)at[1] << 7;
            reader->at = at + 2;
            return true;
        }
        if (at[2] < 0x80) {
            *out = (uint64_t)(at[0] & 0x7f) | (uint64_t)(at[1] & 0x7f) << 7 | (uint64_t)at[2] << 14;
            reader->at = at + 3;
            return true;
        }
    }
    return varint_read(reader, out) == STATUS_OK;
}

/* value <= 2^53 - 1 */
void varint_write(struct bytes_writer *writer, uint64_t value);
void varint_write_signed(struct bytes_writer *writer, bool negative, uint64_t magnitude);

/* Bytes that varint_write() needs, 1 to 8. */
unsigned varint_size(uint64_t value);

/* A varint byte count, then that many bytes; `out` points into the reader's bytes. */
enum status varint_read_view(struct bytes_reader *reader, struct bytes *out);
void varint_write_view(struct bytes_writer *writer, struct bytes bytes);

#endif
