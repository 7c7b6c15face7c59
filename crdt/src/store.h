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
#include "crdt/update.h"
#include "ground/table.h"
#include "ground/varint.h"
#include "item.h"
#include "type.h"
#include "wire.h"

#include <assert.h>

/* What the usual call does not reach is kept out of it, so that it need not make room for it on the stack. */
#define SELDOM __attribute__((noinline))
/* And what loops over all runs call is put into them however long it is, so that what it reads and counts stays in registers. */
#define INLINED static inline __attribute__((always_inline))

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

/* Units [clock, clock + length) of a client, by its number. */
struct unit_range {
    uint64_t clock;
    uint64_t length;
    uint32_t client;
};

struct crdt_txn {
    struct crdt_doc *doc;
    const void *origin;
    bool open;
    bool remote;                /* an update was applied */
    bool telling;               /* observers are at work */
    struct unit_range *deleted; /* what it has deleted, in order; neighbours in clock are joined as they come */
    size_t deleted_count;
    size_t deleted_capacity;
    bool uncollected;       /* some of it must still be collected and joined with its neighbours: not all was buried, see bury.h */
    struct client *touched; /* clients with new units */
    struct crdt_type *work; /* types whose content is to be collected */
    uint64_t units_added;
    uint64_t units_deleted;
};

/* Debug builds have an index of small parts, so that small documents meet all that can happen to it. */
#ifdef NDEBUG
enum {
    INDEX_FAN_OUT = 32,
    INDEX_NODE_FILL = 24,
    INDEX_LEAF_MAX = 16,
    INDEX_LEAF_FILL = 13,
    INDEX_HEIGHT_MAX = 8,
    INDEX_WALK_NEAR = 6,
    INDEX_WALK_MAX = 48
};
#else
enum {
    INDEX_FAN_OUT = 4,
    INDEX_NODE_FILL = 3,
    INDEX_LEAF_MAX = 6,
    INDEX_LEAF_FILL = 3,
    INDEX_HEIGHT_MAX = 20,
    INDEX_WALK_NEAR = 2,
    INDEX_WALK_MAX = 3
};
#endif
/* Items between the cursor and a place beyond which the index is asked: INDEX_WALK_NEAR if there is one, INDEX_WALK_MAX if it must
 * be made. */

struct index_leaf {
    uint32_t node; /* INDEX_NONE: not yet in one; of a free leaf the next free one */
    uint32_t slot; /* in the node */
    uint32_t type;
    uint32_t first; /* item, if there is one */
    uint32_t count;
};

struct index_node {
    uint64_t widths[INDEX_FAN_OUT];
    uint32_t children[INDEX_FAN_OUT]; /* leaves if height is 0, else nodes */
    uint32_t parent;                  /* INDEX_NONE: the root; of a free node the next free one */
    uint32_t slot;                    /* in the parent */
    uint32_t count;
    uint32_t height;
};

/* The position indices of all lists: see list_index.h. */
struct index {
    struct index_leaf *leaves;
    struct index_node *nodes;
    uint32_t leaf_count, leaf_capacity, leaf_free;
    uint32_t node_count, node_capacity, node_free;
};

/* Where somebody types, as long as nothing else happens; see text.c. */
struct typing {
    struct crdt_type *type; /* NULL: nobody */
    struct client *client;  /* of the item */
    uint64_t index;         /* visible units up to the end of the item */
    uint32_t item;
    uint32_t room; /* units that it may grow by: it is the client's last run, ASCII text at the tail of the client's */
};

/* Where somebody erases unit by unit: the border between an item and the grave beside it moves. */
struct erasing {
    struct crdt_type *type;  /* NULL: nobody */
    uint64_t index;          /* visible units up to the border, or UINT64_MAX: somebody else erases */
    uint32_t item;           /* before the border, or behind it if `forward` */
    uint32_t grave;          /* on the other side */
    struct run_place moving; /* of the run that begins at the border */
    bool forward;
};

/* Bytes that are kept until they cease to be true. */
struct encoded {
    uint8_t *data;
    size_t size;
    size_t capacity;
};

/* Some of the runs that have these two neighbours, in their order; see conflict.c. */
struct siblings {
    uint64_t changes; /* items.changes, as long as they are true */
    uint64_t origin_clock;
    uint64_t right_origin_clock;
    uint32_t origin_client;
    uint32_t right_origin_client;
    uint32_t parent;
    uint32_t entry;
    uint32_t count;
    uint32_t capacity;
    struct sibling {
        uint64_t id; /* of the client */
        uint32_t item;
    } notes[];
};

