/* list_index.h — from a position to the item that holds it: a B+tree over a long list, made when it is first needed.
 *
 *                      node   [ 900 | 1200 | 40 ]                         visible units below each child
 *                     ╱           │          ╲
 *        node [ 30 | 31 | … ]   node …       node …
 *              │    │
 *     block: items 17 ⇄ 30 ⇄ …                                            up to 32 neighbours of the list, by its own links
 *
 * The list itself stays what it is; the tree only counts. An item knows its block (item->entry), a block its node, a node its
 * parent, so a change climbs three or four steps. Lists that nobody asks for positions have no tree: a server that only relays
 * builds none.
 *
 * The tree can be dropped at any time and made again; that is what happens when memory for its growth is missing. */
#ifndef CRDT_SRC_LIST_INDEX_H
#define CRDT_SRC_LIST_INDEX_H

#include "store.h"

/* Debug builds have a tree of small parts, so that small documents meet all that can happen to it. */
#ifdef NDEBUG
enum {
    INDEX_FAN_OUT = 32,
    INDEX_NODE_FILL = 24,
    INDEX_BLOCK_MAX = 32,
    INDEX_BLOCK_FILL = 16,
    INDEX_WALK_NEAR = 6,
    INDEX_WALK_MAX = 48
};
#else
enum { INDEX_FAN_OUT = 4, INDEX_NODE_FILL = 3, INDEX_BLOCK_MAX = 6, INDEX_BLOCK_FILL = 3, INDEX_WALK_NEAR = 2, INDEX_WALK_MAX = 3 };
#endif
/* Items between the cursor and a place beyond which the index is asked: INDEX_WALK_NEAR if there is one, INDEX_WALK_MAX if it must
 * be made. */

struct index_block {
    uint32_t node;
    uint32_t first; /* item; ITEM_NONE: the block is empty */
    uint32_t count;
};

struct index_node {
    uint64_t widths[INDEX_FAN_OUT];
    uint32_t children[INDEX_FAN_OUT]; /* blocks, or nodes */
    uint32_t parent;                  /* INDEX_NONE: the root */
    uint32_t count;
    bool above_blocks;
};

#define INDEX_NONE UINT32_MAX

struct list_index {
    struct index_block *blocks;
    struct index_node *nodes;
    uint32_t block_count, block_capacity;
    uint32_t node_count, node_capacity;
    uint32_t root;
    uint32_t height; /* of the root above the lowest nodes; a split makes that many nodes and two at most */
};

/* Units that an item adds to its list's length. */
static inline uint64_t item_visible(const struct item *item) {
    return (item->flags & ITEM_DELETED) == 0 && content_countable(item->kind) ? item->length : 0;
}

/* Makes the tree of a list that is not empty. Without memory there is none, which is no error. */
void list_index_build(struct crdt_doc *doc, struct crdt_type *type);
void list_index_drop(struct crdt_doc *doc, struct crdt_type *type);

/* The item that holds visible unit `index` - 1, index > 0; `out_before`: visible units before that item. */
uint32_t list_index_find(const struct crdt_doc *doc, const struct crdt_type *type, uint64_t index, uint64_t *out_before);

/* The list's last item. */
uint32_t list_index_last(const struct crdt_doc *doc, const struct crdt_type *type);

/* The visible units before an item. */
uint64_t list_index_before(const struct crdt_doc *doc, const struct crdt_type *type, uint32_t number);

/* --- kept true; all of them do nothing for a list without a tree --- */

void index_add(struct crdt_doc *doc, struct crdt_type *type, uint32_t number);                 /* was linked; its units are new */
void index_split(struct crdt_doc *doc, struct crdt_type *type, uint32_t left, uint32_t right); /* `right` was cut off `left` */
void index_join(struct crdt_doc *doc, struct crdt_type *type, uint32_t left, uint32_t right);  /* before `left` swallows `right` */
void index_widen(struct crdt_doc *doc, struct crdt_type *type, uint32_t number, uint64_t delta); /* modulo 2^64: may be negative */

static inline void list_index_added(struct crdt_doc *doc, struct crdt_type *type, uint32_t number) {
    if (type->index_tree != NULL)
        index_add(doc, type, number);
}

static inline void list_index_split(struct crdt_doc *doc, struct crdt_type *type, uint32_t left, uint32_t right) {
    if (type->index_tree != NULL)
        index_split(doc, type, left, right);
}

static inline void list_index_joins(struct crdt_doc *doc, struct crdt_type *type, uint32_t left, uint32_t right) {
    if (type->index_tree != NULL)
        index_join(doc, type, left, right);
}

static inline void list_index_grew(struct crdt_doc *doc, struct crdt_type *type, uint32_t number, uint64_t units) {
    if (type->index_tree != NULL)
        index_widen(doc, type, number, units);
}

static inline void list_index_hid(struct crdt_doc *doc, struct crdt_type *type, uint32_t number, uint64_t units) {
    if (type->index_tree != NULL)
        index_widen(doc, type, number, 0 - units);
}

/* For doc_check: whether the tree says what the list says. */
bool list_index_is_true(const struct crdt_doc *doc, const struct crdt_type *type);

#endif
