/* update.h — Yjs updates: in, out, and questions about their bytes. Version 1, unless a name says v2.
 *
 * An update is a set of units and deletions. Applying is commutative, associative and idempotent: any order, any number of times,
 * the same document. What an update builds on and the document lacks makes the rest of it wait in *pending*; it is integrated by
 * the update that brings the missing part.
 *
 * Updates come from outside and are trusted in no way. Every function here answers STATUS_MALFORMED for bytes that are no update
 * and has then changed nothing. Memory and time are bounded by a small multiple of the input's size, whatever counts and lengths it
 * claims.
 *
 *   01 01 01 00 04 01 01 74 03 61 62 63 00      client 1 writes "abc" into the root "t"
 *   ── ── ── ── ── ───────── ─────────── ──
 *   │  │  │  │  │  │         │           └ clients with deletions
 *   │  │  │  │  │  │         └ text, with its byte count
 *   │  │  │  │  │  └ parent: a root, its name
 *   │  │  │  │  └ info: a string, no neighbours
 *   │  │  │  └ first clock
 *   │  │  └ client
 *   │  └ structs of this client
 *   └ clients */
#ifndef CRDT_UPDATE_H
#define CRDT_UPDATE_H

#include "crdt/doc.h"

/* What applying did, for a server that relays and stores. */
struct crdt_update_result {
    uint64_t units_new;     /* integrated by this call, older pending units that it woke included */
    uint64_t units_deleted; /* newly deleted by this call */
    bool parked;            /* some units or deletions of this update wait in pending now */
    bool pending;           /* the document has anything pending after this call */
    bool woke;              /* something parked by earlier updates took effect: whoever sent this one may lack it */
    bool verbatim; /* the update's own bytes say exactly what became new: all of it was new and in order, nothing was parked,
                      nothing older was woken. They may be relayed untouched. */
    uint64_t conflict_steps; /* concurrent runs that were walked over to find places, about 6 ns each. Honest updates: few per run.
                                An enemy's: up to runs²/2, see crdt_doc_set_conflict_steps_max */
};

/* Applies one v1 update in `txn`, all of it or nothing.
 *
 * `update`  any bytes; copied where kept
 * `out`     may be NULL
 *
 * STATUS_OK         integrated, or parked in pending until its ancestors arrive; also when everything was known already
 * STATUS_MALFORMED  not a v1 update; the document is unchanged
 * STATUS_TOO_BIG    the update, pending, the number of clients or of conflict steps would pass the document's limits; the document
 *                   is unchanged
 * STATUS_NO_MEMORY  the document is unchanged (everything is reserved before the first link is made)
 *
 * Cost: runs in the update × (a search + concurrent inserts at the same place).
 * Source: the order rule is YATA (Nicolaescu et al. 2016) as Yjs has it; see INTERNALS. */
enum status crdt_update_apply(struct crdt_txn *txn, struct bytes update, struct crdt_update_result *out);

/* The same with an update v2. STATUS_TOO_BIG also if it holds more structs than V2 may (updates.h), or would be larger than
 * options.update_bytes_max as v1. `out->verbatim` is false: the document tells others in v1. */
enum status crdt_update_apply_v2(struct crdt_txn *txn, struct bytes update, struct crdt_update_result *out);

/* Whether the update would bring nothing new: every unit is known and every deletion done. Changes nothing.
 * STATUS_MALFORMED: not an update. */
enum status crdt_update_is_known(const struct crdt_doc *doc, struct bytes update, bool *out);

/* A range of units [clock_from, clock_to) of one client. */
struct crdt_range {
    uint64_t client;
    uint64_t clock_from;
    uint64_t clock_to;
};

/* Names the units in an update, without a document: one call per client and gapless range, in the update's order; deletions are not
 * named. `visit` answers anything but STATUS_OK to stop; that status is returned then. The whole update is checked before the first
 * call: STATUS_MALFORMED means that `visit` was never called. */
enum status crdt_update_each_range(struct bytes update, enum status (*visit)(void *context, const struct crdt_range *range),
                                   void *context);

/* Whether the bytes are an update. `mem`-free and without a document. STATUS_OK or STATUS_MALFORMED. */
enum status crdt_update_check(struct bytes update);

/* Appends the whole state as one update, what is pending included: it can replace everything that was applied so far.
 * STATUS_NO_MEMORY, STATUS_TOO_BIG (the writer's maximum): the writer holds what it held before. */
enum status crdt_update_encode(const struct crdt_doc *doc, struct bytes_writer *out);

/* Appends what a peer with this state vector misses: units, and the whole delete set (a state vector does not cover deletions).
 * An empty answer is the update `00 00`. Errors as above; STATUS_MALFORMED: not a state vector. */
enum status crdt_update_encode_diff(const struct crdt_doc *doc, struct bytes state_vector, struct bytes_writer *out);

/* The same in v2. */
enum status crdt_update_encode_v2(const struct crdt_doc *doc, struct bytes_writer *out);
enum status crdt_update_encode_diff_v2(const struct crdt_doc *doc, struct bytes state_vector, struct bytes_writer *out);

/* Appends the state vector: varUint n, n × (varUint client, varUint clock), clients descending. Pending units do not count. */
enum status crdt_state_vector_encode(const struct crdt_doc *doc, struct bytes_writer *out);

/* Holds a peer's state vector against the document.
 *
 * `peer_misses`  the document has units that the peer lacks (deletions are not covered)
 * `doc_misses`   the peer has units that the document lacks
 * STATUS_MALFORMED: not a state vector. */
enum status crdt_state_vector_compare(const struct crdt_doc *doc, struct bytes state_vector, bool *peer_misses, bool *doc_misses);

#endif
