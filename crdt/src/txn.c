/* txn.c — a transaction: what it deleted, and the cleaning up at its end.
 *
 *   deleting    marks an item and, through a work list of types, all that it holds; nothing is freed, and what it takes was reserved
 *   commit      0. tells observers
 *               1. collects: deleted content is dropped. The top of a deleted tree becomes Deleted, everything below it GC
 *               2. joins deleted runs with their neighbours in clock
 *               3. writes the update
 *               4. compacts the texts that have become mostly dead
 *
 * What was deleted is remembered as ranges of units, so runs may be cut and joined meanwhile. */
#include "crdt/observe.h"
#include "doc_check.h"
#include "list_index.h"
#include "store.h"
#include <stdio.h>

enum {
    DELETED_KEPT = 64,        /* ranges for which room is kept between transactions */
    SPARE_CHUNKS_KEPT = 4     /* what a usual edit may need; kept in documents that are not tiny */
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
    return STATUS_OK;
}

void txn_push_deleted(struct crdt_txn *txn, uint32_t client, uint64_t clock, uint64_t length) {
    struct unit_range *last = txn->deleted_count == 0 ? NULL : &txn->deleted[txn->deleted_count - 1];
    if (last != NULL && last->client == client && last->clock + last->length == clock) {
        last->length += length;
    } else if (last != NULL && last->client == client && clock + length == last->clock) {
        last->clock = clock;
        last->length += length;
    } else {
        assert(txn->deleted_count < txn->deleted_capacity);
        txn->deleted[txn->deleted_count++] = (struct unit_range){ clock, length, client };
    }
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
    struct crdt_doc *doc = txn->doc;
    struct item *item = doc_item(doc, number);
    if ((item->flags & ITEM_DELETED) != 0)
        return;
    uint64_t length = item_length(doc, item);
    if (!item_is_keyed(item) && content_countable(item->kind)) {
        struct crdt_type *parent = doc_type(doc, item_parent(doc, item));
        parent->length -= length;
        list_index_hid(doc, parent, number, length);
    }
    item->flags |= ITEM_DELETED;
    if (doc->observers != NULL)
        item->flags |= ITEM_IN_TXN;
    txn->units_deleted += length;
    txn_push_deleted(txn, (uint32_t)item->client, item_clock(doc, item), length);
    if (item->kind == CONTENT_TYPE)
        txn_push_work(txn, item_type(doc, item));
}

