/* any.h — lib0's "any" values, kept as the bytes that came.
 *
 *   7f undefined   7e null   7d integer (varInt)   7c float32   7b float64   7a bigint64   79 false   78 true
 *   77 string      76 object: count, count × (string, any)      75 array: count, count × any          74 bytes */
#ifndef CRDT_SRC_ANY_H
#define CRDT_SRC_ANY_H

#include "ground/bytes.h"

enum {
    ANY_DEPTH_MAX = 512, /* JavaScript itself fails at some thousands */
    ANY_UNDEFINED = 0x7f,
    ANY_NULL = 0x7e,
    ANY_INTEGER = 0x7d,
    ANY_FLOAT32 = 0x7c,
    ANY_FLOAT64 = 0x7b,
    ANY_BIGINT = 0x7a,
    ANY_FALSE = 0x79,
    ANY_TRUE = 0x78,
    ANY_STRING = 0x77,
    ANY_OBJECT = 0x76,
    ANY_ARRAY = 0x75,
    ANY_BYTES = 0x74
};

/* Steps over one value. `check`: strings are held against UTF-8 too; without it the bytes must have been checked before.
 * STATUS_MALFORMED: cut off, an unknown tag, or nested deeper than ANY_DEPTH_MAX. Cost: its bytes; no recursion, no memory. */
enum status any_skip(struct bytes_reader *reader, bool check);

#endif