/* What a small document that is only typed into does without. */
struct seldom {
    struct table clients_by_id; /* from the second one on */
    struct index index;
    struct pending pending;
    struct encoded deletes_encoded; /* the delete set without what waits, as v1 writes it */
    struct encoded state_encoded;   /* the whole, if it was asked for twice without a change between */
    uint64_t version_encoded;       /* that was asked for last */
};

/* What a document that has none reads instead. */
extern const struct seldom seldom_none;

struct crdt_doc {
    struct mem mem; /* counts, and asks options.mem */
    size_t heap_bytes;
    struct crdt_doc_options options;

    struct items items;
    struct run_spares spares;
    struct client **clients; /* by number */
    struct client **sorted;  /* by id, descending; what was made since the last doc_sort_clients stands behind */
    uint32_t sorted_count;
    uint32_t client_count;
    uint32_t client_capacity;
    bool has_pairs;     /* some text has characters outside the basic plane, which a split can cut */
    bool deletes_known; /* seldom->deletes_encoded is true */
    bool untidy;        /* the open transaction has reserved or deleted: there may be something to give back */
    uint32_t clients_with_units;
    uint32_t runs;
    struct client *client_last; /* found last */
    struct types types;
    struct typing typing;
    uint64_t pending_units; /* of index leaf pending_leaf, which the nodes above do not count yet */
    struct erasing erasing;
    struct siblings *siblings; /* NULL: none were noted yet */
    uint32_t *marks;           /* of items, by number, in a long conflict scan: see conflict.c */
    uint32_t marks_capacity;
    uint32_t pending_leaf;
    uint32_t mark;               /* of the last item that a conflict scan saw */
    uint64_t conflict_steps;     /* of all scans so far */
    uint64_t conflict_steps_max; /* of one update; 0: unbounded */
    uint64_t conflict_stop;      /* a trial ends when conflict_steps passes it: see trial.c */
    uint64_t plan;               /* number of the current planning */
    struct client *compact;
    struct crdt_txn txn;
    uint64_t version;      /* counts transactions that changed something */
    struct seldom *seldom; /* seldom_none at first; see doc_seldom */
    struct crdt_observer *observers;
#ifndef NDEBUG
    size_t unchecked_runs; /* see txn_check */
#endif
};

static inline struct item *doc_item(const struct crdt_doc *doc, uint32_t number) {
    return item_at(&doc->items, number);
}

static inline uint64_t item_clock(const struct crdt_doc *doc, const struct item *item) {
    return items_clock(&doc->items, item);
}
static inline uint64_t item_length(const struct crdt_doc *doc, const struct item *item) {
    return items_length(&doc->items, item);
}
/* The clock behind its last unit. */
static inline uint64_t item_end(const struct crdt_doc *doc, const struct item *item) {
    return items_clock(&doc->items, item) + items_length(&doc->items, item);
}
static inline uint64_t item_origin_clock(const struct crdt_doc *doc, const struct item *item) {
    return items_origin_clock(&doc->items, item);
}
static inline uint64_t item_right_origin_clock(const struct crdt_doc *doc, const struct item *item) {
    return items_right_origin_clock(&doc->items, item);
}

/* As wire_struct.content; valid until the next reservation. */
static inline struct bytes item_content(const struct crdt_doc *doc, const struct item *item) {
    if ((item->flags & ITEM_ASCII) != 0)
        return bytes_of(doc->clients[item->client]->ascii + item->content, item->length);
    if (item->content == CONTENT_NONE)
        return bytes_of(NULL, 0);
    const struct content *content = &doc->items.contents[item->content];
    return bytes_of(content->data, content->bytes);
}

/* The type that a CONTENT_TYPE item holds. */
static inline uint32_t item_type(const struct crdt_doc *doc, const struct item *item) {
    return doc->items.contents[item->content].type;
}

/* The type that it stands in; TYPE_NONE for GC. */
static inline uint32_t item_parent(const struct crdt_doc *doc, const struct item *item) {
    switch ((enum place_tag)item->tag) {
    case PLACE_TYPE:
        return item->place;
    case PLACE_LEAF:
        return doc->seldom->index.leaves[item->place].type;
    case PLACE_ENTRY:
        return doc->types.entries[item->place].type;
    default:
        return TYPE_NONE;
    }
}

/* The key, ENTRY_NONE for a list member. */
static inline uint32_t item_entry(const struct item *item) {
    return item->tag == PLACE_ENTRY ? item->place : ENTRY_NONE;
}