void txn_delete_item(struct crdt_txn *txn, uint32_t number) {
    struct crdt_doc *doc = txn->doc;
    doc_typing_end(doc);
    doc->deletes_encoded.valid = false;
    txn->uncollected = true;
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

/* Drops the content of an item that ceases to need it. */
static void txn_drop_content(struct crdt_doc *doc, struct item *item) {
    struct client *client = doc->clients[item->client];
    if ((item->flags & ITEM_ASCII) != 0) {
        if (item->content + item->length == client->ascii_used)
            client->ascii_used -= item->length;
        else
            client->ascii_dead += item->length;
        if (client_is_mostly_dead(client->ascii_dead, client->ascii_used))
            doc_compact_later(doc, client);
        item->flags &= ~ITEM_ASCII;
    } else if (item->content != CONTENT_NONE) {
        const struct content *content = &doc->items.contents[item->content];
        if (content->bytes > 0 && content->data != content_half_pair)
            client->text_dead += content->bytes;
        if (client_is_mostly_dead(client->text_dead, client->text_bytes))
            doc_compact_later(doc, client);
        contents_give(&doc->items, item->content);
    }
    item->content = CONTENT_NONE;
}

static void txn_collect_child(struct crdt_txn *txn, uint32_t number) {
    struct crdt_doc *doc = txn->doc;
    struct item *item = doc_item(doc, number);
    if (item->kind == CONTENT_TYPE)
        txn_push_work(txn, item_type(doc, item));
    txn_drop_content(doc, item);
    item->kind = CONTENT_GC;
    item->origin_client = CLIENT_NONE;
    item->right_origin_client = CLIENT_NONE;
    item->left = ITEM_NONE;
    item->right = ITEM_NONE;
    item->tag = PLACE_NONE;
}

static void txn_collect(struct crdt_txn *txn, uint32_t number) {
    struct crdt_doc *doc = txn->doc;
    struct item *item = doc_item(doc, number);
    if (item->kind == CONTENT_GC || item->kind == CONTENT_DELETED || (item->flags & ITEM_KEEP) != 0)
        return;
    if (item->kind == CONTENT_TYPE)
        txn_push_work(txn, item_type(doc, item));
    txn_drop_content(doc, item);
    item->kind = CONTENT_DELETED;
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

/* The runs of a deleted range with one another, and with those before and behind. */
static void txn_join_range(struct crdt_doc *doc, const struct unit_range *range) {
    struct client *client = doc->clients[range->client];
    uint64_t end = range->clock + range->length;
    for (uint64_t clock = range->clock; clock <= end && clock < client->state;) {
        struct run_place place = client_find(client, clock);
        if (run_clock(place.chunk, place.at) == clock)
            doc_join_with_previous(doc, place);
        clock = item_end(doc, doc_item(doc, doc_find(doc, client->index, clock)));
    }
}

static bool txn_changed(const struct crdt_txn *txn) {
    return txn->touched != NULL || txn->deleted_count > 0;
}

static inline void txn_close(struct crdt_txn *txn) {
    txn->doc->version += txn_changed(txn);
    for (struct client *client = txn->touched; client != NULL;) {
        struct client *next = client->txn_next;
        client->txn_touched = false;
        client->txn_next = NULL;
        client = next;
    }
    txn->touched = NULL;
    txn->deleted_count = 0;
    txn->open = false;
}

/* Gives back what was reserved and is not needed, and makes texts compact. */
static void txn_tidy(struct crdt_doc *doc) {
    struct crdt_txn *txn = &doc->txn;
    doc->untidy = false;
    if (doc->version != doc->version_encoded)
        encoded_drop(doc, &doc->state_encoded);
    for (struct client *client = doc->compact; client != NULL;) {
        struct client *next = client->compact_next;
        client->compact = false;
        client->compact_next = NULL;
        if (client_is_mostly_dead(client->ascii_dead, client->ascii_used)) {
            doc_typing_end(doc);
            client_ascii_compact(client, &doc->mem, &doc->items);
        }
        if (client_is_mostly_dead(client->text_dead, client->text_bytes))
            client_text_compact(client, &doc->mem, &doc->items);
        client = next;
    }
    doc->compact = NULL;
    if (txn->deleted_capacity > DELETED_KEPT) {
        mem_free(&doc->mem, txn->deleted, txn->deleted_capacity * sizeof *txn->deleted);
        txn->deleted = NULL;
        txn->deleted_capacity = 0;
    }
    types_trim(&doc->types, &doc->mem);
    run_spares_trim(&doc->spares, &doc->mem, doc->runs >= RUN_CHUNK_FULL ? SPARE_CHUNKS_KEPT : 0);
    items_trim(&doc->items, &doc->mem);
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

static void txn_tell(struct crdt_txn *txn) {
    txn->telling = true;
    for (struct crdt_observer *observer = txn->doc->observers, *next; observer != NULL; observer = next) {
        next = observer->next;
        observer->on_change(observer, txn);
    }
    txn->telling = false;
}

/* What is new, for others. */
static enum status txn_write(const struct crdt_txn *txn, struct bytes_writer *update) {
    enum { RANGES_INLINE = 8 };
    const struct crdt_doc *doc = txn->doc;
    struct id_range ranges_inline[RANGES_INLINE];
    struct id_range *ranges = ranges_inline;
    size_t count = txn->deleted_count;
    if (update->status != STATUS_OK || doc_encode_txn_quick(doc, update))
        return update->status;
    if (count > RANGES_INLINE)
        ranges = mem_alloc(doc->mem_outer, count * sizeof *ranges);
    if (ranges == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const struct unit_range *range = &txn->deleted[i];
        ranges[i] = (struct id_range){ doc->clients[range->client]->id, range->clock, range->length };
    }
    size_t size_before = update->size;
    enum status status = doc_encode_txn(doc, ranges, id_ranges_normalize(ranges, count), update);
    if (status != STATUS_OK)
        update->size = size_before;
    if (ranges != ranges_inline)
        mem_free(doc->mem_outer, ranges, count * sizeof *ranges);
    return status;
}

/* Tells observers, collects and joins. */
static void txn_settle(struct crdt_txn *txn) {
    struct crdt_doc *doc = txn->doc;
    if (doc->observers != NULL && txn_changed(txn)) {
        txn_tell(txn);
        struct deleted_walk walk = { 0 };
        for (uint32_t at; (at = txn_deleted_next(txn, &walk)) != ITEM_NONE;)
            doc_item(doc, at)->flags &= ~ITEM_IN_TXN;
    }
    if (txn->uncollected) {
        struct deleted_walk walk = { 0 };
        for (uint32_t at; doc->options.gc && (at = txn_deleted_next(txn, &walk)) != ITEM_NONE;)
            txn_collect(txn, at);
        for (size_t i = 0; i < txn->deleted_count; i++)
            txn_join_range(doc, &txn->deleted[i]);
        txn->uncollected = false;
        doc->untidy = true;
    }
}

enum status crdt_txn_commit(struct crdt_txn *txn, struct bytes_writer *update, struct crdt_changes *changes) {
    struct crdt_doc *doc = txn->doc;
    assert(txn->open);
    if (changes != NULL)
        *changes = (struct crdt_changes){ txn->units_added, txn->units_deleted };
    if (doc->observers != NULL || txn->uncollected)
        txn_settle(txn);
    enum status status = update != NULL && txn_changed(txn) ? txn_write(txn, update) : STATUS_OK;
    txn_close(txn);
    if (doc->untidy)
        txn_tidy(doc);
#ifndef NDEBUG
    txn_check(doc);
#endif
    return status;
}
