/* undo.h — taking back one's own edits while others edit.
 *
 *     crdt_undo_create(&(struct crdt_undo_options){ .doc = doc, .now_ms = clock }, &undo);
 *     … transactions …
 *     crdt_undo(undo, &update, &done)        the newest of one's own edits is gone; those of others stay
 *     crdt_redo(undo, &update, &done)
 *
 * What a tracked transaction inserted and deleted is one *stack item*; transactions that follow within `capture_ms` join it.
 * Undoing deletes what was inserted and inserts copies of what was deleted, beside where it stands, as a transaction like any other
 * (its origin is the undo manager), so peers need to know nothing. The stacks live in memory and hold ranges of units, no content:
 * deleted content that a stack may need is kept from collection in the document.
 *
 * As in Yjs, an overwritten key is only taken back if nobody else has set it since. */
#ifndef CRDT_UNDO_H
#define CRDT_UNDO_H

#include "crdt/observe.h"

struct crdt_undo;

struct crdt_undo_options {
    struct crdt_doc *doc; /* must outlive the undo manager */
    /* Only changes in these types, and in what they hold, are tracked and taken back; none: all of the document. Copied. */
    struct crdt_type *const *scopes;
    size_t scope_count;
    /* Only transactions of these origins are tracked; none: local ones without an origin. Copied. */
    const void *const *origins;
    size_t origin_count;
    uint64_t (*now_ms)(void *context); /* a clock that does not go back; NULL: every transaction is an item of its own */
    void *context;
    uint64_t capture_ms; /* 0: CRDT_UNDO_CAPTURE_MS */
};

enum { CRDT_UNDO_CAPTURE_MS = 500 };

/* Observes the document from now on. STATUS_NO_MEMORY. */
enum status crdt_undo_create(const struct crdt_undo_options *options, struct crdt_undo **out);
/* NULL is fine. No transaction may be open. */
void crdt_undo_destroy(struct crdt_undo *undo);

/* Takes back the newest item that still changes something, or does it again. Begins a transaction of its own.
 *
 * `update`  what the others need, as crdt_txn_commit has it; may be NULL
 * `out_done`  false: nothing is left
 * STATUS_NO_MEMORY, STATUS_RANGE (the client's clock would pass 2^53 - 1): the document is unchanged and the item still there. From
 * the commit: done, but `update` could not be written. */
enum status crdt_undo(struct crdt_undo *undo, struct bytes_writer *update, bool *out_done);
enum status crdt_redo(struct crdt_undo *undo, struct bytes_writer *update, bool *out_done);

/* The next transaction begins a new item, however soon it comes. */
void crdt_undo_stop_capturing(struct crdt_undo *undo);
void crdt_undo_clear(struct crdt_undo *undo);

/* Items on each stack. */
size_t crdt_undo_count(const struct crdt_undo *undo);
size_t crdt_redo_count(const struct crdt_undo *undo);

/* A place for the caller's own data about the newest item, as where the cursor was; NULL if there is none. Starts as NULL and goes
 * with the item. */
void **crdt_undo_meta(struct crdt_undo *undo);
void **crdt_redo_meta(struct crdt_undo *undo);

/* Transactions that could not be recorded because there was no memory: they cannot be taken back. */
uint64_t crdt_undo_lost(const struct crdt_undo *undo);

#endif
