/* list_index.h — from a position to the item that holds it: a B+tree over a long list, made when it is first needed.
 *
 *                      node   [ 900 | 1200 | 40 ]                         visible units below each child
 *                     ╱           │          ╲
 *        node [ 30 | 31 | … ]   node …       node …
 *              │    │
 *     leaf: [ item 17, 5 units | item 30, 0 | item 4, 25 | … ]             up to 32 neighbours of the list
 *
 * The list itself stays what it is; the tree only counts. An item knows its leaf (item->place), a leaf its node, a node its parent,
 * so a change climbs three or four steps. Lists that nobody asks for positions have no tree: a server that only relays builds none.
 * The leaves and nodes of all lists stand in two arrays of the document.
 *
 * Edits come near one another, so what is counted above waits. While one item grows or shrinks, the tree is not touched:
 * index.pending_units are yet to be counted for index.pending_item. While changes stay in one leaf, the nodes are not touched:
 * index.pending_width is yet to be counted above index.pending_leaf. Who changes the leaves settles the first, who asks or changes
 * the nodes both.
 *
 * The tree can be dropped at any time and made again; that is what happens when memory for its growth is missing. */
#ifndef CRDT_SRC_LIST_INDEX_H
#define CRDT_SRC_LIST_INDEX_H

#include "store.h"

/* Makes the tree of a list that is not empty. Without memory there is none, which is no error. */
void list_index_build(struct crdt_doc *doc, struct crdt_type *type);
void list_index_drop(struct crdt_doc *doc, struct crdt_type *type);

/* With the document; the trees need not be dropped before. */
void list_index_finish(struct crdt_doc *doc);

/* The item that holds visible unit `index` - 1, index > 0; `out_before`: visible units before that item. */
uint32_t list_index_find(struct crdt_doc *doc, const struct crdt_type *type, uint64_t index, uint64_t *out_before);

/* The visible units before an item. */
uint64_t list_index_before(struct crdt_doc *doc, const struct crdt_type *type, uint32_t number);

/* --- kept true; all of them do nothing for a list without a tree --- */

/* `count` items were linked behind `left` (ITEM_NONE: at the beginning), some of them perhaps cut off it. */
void index_put(struct crdt_doc *doc, struct crdt_type *type, uint32_t left, const uint32_t *items, uint32_t count);
void index_join(struct crdt_doc *doc, uint32_t left, uint32_t right);    /* before `left` swallows `right` */
void index_widen(struct crdt_doc *doc, uint32_t number, uint64_t delta); /* modulo 2^64: may be negative */

static inline bool list_is_indexed(const struct crdt_type *type) {
    return type->index_root != INDEX_NONE;
}

/* Counts what is pending of an item. */
static inline void list_index_settle(struct crdt_doc *doc) {
    struct index *index = &doc->index;
    if (index->pending_units != 0) {
        uint64_t units = index->pending_units;
        index->pending_units = 0;
        index_widen(doc, index->pending_item, units);
    }
}

/* An item has become longer or, modulo 2^64, shorter; more of that is likely to come. */
static inline void list_index_later(struct crdt_doc *doc, uint32_t number, const struct item *item, uint64_t units) {
    struct index *index = &doc->index;
    if (item->tag != PLACE_LEAF)
        return;
    if (index->pending_item != number) {
        list_index_settle(doc);
        index->pending_item = number;
    }
    index->pending_units += units;
}

/* Nobody types or erases there any more, as far as the document knows. */
static inline void doc_typing_end(struct crdt_doc *doc) {
    doc->typing.type = NULL;
    doc->erasing.type = NULL;
}

static inline void list_index_put(struct crdt_doc *doc, struct crdt_type *type, uint32_t left, const uint32_t *items,
                                  uint32_t count) {
    if (list_is_indexed(type))
        index_put(doc, type, left, items, count);
}

static inline void list_index_joins(struct crdt_doc *doc, const struct crdt_type *type, uint32_t left, uint32_t right) {
    if (list_is_indexed(type))
        index_join(doc, left, right);
}

static inline void list_index_grew(struct crdt_doc *doc, const struct crdt_type *type, uint32_t number, uint64_t units) {
    if (list_is_indexed(type))
        index_widen(doc, number, units);
}

static inline void list_index_hid(struct crdt_doc *doc, const struct crdt_type *type, uint32_t number, uint64_t units) {
    if (list_is_indexed(type))
        index_widen(doc, number, 0 - units);
}

/* For doc_check: whether the tree says what the list says. */
bool list_index_is_true(const struct crdt_doc *doc, const struct crdt_type *type);

#endif
