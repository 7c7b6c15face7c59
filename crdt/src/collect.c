/* collect.c — the end of a transaction: telling observers, collecting what was deleted, joining runs, giving memory back.
 *
 * Collecting drops deleted content. The top of a deleted tree of types becomes Deleted, in its place; everything below it becomes
 * GC, ranges without a place. Types wait for that in a work list that is linked through them, so a tree of any size takes no memory
 * and no stack. What was buried (bury.h) needs none of this. */
#include "crdt/observe.h"
#include "list_index.h"
#include "store.h"

enum {
    DELETED_KEPT = 8,     /* ranges for which room is kept between transactions */
    SPARE_CHUNKS_KEPT = 4 /* what a usual edit may need; kept in documents that are not tiny */
};

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
        txn_push_work(txn, doc_type(doc, item_type(doc, item)));
    txn_drop_content(doc, item);
    doc->items.changes++;
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
        txn_push_work(txn, doc_type(doc, item_type(doc, item)));
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

static void txn_tell(struct crdt_txn *txn) {
    txn->telling = true;
    for (struct crdt_observer *observer = txn->doc->observers, *next; observer != NULL; observer = next) {
        next = observer->next;
        observer->on_change(observer, txn);
    }
    txn->telling = false;
}

/* Tells observers, collects and joins. */
void txn_settle(struct crdt_txn *txn) {
    struct crdt_doc *doc = txn->doc;
    if (doc->observers != NULL && (txn->touched != NULL || txn->deleted_count > 0)) {
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

/* Gives back what was reserved and is not needed, and makes texts compact. */
void txn_tidy(struct crdt_doc *doc) {
    struct crdt_txn *txn = &doc->txn;
    doc->untidy = false;
    if (doc->seldom->state_encoded.data != NULL && doc->version != doc->seldom->version_encoded)
        encoded_drop(doc, &doc->seldom->state_encoded);
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
    items_trim(&doc->items, &doc->mem, 1);
}
