/* txn.c — a transaction: what it deleted, and the cleaning up at its end.
 *
 *   deleting    marks an item and, through a work list of types, all that it holds; nothing is freed and no memory is taken
 *   commit      0. tells observers
 *               1. collects: deleted content is dropped. The top of a deleted tree becomes Deleted, everything below it GC
 *               2. lists the deletions as ranges of units, if somebody listens
 *               3. joins deleted runs with their neighbours in clock
 *               4. writes the update
 *               5. compacts the text arenas that have become mostly dead
 *
 * The list of deleted items is linked through the items, so a transaction that deletes a million of them takes no memory. An item
 * that is joined away in step 3 while it stands in the list is marked CONTENT_FREE and given back after it. */
#include "crdt/observe.h"
#include "doc_check.h"
#include "list_index.h"
#include "store.h"

enum {
    COMPACT_BYTES_MIN = 4096, /* dead bytes of a client below which compacting is not worth the walk */
    SPARE_CHUNKS_KEPT = 8     /* what a usual update may need; kept in documents that fill as many */
};

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

void txn_push_deleted(struct crdt_txn *txn, uint32_t number) {
    struct item *item = doc_item(txn->doc, number);
    item->flags |= ITEM_IN_TXN;
    item->txn_next = ITEM_NONE;
    if (txn->deleted_last == ITEM_NONE)
        txn->deleted_first = number;
    else
        doc_item(txn->doc, txn->deleted_last)->txn_next = number;
    txn->deleted_last = number;
}

static void txn_push_work(struct crdt_txn *txn, uint32_t type_number) {
    struct crdt_type *type = doc_type(txn->doc, type_number);
    type->next = txn->work;
    txn->work = type;
}

static struct crdt_type *txn_pop_work(struct crdt_txn *txn) {
    struct crdt_type *type = txn->work;
    if (type != NULL)
        txn->work = type->next;
    return type;
}

/* One item, without what it holds; that is put on the work list. */
static void txn_delete_one(struct crdt_txn *txn, uint32_t number) {
    struct item *item = doc_item(txn->doc, number);
    if ((item->flags & ITEM_DELETED) != 0)
        return;
    item->flags |= ITEM_DELETED;
    if (!item_is_keyed(item) && content_countable(item->kind)) {
        struct crdt_type *parent = doc_type(txn->doc, item->parent);
        parent->length -= item->length;
        list_index_hid(txn->doc, parent, number, item->length);
    }
    txn->units_deleted += item->length;
    txn_push_deleted(txn, number);
    if (item->kind == CONTENT_TYPE)
        txn_push_work(txn, item->type);
}

void txn_delete_item(struct crdt_txn *txn, uint32_t number) {
    struct crdt_doc *doc = txn->doc;
    txn_delete_one(txn, number);
    for (struct crdt_type *type; (type = txn_pop_work(txn)) != NULL;) {
        type->cursor_item = ITEM_NONE;
        for (uint32_t at = type->start; at != ITEM_NONE; at = doc_item(doc, at)->right)
            txn_delete_one(txn, at);
        for (uint32_t at = type->entries; at != ENTRY_NONE; at = doc->types.entries[at].next)
            if (doc->types.entries[at].item != ITEM_NONE)
                txn_delete_one(txn, doc->types.entries[at].item);
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
            if (item->clock + item->length > end) {
                doc_split_after(doc, client->index, end - 1);
                number = doc_find(doc, client->index, clock);
                item = doc_item(doc, number);
            }
            struct crdt_type *parent = doc_type(doc, item->parent);
            parent->cursor_item = ITEM_NONE;
            txn_delete_item(txn, number);
            deleted += item->length;
        }
        clock = item->clock + item->length;
    }
    return deleted;
}

/* Drops the content of an item that ceases to need it. */
static void txn_drop_content(struct crdt_doc *doc, struct item *item) {
    if (item->content_bytes == 0 || item->content == content_half_pair)
        return;
    struct client *client = doc->clients[item->client];
    client->text_dead += item->content_bytes;
    if (!client->compact && client->text_dead >= COMPACT_BYTES_MIN && client->text_dead > client->text_bytes / 2) {
        client->compact = true;
        client->compact_next = doc->compact;
        doc->compact = client;
    }
}

static void txn_collect_child(struct crdt_txn *txn, uint32_t number) {
    struct crdt_doc *doc = txn->doc;
    struct item *item = doc_item(doc, number);
    if (item->kind == CONTENT_TYPE)
        txn_push_work(txn, item->type);
    txn_drop_content(doc, item);
    item->kind = CONTENT_GC;
    item->content = NULL;
    item->content_bytes = 0;
    item->origin_client = CLIENT_NONE;
    item->right_origin_client = CLIENT_NONE;
    item->left = ITEM_NONE;
    item->right = ITEM_NONE;
    item->parent = TYPE_NONE;
    item->entry = ENTRY_NONE;
}

