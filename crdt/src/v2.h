/* v2.h — update v2 to v1 and back: the same structs, each field in a stream of its own.
 *
 *   00 flag · key clock · client · left clock · right clock · info · strings · parent info · type ref · length · rest
 *            (each a byte count and that many bytes)                                                      (to the end)
 *
 * The engine knows v1 alone; v2 is translated where it comes in and goes out. */
#ifndef CRDT_SRC_V2_H
#define CRDT_SRC_V2_H

#include "ground/bytes.h"
#include "id.h"

/* Run lengths let a few bytes stand for any number of structs: an honest history of characters typed backwards and deleted is as
 * short as an enemy's. So this many are taken, which cost some MB, and more for each byte. */
enum { V2_STRUCTS_MAX = 1 << 16, V2_STRUCTS_PER_BYTE = 64 };

/* Appends what `update` says as v1. What the streams hold is looked at as far as it must be to find its end: the v1 update is to be
 * checked like any other. STATUS_MALFORMED; STATUS_TOO_BIG: too many structs, or the writer's maximum; STATUS_NO_MEMORY. After each
 * the writer holds what it held before. */
enum status v2_to_v1(struct bytes update, struct bytes_writer *out);

/* Appends the v1 `update`, which is checked on the way, as v2. Errors as above; STATUS_RANGE: clocks lie further apart than v2 can
 * say (2^52). */
enum status v2_from_v1(struct bytes update, struct bytes_writer *out);

/* A delete set as v2 has it, of normalized ranges. */
void v2_write_ranges(struct bytes_writer *out, const struct id_range *ranges, size_t count);

#endif