/* Units that an item adds to its list's length. Only what holds no content can be longer than 32 bits. */
static inline uint32_t item_visible(const struct item *item) {
    return (item->flags & ITEM_DELETED) == 0 && content_countable(item->kind) ? item->length : 0;
}

static inline struct crdt_type *doc_type(const struct crdt_doc *doc, uint32_t number) {
    return type_at(&doc->types, number);
}

struct seldom *doc_seldom_make(struct crdt_doc *doc);

/* The document's own, for whoever writes there. NULL: no memory. */
static inline struct seldom *doc_seldom(struct crdt_doc *doc) {
    return doc->seldom != &seldom_none ? doc->seldom : doc_seldom_make(doc);
}

/* The client of that id, or NULL. */
struct client *doc_client_find(const struct crdt_doc *doc, uint64_t id);

/* The same, and remembers it. */
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

/* Makes room for as many more items, of which `contents` have contents that are not ASCII text, and for `clients` clients' first
 * runs. STATUS_NO_MEMORY, STATUS_TOO_BIG. */
enum status doc_reserve_items_anew(struct crdt_doc *doc, size_t items, size_t contents, size_t clients);
static inline enum status doc_reserve_items(struct crdt_doc *doc, size_t items, size_t contents, size_t clients) {
    bool have = items_have(&doc->items, items, contents) && doc->spares.full_count >= items && doc->spares.small_count >= clients;
    return have ? STATUS_OK : doc_reserve_items_anew(doc, items, contents, clients);
}

/* Cuts a run so that unit `offset` of it becomes the first of a run, which is answered; 0 < offset < its length, no GC. */
struct run_place doc_split_run(struct crdt_doc *doc, struct run_place place, uint64_t offset);

/* Makes unit `clock` the first of an item and answers that; the unit must be integrated. A GC run is not cut but answered as it is.
 */
uint32_t doc_split_before(struct crdt_doc *doc, uint32_t client, uint64_t clock);
/* Where a right origin stands: mostly right behind the left neighbour, which is ITEM_NONE or was found; then nothing is searched.
 */
static inline uint32_t doc_find_right(struct crdt_doc *doc, uint32_t left, uint32_t client, uint64_t clock) {
    uint32_t right = left == ITEM_NONE ? ITEM_NONE : doc_item(doc, left)->right;
    if (right != ITEM_NONE) {
        const struct item *item = doc_item(doc, right);
        if (item->client == client && item_clock(doc, item) == clock)
            return right;
    }
    return doc_split_before(doc, client, clock);
}

/* Makes it the last of an item. */
uint32_t doc_split_after(struct crdt_doc *doc, uint32_t client, uint64_t clock);

/* Cuts ASCII text or what is deleted, a member of a list. The right part, which is answered, is yet to be put among its client's
 * runs and into the list's index. Nobody types there. */
uint32_t doc_cut(struct crdt_doc *doc, uint32_t number, uint32_t offset);

/* The left of two items, whose runs may be one, takes the right in, which stands at `place`. */
void doc_join(struct crdt_doc *doc, struct run_place place, uint32_t left_number, uint32_t right_number);

/* Joins the run at `place` with the one before it in the client's array if both may be one; false if not. The item of the latter
 * goes. */
bool doc_join_with_previous(struct crdt_doc *doc, struct run_place place);

/* Whether the right of two items goes on where the left one ends, next to it: one run, but for where their contents stand. */
bool doc_run_goes_on(const struct crdt_doc *doc, uint32_t left_number, uint32_t right_number);

/* --- integrate.c: placing runs --- */

