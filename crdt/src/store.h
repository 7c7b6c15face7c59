/* store.h — the inside of a document. Only crdt/src includes it.
 *
 *   doc ─┬─ items      every run of units, by number
 *        ├─ clients    by id, by number, and sorted for writing; each with its runs by clock and its text arena
 *        ├─ types      roots and nested types, their lists and keys
 *        ├─ pending    what waits for missing ancestors
 *        └─ txn        what the open transaction has changed */
#ifndef CRDT_SRC_STORE_H
#define CRDT_SRC_STORE_H

#include "client.h"
#include "crdt/doc.h"
#include "ground/table.h"
#include "ground/varint.h"
#include "item.h"
#include "type.h"
#include "wire.h"

#include <assert.h>

/* A struct that waits, as the bytes it came in. */
struct parked {
    uint64_t client;
    uint64_t clock;
    uint64_t length;
    size_t size;
    uint8_t bytes[];
};

struct pending {
    struct parked **structs; /* by client descending, then clock; may overlap */
    size_t count;
    size_t capacity;
    struct id_range *deletes; /* normalized */
    size_t delete_count;
    size_t delete_capacity;
    size_t struct_bytes;
    size_t bytes; /* of all this */
    struct client *missing;
    bool wake; /* a local edit passed what is missing */
};

struct crdt_txn {
    struct crdt_doc *doc;
    const void *origin;
    bool open;
    bool remote;            /* an update was applied */
    bool telling;           /* observers are at work */
    uint32_t deleted_first; /* items deleted, in order, linked by txn_next */
    uint32_t deleted_last;
    struct client *touched; /* clients with new units */
    struct crdt_type *work; /* types whose content is to be deleted or collected */
    uint64_t units_added;
    uint64_t units_deleted;
};

struct crdt_doc {
    struct mem mem; /* counts, and asks mem_outer */
    const struct mem *mem_outer;
    size_t heap_bytes;
    struct crdt_doc_options options;

    struct items items;
    struct run_spares spares;
    struct table clients_by_id;
    struct client **clients; /* by number */
    struct client **sorted;  /* by id, descending; what was made since the last doc_sort_clients stands behind */
    uint32_t sorted_count;
    uint32_t client_count;
    uint32_t client_capacity;
    size_t clients_with_units;
    struct client *client_last; /* found last */
    size_t runs;
    struct types types;
    bool has_pairs;              /* some text has characters outside the basic plane, which a split can cut */
    uint32_t mark;               /* of the last item that a conflict scan saw */
    uint64_t conflict_steps;     /* of all scans so far */
    uint64_t conflict_steps_max; /* of one update; 0: unbounded */
    uint64_t conflict_stop;      /* a trial ends when conflict_steps passes it: see trial.c */
    uint64_t plan;               /* number of the current planning */
    struct client *compact;
    struct pending pending;
    struct crdt_txn txn;
    struct crdt_observer *observers;
    size_t unchecked_runs; /* debug builds: see txn_check */
};

static inline struct item *doc_item(const struct crdt_doc *doc, uint32_t number) {
    return item_at(&doc->items, number);
}

static inline struct crdt_type *doc_type(const struct crdt_doc *doc, uint32_t number) {
    return type_at(&doc->types, number);
}

/* The client of that id, or NULL. */
struct client *doc_client(struct crdt_doc *doc, uint64_t id);

/* The same, made if there is none. STATUS_TOO_BIG: options.clients_max. */
enum status doc_client_make(struct crdt_doc *doc, uint64_t id, struct client **out);

/* Puts the clients that were made since into their places; for callers of doc_client_make, before they return. Cost: all clients,
 * if there is a new one that does not belong at the end. */
void doc_sort_clients(struct crdt_doc *doc);

/* The item that holds a unit, which must be integrated. */
static inline uint32_t doc_find(const struct crdt_doc *doc, uint32_t client, uint64_t clock) {
    return run_place_item(client_find(doc->clients[client], clock));
}

