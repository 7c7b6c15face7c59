/* updates.h — updates as bytes: merged, cut, converted, without a document.
 *
 * All inputs are checked; STATUS_MALFORMED names nothing but the fact. Each function appends to `out`, which after an error holds
 * what it held before (STATUS_NO_MEMORY, STATUS_TOO_BIG: the writer's maximum, or a v2 update of too many structs; STATUS_RANGE:
 * clocks lie further apart than v2 can say, 2^52). Memory: a small multiple of the inputs and the output. */
#ifndef CRDT_UPDATES_H
#define CRDT_UPDATES_H

#include "ground/bytes.h"

enum crdt_format {
    CRDT_V1 = 1, /* what everybody reads */
    CRDT_V2 = 2  /* run-length encoded: a third smaller on long histories, costlier on single edits */
};

/* The union of `count` updates, as one: what is in several of them once, gaps between units of a client as Skip. Whoever applies it
 * has applied all. A single input is copied as it is. Cost: all structs × log of the inputs. */
enum status crdt_updates_merge(enum crdt_format format, const struct bytes *updates, size_t count, struct bytes_writer *out);

/* What of an update a peer with this state vector misses; the deletions are kept whole. */
enum status crdt_updates_diff(enum crdt_format format, struct bytes update, struct bytes state_vector, struct bytes_writer *out);

/* The state vector that a document has after this update alone: of each client the units from 0 to the first gap. */
enum status crdt_updates_state_vector(enum crdt_format format, struct bytes update, struct bytes_writer *out);

/* The same update in the other format. */
enum status crdt_updates_convert(enum crdt_format from, enum crdt_format to, struct bytes update, struct bytes_writer *out);

#endif