static void txn_collect(struct crdt_txn *txn, uint32_t number) {
    struct crdt_doc *doc = txn->doc;
    struct item *item = doc_item(doc, number);
    if (item->kind == CONTENT_GC || item->kind == CONTENT_DELETED || (item->flags & ITEM_KEEP) != 0)
        return;
    if (item->kind == CONTENT_TYPE)
        txn_push_work(txn, item->type);
    txn_drop_content(doc, item);
    item->kind = CONTENT_DELETED;
    item->content = NULL;
    item->content_bytes = 0;
    for (struct crdt_type *type; (type = txn_pop_work(txn)) != NULL;) {
        for (uint32_t at = type->start; at != ITEM_NONE;) {
            uint32_t next = doc_item(doc, at)->right;
            txn_collect_child(txn, at);
            at = next;
        }
        for (uint32_t entry = type->entries; entry != ENTRY_NONE; entry = doc->types.entries[entry].next)
            for (uint32_t at = doc->types.entries[entry].item; at != ITEM_NONE;) {
                uint32_t next = doc_item(doc, at)->left;
                txn_collect_child(txn, at);
                at = next;
            }
        list_index_drop(doc, type);
        types_remove(&doc->types, type);
    }
}

enum status txn_ranges(const struct crdt_txn *txn, struct id_range **out, size_t *out_count, size_t *out_capacity) {
    const struct crdt_doc *doc = txn->doc;
    size_t count = 0;
    for (uint32_t at = txn->deleted_first; at != ITEM_NONE; at = doc_item(doc, at)->txn_next)
        count++;
    *out_count = 0;
    *out_capacity = count;
    *out = NULL;
    if (count == 0)
        return STATUS_OK;
    struct id_range *ranges = mem_alloc(&doc->mem, count * sizeof *ranges);
    if (ranges == NULL)
        return STATUS_NO_MEMORY;
    size_t at_range = 0;
    for (uint32_t at = txn->deleted_first; at != ITEM_NONE; at = doc_item(doc, at)->txn_next) {
        const struct item *item = doc_item(doc, at);
        ranges[at_range++] = (struct id_range){ doc->clients[item->client]->id, item->clock, item->length };
    }
    *out_count = id_ranges_normalize(ranges, count);
    *out = ranges;
    return STATUS_OK;
}

static void txn_join_deleted(struct crdt_txn *txn) {
    struct crdt_doc *doc = txn->doc;
    for (uint32_t at = txn->deleted_first; at != ITEM_NONE; at = doc_item(doc, at)->txn_next) {
        const struct item *item = doc_item(doc, at);
        if (item->kind == CONTENT_FREE)
            continue;
        struct client *client = doc->clients[item->client];
        struct run_place right = client_find(client, item->clock);
        if (run_place_next(&right))
            doc_join_with_previous(doc, right);
        doc_join_with_previous(doc, client_find(client, item->clock));
    }
    for (uint32_t at = txn->deleted_first; at != ITEM_NONE;) {
        struct item *item = doc_item(doc, at);
        uint32_t next = item->txn_next;
        item->flags &= (uint8_t)~ITEM_IN_TXN;
        item->txn_next = ITEM_NONE;
        if (item->kind == CONTENT_FREE)
            items_give(&doc->items, at);
        at = next;
    }
    txn->deleted_first = ITEM_NONE;
    txn->deleted_last = ITEM_NONE;
}

static void txn_end(struct crdt_txn *txn) {
    struct crdt_doc *doc = txn->doc;
    for (struct client *client = txn->touched; client != NULL;) {
        struct client *next = client->txn_next;
        client->txn_touched = false;
        client->txn_next = NULL;
        client = next;
    }
    txn->touched = NULL;
    for (struct client *client = doc->compact; client != NULL;) {
        struct client *next = client->compact_next;
        client->compact = false;
        client->compact_next = NULL;
        client_text_compact(client, &doc->mem, &doc->items);
        client = next;
    }
    doc->compact = NULL;
    types_trim(&doc->types, &doc->mem);
    run_spares_trim(&doc->spares, &doc->mem, doc->runs >= RUN_CHUNK_FULL * SPARE_CHUNKS_KEPT ? SPARE_CHUNKS_KEPT : 0);
    items_trim(&doc->items, &doc->mem);
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
    assert(doc_check(doc, NULL) == 0);
}
#endif

static void txn_tell(struct crdt_txn *txn) {
    txn->telling = true;
    for (struct crdt_observer *observer = txn->doc->observers, *next; observer != NULL; observer = next) {
        next = observer->next;
        observer->on_change(observer, txn);
    }
    txn->telling = false;
}

enum status crdt_txn_commit(struct crdt_txn *txn, struct bytes_writer *update, struct crdt_changes *changes) {
    struct crdt_doc *doc = txn->doc;
    assert(txn->open);
    enum status status = STATUS_OK;
    bool changed = txn->touched != NULL || txn->deleted_first != ITEM_NONE;
    if (changed && doc->observers != NULL)
        txn_tell(txn);
    if (doc->options.gc)
        for (uint32_t at = txn->deleted_first; at != ITEM_NONE; at = doc_item(doc, at)->txn_next)
            txn_collect(txn, at);
    struct id_range *ranges = NULL;
    size_t range_count = 0;
    size_t range_capacity = 0;
    if (update != NULL && changed)
        status = txn_ranges(txn, &ranges, &range_count, &range_capacity);
    txn_join_deleted(txn);
    if (update != NULL && changed && status == STATUS_OK) {
        size_t size_before = update->size;
        status = doc_encode_txn(doc, ranges, range_count, update);
        if (status != STATUS_OK)
            update->size = size_before;
    }
    mem_free(&doc->mem, ranges, range_capacity * sizeof *ranges);
    if (changes != NULL)
        *changes = (struct crdt_changes){ txn->units_added, txn->units_deleted };
    txn_end(txn);
#ifndef NDEBUG
    txn_check(doc);
#endif
    return status;
}
