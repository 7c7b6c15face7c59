/* doc.h — a document: named roots whose content any number of peers edit at the same time.
 *
 * A document speaks the update format of Yjs 13.6, version 1. It does no I/O, reads no clock, starts no thread and has no global
 * state: bytes come in (update.h), bytes go out, text is edited by index (text.h). Everything that changes a document happens in
 * a transaction; a document has at most one open at a time:
 *
 *     struct crdt_txn *txn = crdt_txn_begin(doc);
 *     crdt_text_insert(txn, text, 0, bytes_text("hello"));      or crdt_update_apply(txn, bytes, &result)
 *     crdt_txn_commit(txn, &update);                            `update` now holds what the others need
 *
 * One document belongs to one thread at a time. Documents share nothing but the allocator that they were given.
 *
 * Words: a *client* is one writer, named by a random id up to 2^53 - 1; it numbers its *units* 0, 1, 2, … (its *clock*). For text a
 * unit is one UTF-16 code unit. */
#ifndef CRDT_DOC_H
#define CRDT_DOC_H

#include "ground/bytes.h"
#include "ground/mem.h"
#include "ground/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct crdt_doc;
struct crdt_txn;
struct crdt_type;

enum {
    /* Defaults of the limits below. */
    CRDT_UPDATE_BYTES_MAX = 64 * 1024 * 1024,  /* a big file with its history is a few MB; hostile input costs a few times this */
    CRDT_PENDING_BYTES_MAX = 16 * 1024 * 1024, /* a peer's edits of hours, while what they build on is still on its way */
    CRDT_CLIENTS_MAX = 1024 * 1024 - 1         /* every page load is a client: years of a busy file; no document takes more */
};

struct crdt_doc_options {
    const struct mem *mem;    /* NULL: mem_default; must outlive the document */
    uint64_t client_id;       /* the local writer, 0 … 2^53 - 1; unique among all peers that write at the same time */
    bool gc;                  /* forget the content of what is deleted; peers may differ in this */
    size_t update_bytes_max;  /* of one applied update; 0: CRDT_UPDATE_BYTES_MAX */
    size_t pending_bytes_max; /* memory of what waits for missing ancestors; 0: CRDT_PENDING_BYTES_MAX */
    size_t clients_max;       /* distinct writers; 0: CRDT_CLIENTS_MAX */
};

/* An empty document. `options` is copied. STATUS_NO_MEMORY; STATUS_RANGE: the client id is above 2^53 - 1. */
enum status crdt_doc_create(const struct crdt_doc_options *options, struct crdt_doc **out);

/* Frees everything; NULL is fine. No transaction may be open. */
void crdt_doc_destroy(struct crdt_doc *doc);

uint64_t crdt_doc_client_id(const struct crdt_doc *doc);

/* Changes the local writer from the next transaction on. STATUS_RANGE above 2^53 - 1. */
enum status crdt_doc_set_client_id(struct crdt_doc *doc, uint64_t client_id);

/* Bounds what one update from outside may cost: concurrent runs walked over to find places (crdt_update_result.conflict_steps),
 * about 10 ns each. An update that could walk further is first tried on a copy of the document, and refused with STATUS_TOO_BIG if
 * it does. Honest ones stay far below 10 million. 0, at first: no bound, for what is trusted, as one's own storage. */
void crdt_doc_set_conflict_steps_max(struct crdt_doc *doc, uint64_t conflict_steps_max);

/* The next expected clock of a client: the number of its units that are integrated; 0 if it is not known. */
uint64_t crdt_doc_clock(const struct crdt_doc *doc, uint64_t client_id);

/* Whether units of this client are here that wait for missing ancestors. Cost: a binary search. */
bool crdt_doc_waits(const struct crdt_doc *doc, uint64_t client_id);

/* How big a document is; all are kept as it changes, so asking is free. */
struct crdt_doc_size {
    size_t clients;       /* writers with at least one unit */
    size_t structs;       /* runs of units */
    size_t heap_bytes;    /* memory that the document holds, as asked from its allocator */
    size_t pending_bytes; /* of these, what waits for missing ancestors; at most options.pending_bytes_max */
    bool pending_structs; /* units wait */
    bool pending_deletes; /* deletions of units that are not here yet wait */
};
struct crdt_doc_size crdt_doc_size(const struct crdt_doc *doc);

/* Opens the document's one transaction; never fails. No other may be open (asserted). */
struct crdt_txn *crdt_txn_begin(struct crdt_doc *doc);

/* What a transaction did, in units. */
struct crdt_changes {
    uint64_t units_added;
    uint64_t units_deleted; /* those that were added in the same transaction included */
};

/* Ends the transaction: collects what was deleted (options.gc), joins runs, and writes what is new.
 *
 * `update`   NULL: nobody listens. Else one v1 update is appended: the units that the document did not have before and the
 *            deletions. Nothing is appended if the transaction changed nothing.
 * `changes`  may be NULL
 *
 * STATUS_OK         also when nothing changed
 * STATUS_NO_MEMORY, STATUS_TOO_BIG
 *                   the transaction is committed all the same; only `update` could not be written and holds what it held before.
 *                   A caller that must tell others then sends a diff (crdt_update_encode_diff).
 *
 * Cost: what changed; deleting a tree of nested types costs its size. */
enum status crdt_txn_commit(struct crdt_txn *txn, struct bytes_writer *update, struct crdt_changes *changes);

#endif
