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

/* Deletes units [offset, offset + length) of the item at `place`, 0 < length. Reserved: BURY_ITEMS items, one deletion. */
void txn_bury(struct crdt_txn *txn, struct run_place place, uint32_t offset, uint32_t length);

#endif