/* What is to become an item, its neighbours found. */
struct placing {
    struct client *client;
    uint64_t length;
    struct bytes prefix; /* before the content; copied, as is */
    struct bytes content;
    bool ascii; /* the struct that it is of is ASCII text */
    bool step;  /* which has at most UTF_STEP bytes, and so many can be read there */
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
#define PLACING_NO_ORIGINS .origin_client = CLIENT_NONE, .right_origin_client = CLIENT_NONE
#define PLACING_NOWHERE    .left = ITEM_NONE, .right = ITEM_NONE, PLACING_NO_ORIGINS, .parent = TYPE_NONE, .entry = ENTRY_NONE

/* --- conflict.c --- */

/* The item after which a run goes that has others between its neighbours; ITEM_NONE: at the beginning. It is taken next. */
uint32_t doc_resolve(struct crdt_doc *doc, const struct placing *placing);
void siblings_drop(struct crdt_doc *doc);
/* Whether what was noted is so. */
bool siblings_are_true(const struct crdt_doc *doc);

/* --- integrate.c, on --- */

/* Appends the run to its client, places it among concurrent ones and links it. Everything was reserved. */
void doc_place(struct crdt_doc *doc, const struct placing *placing);

/* The same for ASCII text of a client that has units, in a list whose type is alive: between two neighbours, of which the left one
 * is not what the client wrote last, or deleted. It is yet to be put into the list's index. Answers its item. */
uint32_t doc_place_text(struct crdt_doc *doc, struct client *client, struct crdt_type *type, uint32_t left, uint32_t right,
                        struct bytes text);

/* Finds parent and key of what is to be placed; leaves parent at TYPE_NONE if there is none any more. `structure` is not looked at
 * where it has a neighbour. */
void doc_find_parent(struct crdt_doc *doc, const struct wire_struct *structure, struct placing *placing);

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

/* Makes room for `count` deletions of runs. Where there are nested types or some are coming, which may go with what holds them, for
 * those of all runs and `items_coming` more. For who then calls txn_delete_item. STATUS_NO_MEMORY. */
enum status txn_reserve_deletes(struct crdt_txn *txn, uint64_t count, size_t items_coming, bool types_coming);

/* A walk over the runs that the transaction has deleted; those that were joined with a deleted neighbour come whole. */
struct deleted_walk {
    size_t range;
    struct run_place place; /* of the last answer; chunk NULL: before the range */
};
/* ITEM_NONE: that was all. Start with a zeroed walk; runs must not be joined meanwhile. */
uint32_t txn_deleted_next(const struct crdt_txn *txn, struct deleted_walk *walk);

/* At the end of the transaction the client's texts, much of which is dead, are compacted. */
void doc_compact_later(struct crdt_doc *doc, struct client *client);

/* Units of a client that were deleted. Room was reserved. */
static inline void txn_push_deleted(struct crdt_txn *txn, uint32_t client, uint64_t clock, uint64_t length) {
    if (txn->deleted_count > 0) {
        struct unit_range *last = &txn->deleted[txn->deleted_count - 1];
        bool before = last->client == client && clock + length == last->clock;
        if (before || (last->client == client && last->clock + last->length == clock)) {
            last->clock = before ? clock : last->clock;
            last->length += length;
            return;
        }
    }
    assert(txn->deleted_count < txn->deleted_capacity);
    txn->deleted[txn->deleted_count++] = (struct unit_range){ clock, length, client };
}

/* --- collect.c --- */

/* Tells observers of the open transaction; collects what it has deleted and joins that with its neighbours. */
void txn_settle(struct crdt_txn *txn);

/* Gives back what was reserved and is not needed, and makes texts compact. */
void txn_tidy(struct crdt_doc *doc);

/* A type whose content is to be collected. */
static inline void txn_push_work(struct crdt_txn *txn, struct crdt_type *type) {
    type->next = txn->work;
    txn->work = type;
}
static inline struct crdt_type *txn_pop_work(struct crdt_txn *txn) {
    struct crdt_type *type = txn->work;
    if (type != NULL)
        txn->work = type->next;
    return type;
}

/* --- encode.c --- */

/* The update of the open transaction. STATUS_NO_MEMORY, STATUS_TOO_BIG: nothing was written. */
enum status doc_write_txn(const struct crdt_doc *doc, struct bytes_writer *update);
/* All deletions, normalized, those that wait included if `pending`; `out` holds `out_capacity` elements of doc->options.mem.
 * STATUS_NO_MEMORY. */
enum status doc_deleted_ranges(const struct crdt_doc *doc, bool pending, struct id_range **out, size_t *out_count,
                               size_t *out_capacity);
void encoded_drop(struct crdt_doc *doc, struct encoded *encoded);
void ranges_encode(struct bytes_writer *out, const struct id_range *ranges, size_t count);

/* --- trial.c --- */

/* Whether the update stays within conflict_steps_max. STATUS_TOO_BIG: no. STATUS_NO_MEMORY. The document is unchanged. */
enum status doc_try(struct crdt_doc *doc, struct bytes update);

/* --- load.c --- */

/* A document that holds nothing takes a whole state. False: it is no such update, or memory is missing; then nothing has changed
 * but spare memory, and the general way is to be gone. */
bool doc_load(struct crdt_doc *doc, struct bytes update, struct crdt_update_result *out);

/* --- quick.c --- */

/* Applies the usual update. `out_done` false: it is another, nothing has changed, and the general way is to be gone.
 * STATUS_NO_MEMORY: the document is unchanged. */
enum status doc_apply_quick(struct crdt_doc *doc, struct bytes update, struct crdt_update_result *out, bool *out_done);

/* --- apply.c --- */
void pending_finish(struct crdt_doc *doc);

#endif
