/* change.h — what the open transaction has changed, run by run. */
#ifndef CRDT_SRC_CHANGE_H
#define CRDT_SRC_CHANGE_H

#include "store.h"

/* How many of an item's units were there before the transaction: all, none, or those that a run which grew had. */
static inline uint64_t change_old_units(const struct crdt_doc *doc, const struct item *item) {
    const struct client *client = doc->clients[item->client];
    if (!client->txn_touched || item_end(doc, item) <= client->txn_from)
        return item_length(doc, item);
    return item_clock(doc, item) >= client->txn_from ? 0 : client->txn_from - item_clock(doc, item);
}

/* Deleted by this transaction. */
static inline bool change_deleted(const struct item *item) {
    return (item->flags & ITEM_IN_TXN) != 0;
}

/* Visits every item with new units, then every one that was deleted (one may be both); GC is left out. `visit` answers false to
 * stop, which is answered then. */
bool change_each(const struct crdt_txn *txn, bool (*visit)(void *context, uint32_t number), void *context);

/* Whether the item stands in `type`, or in something that does. */
bool change_inside(const struct crdt_doc *doc, const struct item *item, const struct crdt_type *type);

#endif