/* The first unit's client and clock of a struct as the wire names it. */
void doc_item_wire(const struct crdt_doc *doc, const struct item *item, struct wire_struct *out);

/* --- split.c: cutting and joining runs --- */

/* Items that a split may take: more if it can cut a surrogate pair. */
static inline size_t doc_split_items_max(const struct crdt_doc *doc, bool pairs_coming) {
    return doc->has_pairs || pairs_coming ? 3 : 1;
}

/* Makes unit `clock` the first of an item and answers that; the unit must be integrated. A GC run is not cut but answered as it is.
 */
uint32_t doc_split_before(struct crdt_doc *doc, uint32_t client, uint64_t clock);
/* Makes it the last of an item. */
uint32_t doc_split_after(struct crdt_doc *doc, uint32_t client, uint64_t clock);

/* Joins the run at `place` with the one before it in the client's array if both may be one; false if not. The item of the latter
 * goes. */
bool doc_join_with_previous(struct crdt_doc *doc, struct run_place place);

/* --- integrate.c: placing runs --- */

/* What is to become an item, its neighbours found. */
struct placing {
    struct client *client;
    uint64_t length;
    struct bytes prefix; /* before the content; copied, as is */
    struct bytes content;
    uint8_t kind;
    uint32_t left;
    uint32_t right;
    uint32_t origin_client;
    uint32_t right_origin_client;
    uint64_t origin_clock;
    uint64_t right_origin_clock;
    uint32_t parent; /* TYPE_NONE: becomes GC */
    uint32_t entry;
};

/* Appends the run to its client, places it among concurrent ones and links it. Everything was reserved. */
void doc_place(struct crdt_doc *doc, const struct placing *placing);

/* Integrates the struct at `clock` <= client->state whose ancestors are integrated; units that are known already are passed over.
 */
void doc_integrate(struct crdt_doc *doc, struct client *client, uint64_t clock, const struct wire_struct *structure);

/* --- txn.c: deleting, collecting --- */

/* Marks an item, and all that it holds, as deleted. Nothing if it is already. Takes no memory. */
void txn_delete_item(struct crdt_txn *txn, uint32_t number);

/* Deletes the units [clock, end) of a client, end <= state; answers how many of them were not deleted yet. */
uint64_t txn_delete_range(struct crdt_txn *txn, struct client *client, uint64_t clock, uint64_t end);

/* Remembers the client's state before its first new unit of this transaction. */
static inline void txn_touch(struct crdt_txn *txn, struct client *client) {
    if (!client->txn_touched) {
        client->txn_touched = true;
        client->txn_from = client->state;
        client->txn_next = txn->touched;
        txn->touched = client;
    }
}

/* The transaction's deletions as normalized ranges, in `out_capacity` elements of doc->mem. STATUS_NO_MEMORY. */
enum status txn_ranges(const struct crdt_txn *txn, struct id_range **out, size_t *out_count, size_t *out_capacity);

/* Appends an item to the transaction's deletions. */
void txn_push_deleted(struct crdt_txn *txn, uint32_t number);

/* --- encode.c --- */

/* The update of an open transaction whose deletions are `ranges` (normalized). STATUS_NO_MEMORY; the writer has a status of its
 * own. */
enum status doc_encode_txn(const struct crdt_doc *doc, const struct id_range *ranges, size_t range_count, struct bytes_writer *out);
/* All deletions, normalized, those that wait included if `pending`; `out` holds `out_capacity` elements of doc->mem_outer.
 * STATUS_NO_MEMORY. */
enum status doc_deleted_ranges(const struct crdt_doc *doc, bool pending, struct id_range **out, size_t *out_count,
                               size_t *out_capacity);
void ranges_encode(struct bytes_writer *out, const struct id_range *ranges, size_t count);

/* --- trial.c --- */

/* Whether the update stays within conflict_steps_max. STATUS_TOO_BIG: no. STATUS_NO_MEMORY. The document is unchanged. */
enum status doc_try(struct crdt_doc *doc, struct bytes update);

/* --- apply.c --- */
void pending_finish(struct crdt_doc *doc);

#endif
