/* utf.h — UTF-8 checked strictly, and its length in UTF-16 units.
 *
 * The CRDT counts in UTF-16 code units, because Yjs does; bytes are stored as UTF-8. A code point above U+FFFF is four bytes and
 * two units. Strict: no overlong forms, no encoded surrogates, nothing above U+10FFFF; NUL and the byte order mark are characters.
 */
#ifndef GROUND_UTF_H
#define GROUND_UTF_H

#include "ground/bytes.h"

/* Whether `text` is strict UTF-8; `out_units` (may be NULL) gets its length in UTF-16 units. */
bool utf_check(struct bytes text, size_t *out_units);

/* UTF-16 units of text that is known to be valid. */
size_t utf_units(struct bytes text);

/* Byte offset of the unit `unit` in valid text, unit <= utf_units(text). `out_inside_pair` (may be NULL) says that the unit is the
 * second half of a surrogate pair; the offset is then that of the four-byte character. */
size_t utf_offset(struct bytes text, size_t unit, bool *out_inside_pair);

#endif
