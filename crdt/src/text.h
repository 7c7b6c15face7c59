/* text.h — places in a list by index, for all local edits. */
#ifndef CRDT_SRC_TEXT_H
#define CRDT_SRC_TEXT_H

#include "store.h"

/* A place between two items: `left` is the item that holds the unit before it, ITEM_NONE at the beginning; `offset` units of
 * it, at least one, stand before the place. */
struct text_place {
    uint32_t left;
    uint64_t offset;
};

/* index <= type->length. Cost: near the last edit constant, else log of the list. */
struct text_place text_find(struct crdt_doc *doc, struct crdt_type *type, uint64_t index);

/* Deletes countable units, marks stay. STATUS_RANGE, STATUS_NO_MEMORY. */
enum status list_delete(struct crdt_txn *txn, struct crdt_type *type, uint64_t index, uint64_t length);

#endif
