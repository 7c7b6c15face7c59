/* list_index.h — from a position to the item that holds it: a B+tree over a long list, made when it is first needed.
 *
 *                      node   [ 900 | 1200 | 40 ]                         visible units below each child
 *                     ╱           │          ╲
 *        node [ 30 | 31 | … ]   node …       node …
 *              │    │
 *     leaf: from item 17 on, 24 items                                      up to 16 neighbours of the list
 *
 * The list itself stays what it is; the tree only counts, and that in steps: a leaf knows its first item and how many it has, not
 * each of them, so that cutting an item and putting others between hardly touches it. A search walks the last few items. An item
 * knows its leaf (item->place), a leaf its node, a node its parent, so a change climbs three or four steps. Lists that nobody asks
 * for positions have no tree: a server that only relays builds none. The leaves and nodes of all lists stand in two arrays of the
 * document.
 *
 * Edits come near one another, so what is counted above waits: while changes stay in one leaf, doc.pending_units are yet to be
 * counted by the nodes above doc.pending_leaf. Whoever asks or changes the nodes settles that first.
 *
 * Without memory for a new leaf the old one grows on: a search walks farther then, and the next item tries again. */
#ifndef CRDT_SRC_LIST_INDEX_H
#define CRDT_SRC_LIST_INDEX_H

#include "store.h"

/* Makes the tree of a list that is not empty. Without memory there is none, which is no error. */
void list_index_build(struct crdt_doc *doc, struct crdt_type *type);

/* Of a list whose items are gone. */
void list_index_drop(struct crdt_doc *doc, struct crdt_type *type);

/* With the document; the trees need not be dropped before. */
void list_index_finish(struct crdt_doc *doc);

/* The item that holds visible unit `index` - 1, index > 0; `out_before`: visible units before that item. */
uint32_t list_index_find(struct crdt_doc *doc, const struct crdt_type *type, uint64_t index, uint64_t *out_before);

/* The visible units before an item. */
uint64_t list_index_before(struct crdt_doc *doc, uint32_t number);

/* --- kept true; all of them do nothing for a list without a tree --- */

/* `count` items were linked behind `left` (ITEM_NONE: at the beginning), some of them perhaps cut off it; the list has become
 * longer by `units` (all numbers of units are modulo 2^64 and may be negative). */
void index_put(struct crdt_doc *doc, struct crdt_type *type, uint32_t left, const uint32_t *items, uint32_t count, uint64_t units);
void index_join(struct crdt_doc *doc, uint32_t left, uint32_t right); /* before `left` swallows `right` */
void index_move_to(struct crdt_doc *doc, uint32_t leaf);              /* that is what will change now */

static inline bool list_is_indexed(const struct crdt_type *type) {
    return type->index_root != INDEX_NONE;
}

static inline void index_leaf_widen(struct crdt_doc *doc, uint32_t leaf, uint64_t units) {
    if (doc->pending_leaf != leaf)
        index_move_to(doc, leaf);
    doc->pending_units += units;
}

/* An item has become longer. */
static inline void list_index_widen(struct crdt_doc *doc, const struct item *item, uint64_t units) {
    if (item->tag == PLACE_LEAF)
        index_leaf_widen(doc, item->place, units);
}

/* Nobody types or erases there any more, as far as the document knows. */
static inline void doc_typing_end(struct crdt_doc *doc) {
    doc->typing.type = NULL;
    doc->erasing.type = NULL;
}

static inline void list_index_put(struct crdt_doc *doc, struct crdt_type *type, uint32_t left, const uint32_t *items,
                                  uint32_t count, uint64_t units) {
    if (list_is_indexed(type))
        index_put(doc, type, left, items, count, units);
}

static inline void list_index_joins(struct crdt_doc *doc, const struct crdt_type *type, uint32_t left, uint32_t right) {
    if (list_is_indexed(type))
        index_join(doc, left, right);
}

/* For doc_check: whether the tree says what the list says. */
bool list_index_is_true(const struct crdt_doc *doc, const struct crdt_type *type);

#endif
