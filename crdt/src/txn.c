/* txn.c — a transaction: what it deleted.
 *
 *   deleting    marks an item and all that it holds, depth first as Yjs: an undo manager takes clients in the order in which they
 *               lost something. Nothing is freed, and what it takes was reserved
 *
 *   commit      tells observers, collects and joins (collect.c), writes the update (encode.c), tidies up (collect.c): in the usual
 *               transaction of somebody who types there is nothing of this to do but to write
 *
 * What was deleted is remembered as ranges of units, so runs may be cut and joined meanwhile. */
#include "doc_check.h"
#include "list_index.h"
#include "store.h"

#ifndef NDEBUG
#include <stdio.h>
#endif

struct crdt_txn *crdt_txn_begin(struct crdt_doc *doc) {
    struct crdt_txn *txn = &doc->txn;
    assert(!txn->open);
    txn->open = true;
    txn->origin = NULL;
    txn->remote = false;
    txn->units_added = 0;
    txn->units_deleted = 0;
    return txn;
}

enum status txn_reserve_deletes(struct crdt_txn *txn, uint64_t count, size_t items_coming, bool types_coming) {
    struct crdt_doc *doc = txn->doc;
    size_t runs_max = doc->runs + items_coming;
    bool nested = types_coming || doc->types.count - doc->types.free_count > doc->types.roots;
    size_t needed = txn->deleted_count + (nested || count > runs_max ? runs_max : (size_t)count);
    if (needed <= txn->deleted_capacity)
        return STATUS_OK;
    size_t capacity = txn->deleted_capacity + txn->deleted_capacity / 2 + 2;
    capacity = capacity < needed ? needed : capacity;
    struct unit_range *deleted =
        mem_resize(&doc->mem, txn->deleted, txn->deleted_capacity * sizeof *deleted, capacity * sizeof *deleted);
    if (deleted == NULL)
        return STATUS_NO_MEMORY;
    txn->deleted = deleted;
    txn->deleted_capacity = capacity;
    doc->untidy = true;
    return STATUS_OK;
}

uint32_t txn_deleted_next(const struct crdt_txn *txn, struct deleted_walk *walk) {
    for (;; walk->range++, walk->place.chunk = NULL) {
        if (walk->range == txn->deleted_count)
            return ITEM_NONE;
        const struct unit_range *range = &txn->deleted[walk->range];
        if (walk->place.chunk == NULL)
            walk->place = client_find(txn->doc->clients[range->client], range->clock);
        else if (!run_place_next(&walk->place) || run_clock(walk->place.chunk, walk->place.at) >= range->clock + range->length)
            continue;
        return run_place_item(walk->place);
    }
}

/* The value of an entry or of the first behind it that has one. */
static uint32_t entries_value(const struct types *types, uint32_t entry) {
    while (entry != ENTRY_NONE && types->entries[entry].item == ITEM_NONE)
        entry = types->entries[entry].next;
    return entry == ENTRY_NONE ? ITEM_NONE : types->entries[entry].item;
}

/* What a type holds: its list, then the values of its keys. ITEM_NONE: no more. */
static uint32_t held_first(const struct crdt_doc *doc, const struct crdt_type *type) {
    return type->start != ITEM_NONE ? type->start : entries_value(&doc->types, type->entries);
}

static uint32_t held_next(const struct crdt_doc *doc, const struct item *item) {
    if (item_is_keyed(item))
        return entries_value(&doc->types, doc->types.entries[item->place].next);
    return item->right != ITEM_NONE ? item->right : entries_value(&doc->types, doc_type(doc, item_parent(doc, item))->entries);
}

/* One item. Answers the type whose content goes with it, or NULL. */
static struct crdt_type *txn_delete_one(struct crdt_txn *txn, uint32_t number) {
    struct crdt_doc *doc = txn->doc;
    struct item *item = doc_item(doc, number);
    if ((item->flags & ITEM_DELETED) != 0)
        return NULL;
    uint64_t length = item_length(doc, item);
    if (!item_is_keyed(item) && content_countable(item->kind)) {
        struct crdt_type *parent = doc_type(doc, item_parent(doc, item));
        parent->length -= length;
        list_index_widen(doc, item, 0 - length);
    }
    item->flags |= ITEM_DELETED;
    if (doc->observers != NULL)
        item->flags |= ITEM_IN_TXN;
    txn->units_deleted += length;
    txn_push_deleted(txn, (uint32_t)item->client, item_clock(doc, item), length);
    return item->kind == CONTENT_TYPE ? doc_type(doc, item_type(doc, item)) : NULL;
}

