/* bury.h — text that is deleted while nobody looks becomes Deleted at once.
 *
 *     [hello][†††]      bury "lo"      →      [hel][†††††]      the border moves: no run is made, none is lost
 *     [hello]           bury "ll"      →      [he][††][o]
 *
 * That is what the end of the transaction would make of it, without the detour: no run is cut to be joined again. It is possible
 * where the content need not be kept (options.gc, no observers) and the text is cut at places that are easy to find. */
#ifndef CRDT_SRC_BURY_H
#define CRDT_SRC_BURY_H

#include "store.h"

/* Whether txn_bury may have this item. */
static inline bool item_can_be_buried(const struct crdt_doc *doc, const struct item *item) {
    return item->flags == ITEM_ASCII && item->tag != PLACE_ENTRY && doc->options.gc && doc->observers == NULL;
}

enum { BURY_ITEMS = 2 }; /* that it takes at most */

/* Deletes units [offset, offset + length) of an item in `type`, 0 < length, that has no grave to take them in: to be asked for the
 * border first. `index`: of the first of them, if it is the local user who deletes, else UINT64_MAX; where the next deletion may be
 * is remembered in doc->erasing. Reserved: BURY_ITEMS items, one deletion. */
void txn_bury(struct crdt_txn *txn, struct crdt_type *type, uint64_t index, uint32_t number, uint32_t offset, uint32_t length);

/* The same if they are the first or last units of the item, but not all, and there is a grave beside them to take them in; else
 * false, and nothing is done. Reserved: one deletion. */
bool txn_bury_at_border(struct crdt_txn *txn, struct crdt_type *type, uint64_t index, uint32_t number, uint32_t offset,
                        uint32_t length);

/* The border between an item and its grave moves: the last units of the item, or its first ones if `forward`, are deleted.
 * `moving`: the place of the run that begins at the border, which run_can_move(). Reserved: one deletion. */
void txn_bury_border(struct crdt_txn *txn, struct crdt_type *type, struct run_place moving, uint32_t item_number,
                     uint32_t grave_number, bool forward, uint32_t length);

#endif
