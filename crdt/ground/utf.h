/* utf.h — UTF-8 checked strictly, and its length in UTF-16 units.
 *
 * The CRDT counts in UTF-16 code units, because Yjs does; bytes are stored as UTF-8. A code point above U+FFFF is four bytes and
 * two units. Strict: no overlong forms, no encoded surrogates, nothing above U+10FFFF; NUL and the byte order mark are characters.
 */
#ifndef GROUND_UTF_H
#define GROUND_UTF_H

#include "ground/bytes.h"

#include <string.h>

/* Whether `text` is strict UTF-8; `out_units` (may be NULL) gets its length in UTF-16 units. */
bool utf_check(struct bytes text, size_t *out_units);

enum { UTF_STEP = 32 };
extern const uint8_t utf_step_mask[2 * UTF_STEP]; /* the first half has the upper bits set */

/* Whether `size` <= UTF_STEP bytes are ASCII, where UTF_STEP bytes can be read. Takes the same time for all. */
static inline bool utf_step_is_ascii(const uint8_t *data, size_t size) {
    uint64_t seen = 0;
    for (size_t i = 0; i < UTF_STEP; i += sizeof seen) {
        uint64_t word;
        uint64_t mask;
        memcpy(&word, data + i, sizeof word);
        memcpy(&mask, utf_step_mask + UTF_STEP - size + i, sizeof mask);
        seen |= word & mask;
    }
    return seen == 0;
}

/* UTF-16 units of text that is known to be valid. */
size_t utf_units(struct bytes text);

/* Byte offset of the unit `unit` in valid text, unit <= utf_units(text). `out_inside_pair` (may be NULL) says that the unit is the
 * second half of a surrogate pair; the offset is then that of the four-byte character. */
size_t utf_offset(struct bytes text, size_t unit, bool *out_inside_pair);

#endif