void txn_delete_item(struct crdt_txn *txn, uint32_t number) {
    struct crdt_doc *doc = txn->doc;
    doc_typing_end(doc);
    doc->deletes_known = false;
    txn->uncollected = true;
    for (uint32_t at = number, next; at != ITEM_NONE; at = next) {
        struct crdt_type *type = txn_delete_one(txn, at);
        next = ITEM_NONE;
        if (type != NULL) {
            type->cursor_item = ITEM_NONE;
            next = held_first(doc, type);
        }
        for (; next == ITEM_NONE && at != number; at = doc_type(doc, item_parent(doc, doc_item(doc, at)))->item)
            next = held_next(doc, doc_item(doc, at));
    }
}

uint64_t txn_delete_range(struct crdt_txn *txn, struct client *client, uint64_t clock, uint64_t end) {
    struct crdt_doc *doc = txn->doc;
    uint64_t deleted = 0;
    while (clock < end) {
        uint32_t number = doc_find(doc, client->index, clock);
        const struct item *item = doc_item(doc, number);
        if ((item->flags & ITEM_DELETED) == 0) {
            number = doc_split_before(doc, client->index, clock);
            item = doc_item(doc, number);
            if (item_end(doc, item) > end) {
                doc_split_after(doc, client->index, end - 1);
                number = doc_find(doc, client->index, clock);
                item = doc_item(doc, number);
            }
            struct crdt_type *parent = doc_type(doc, item_parent(doc, item));
            parent->cursor_item = ITEM_NONE;
            txn_delete_item(txn, number);
            deleted += item_length(doc, item);
        }
        clock = item_end(doc, item);
    }
    return deleted;
}

void doc_compact_later(struct crdt_doc *doc, struct client *client) {
    if (client->compact)
        return;
    client->compact = true;
    client->compact_next = doc->compact;
    doc->compact = client;
    doc->untidy = true;
}

static bool txn_changed(const struct crdt_txn *txn) {
    return txn->touched != NULL || txn->deleted_count > 0;
}

static inline void txn_close(struct crdt_txn *txn) {
    if (txn->touched != NULL || txn->deleted_count > 0)
        txn->doc->version++;
    for (struct client *client = txn->touched, *next; client != NULL; client = next) {
        next = client->txn_next;
        client->txn_touched = false;
        client->txn_next = NULL;
    }
    txn->touched = NULL;
    txn->deleted_count = 0;
    txn->open = false;
}

#ifndef NDEBUG
/* Debug builds check small documents after every transaction, big ones after as many as make the walk cheap. */
static void txn_check(struct crdt_doc *doc) {
    enum { CHECKED_RUNS_EACH = 8 };
    doc->unchecked_runs += CHECKED_RUNS_EACH;
    if (doc->unchecked_runs < doc->runs)
        return;
    doc->unchecked_runs = 0;
    const char *what = "";
    int broken = doc_check(doc, &what);
    if (broken != 0)
        fprintf(stderr, "doc_check %d: %s\n", broken, what);
    assert(broken == 0);
}
#endif

/* Of a transaction that leaves more to do than to end it. */
static SELDOM enum status txn_finish(struct crdt_txn *txn, struct bytes_writer *update) {
    struct crdt_doc *doc = txn->doc;
    if (doc->observers != NULL || txn->uncollected)
        txn_settle(txn);
    enum status status = update != NULL && txn_changed(txn) ? doc_write_txn(doc, update) : STATUS_OK;
    txn_close(txn);
    if (doc->untidy)
        txn_tidy(doc);
    return status;
}

enum status crdt_txn_commit(struct crdt_txn *txn, struct bytes_writer *update, struct crdt_changes *changes) {
    struct crdt_doc *doc = txn->doc;
    enum status status = STATUS_OK;
    assert(txn->open);
    if (changes != NULL)
        *changes = (struct crdt_changes){ txn->units_added, txn->units_deleted };
    if (update != NULL || doc->observers != NULL || txn->uncollected || doc->untidy)
        status = txn_finish(txn, update);
    else
        txn_close(txn);
#ifndef NDEBUG
    txn_check(doc);
#endif
    return status;
}
