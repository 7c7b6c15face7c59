/* integrate.c — where a run goes: YATA as Yjs has it.
 *
 * Two people typed at the same place without knowing of each other. Everybody must put the two runs in the same order, whatever
 * came first:
 *
 *                       o₁ ──────┐
 *     left ── … concurrent runs … ── right       origin = left's last unit, right origin = right's first unit
 *
 *   A run is placed between its left and its right. If others stand there already, it walks over them from left to right:
 *   · one with the same origin: the smaller client id goes further left; with the same right origin the bigger one stops the walk
 *   · one whose origin lies among those walked over since the last step to the right: it belongs to what was passed, so pass it too
 *   · any other ends the walk
 *
 * "Among those walked over" is a mark on the items instead of a set: each visited item gets the next number, so one comparison says
 * whether it was visited in this scan (mark > scan start) and whether since the last step (mark > conflict start).
 *
 * Cost: a search for each origin + the concurrent runs at the place. */
#include "list_index.h"
#include "store.h"

/* A walk needs one number per item; when they run out all marks start anew. */
static void integrate_reserve_marks(struct crdt_doc *doc) {
    if (doc->mark < UINT32_MAX - doc->items.used - 1)
        return;
    for (uint32_t i = 0; i < doc->items.used; i++)
        doc_item(doc, i)->mark = 0;
    doc->mark = 0;
}

/* The item after which the run goes; ITEM_NONE: at the beginning. */
static uint32_t integrate_scan(struct crdt_doc *doc, const struct placing *placing) {
    if (doc->conflict_steps > doc->conflict_stop)
        return placing->left;
    integrate_reserve_marks(doc);
    uint32_t scan_start = doc->mark;
    uint32_t conflict_start = doc->mark;
    uint32_t destination = placing->left;
    uint32_t at;
    if (placing->left != ITEM_NONE) {
        at = doc_item(doc, placing->left)->right;
    } else if (placing->entry != ENTRY_NONE) {
        at = doc->types.entries[placing->entry].first;
    } else {
        at = doc_type(doc, placing->parent)->start;
    }
    while (at != ITEM_NONE && at != placing->right) {
        struct item *other = doc_item(doc, at);
        other->mark = ++doc->mark;
        bool same_origin = other->origin_client == placing->origin_client &&
                           (other->origin_client == CLIENT_NONE || other->origin_clock == placing->origin_clock);
        if (same_origin) {
            bool same_right_origin =
                other->right_origin_client == placing->right_origin_client &&
                (other->right_origin_client == CLIENT_NONE || other->right_origin_clock == placing->right_origin_clock);
            if (doc->clients[other->client]->id < placing->client->id) {
                destination = at;
                conflict_start = doc->mark;
            } else if (same_right_origin) {
                break;
            }
        } else if (other->origin_client != CLIENT_NONE) {
            const struct item *origin = doc_item(doc, doc_find(doc, other->origin_client, other->origin_clock));
            if (origin->kind == CONTENT_GC || origin->mark <= scan_start)
                break;
            if (origin->mark <= conflict_start) {
                destination = at;
                conflict_start = doc->mark;
            }
        } else {
            break;
        }
        at = other->right;
    }
    doc->conflict_steps += doc->mark - scan_start;
    return destination;
}

static void integrate_gc(struct crdt_doc *doc, struct client *client, uint64_t length) {
    txn_touch(&doc->txn, client);
    doc->txn.units_added += length;
    doc->clients_with_units += client->state == 0;
    struct item *last = client->last == NULL ? NULL : doc_item(doc, run_items(client->last)[client->last->count - 1]);
    if (last != NULL && last->kind == CONTENT_GC) {
        last->length += length;
    } else {
        uint32_t number = items_take(&doc->items);
        *doc_item(doc, number) = (struct item){ .clock = client->state,
                                                .length = length,
                                                .client = client->index,
                                                .origin_client = CLIENT_NONE,
                                                .right_origin_client = CLIENT_NONE,
                                                .left = ITEM_NONE,
                                                .right = ITEM_NONE,
                                                .parent = TYPE_NONE,
                                                .entry = ENTRY_NONE,
                                                .txn_next = ITEM_NONE,
                                                .kind = CONTENT_GC,
                                                .flags = ITEM_DELETED };
        client_append_run(client, &doc->mem, &doc->spares, client->state, number);
        doc->runs++;
    }
    client->state += length;
}

/* Whether the run simply goes on where the client's last one ends, which then grows. */
static bool integrate_extends(const struct crdt_doc *doc, const struct placing *placing) {
    const struct item *left = doc_item(doc, placing->left);
    const struct client *client = placing->client;
    return left->kind == placing->kind && placing->kind != CONTENT_DELETED && content_splits(placing->kind) &&
           left->client == client->index && left->clock + left->length == client->state &&
           placing->origin_client == client->index && placing->origin_clock == client->state - 1 &&
           (left->flags & ITEM_DELETED) == 0 && !item_is_keyed(left) && left->right == placing->right &&
           left->right_origin_client == placing->right_origin_client &&
           (left->right_origin_client == CLIENT_NONE || left->right_origin_clock == placing->right_origin_clock) &&
           left->content + left->content_bytes == client_text_tail(client) &&
           content_joins(placing->kind, left->length, left->content_bytes, placing->length,
                         placing->prefix.size + placing->content.size) &&
           placing->prefix.size + placing->content.size <= UINT32_MAX - left->content_bytes;
}

static bool integrate_no_conflict(const struct crdt_doc *doc, const struct placing *placing) {
    if (placing->left != ITEM_NONE)
        return doc_item(doc, placing->left)->right == placing->right;
    return placing->right != ITEM_NONE && doc_item(doc, placing->right)->left == ITEM_NONE;
}

static void integrate_link(struct crdt_doc *doc, uint32_t number) {
    struct item *item = doc_item(doc, number);
    struct crdt_type *parent = doc_type(doc, item->parent);
    if (item->left != ITEM_NONE) {
        struct item *left = doc_item(doc, item->left);
        item->right = left->right;
        left->right = number;
    } else if (item_is_keyed(item)) {
        item->right = doc->types.entries[item->entry].first;
        doc->types.entries[item->entry].first = number;
    } else {
        item->right = parent->start;
        parent->start = number;
    }
    if (item->right != ITEM_NONE) {
        doc_item(doc, item->right)->left = number;
    } else if (item_is_keyed(item)) {
        doc->types.entries[item->entry].item = number;
        if (item->left != ITEM_NONE)
            txn_delete_item(&doc->txn, item->left);
    }
}

static void integrate_piece(struct crdt_doc *doc, const struct placing *placing) {
    struct client *client = placing->client;
    txn_touch(&doc->txn, client);
    struct crdt_type *parent = doc_type(doc, placing->parent);
    size_t content_bytes = placing->prefix.size + placing->content.size;
    bool listed = placing->entry == ENTRY_NONE && content_countable(placing->kind);
    doc->txn.units_added += placing->length;
    doc->clients_with_units += client->state == 0;
    parent->used = true;
    parent->cursor_item = ITEM_NONE;
    if (placing->kind == CONTENT_STRING && !doc->has_pairs)
        doc->has_pairs = content_has_pairs(placing->content, placing->length);
    if (placing->left != ITEM_NONE && integrate_extends(doc, placing)) {
        struct item *left = doc_item(doc, placing->left);
        if (placing->prefix.size > 0)
            client_text_add(client, placing->prefix);
        if (placing->content.size > 0)
            client_text_add(client, placing->content);
        left->content_bytes += (uint32_t)content_bytes;
        left->length += placing->length;
        client->state += placing->length;
        if (listed) {
            parent->length += placing->length;
            list_index_grew(doc, parent, placing->left, placing->length);
        }
        return;
    }

    uint32_t left = integrate_no_conflict(doc, placing) ? placing->left : integrate_scan(doc, placing);
    const uint8_t *content = placing->prefix.size > 0 ? client_text_add(client, placing->prefix) : NULL;
    if (content == NULL)
        content = client_text_add(client, placing->content);
    else if (placing->content.size > 0)
        client_text_add(client, placing->content); /* right behind it */
    uint32_t number = items_take(&doc->items);
    struct item *item = doc_item(doc, number);
    *item = (struct item){ .clock = client->state,
                           .length = placing->length,
                           .origin_clock = placing->origin_clock,
                           .right_origin_clock = placing->right_origin_clock,
                           .client = client->index,
                           .origin_client = placing->origin_client,
                           .right_origin_client = placing->right_origin_client,
                           .left = left,
                           .right = ITEM_NONE,
                           .parent = placing->parent,
                           .entry = placing->entry,
                           .content_bytes = (uint32_t)content_bytes,
                           .content = content,
                           .txn_next = ITEM_NONE,
                           .type = TYPE_NONE,
                           .kind = placing->kind };
    client_append_run(client, &doc->mem, &doc->spares, client->state, number);
    client->state += placing->length;
    doc->runs++;
    integrate_link(doc, number);
    if (placing->entry == ENTRY_NONE)
        list_index_added(doc, parent, number);

    if (placing->kind == CONTENT_TYPE)
        item->type = types_add(&doc->types, number)->index;
    else if (placing->kind == CONTENT_FORMAT)
        parent->has_formats = true;
    if (listed)
        parent->length += placing->length;
    bool parent_deleted = parent->item != ITEM_NONE && (doc_item(doc, parent->item)->flags & ITEM_DELETED) != 0;
    bool overwritten = placing->entry != ENTRY_NONE && item->right != ITEM_NONE;
    if (placing->kind == CONTENT_DELETED || parent_deleted || overwritten)
        txn_delete_item(&doc->txn, number);
}

/* How many units of a long content its first item takes, and their bytes: all, if it is not too long to be cut quickly. */
static uint64_t integrate_piece_units(const struct placing *placing, size_t *out_bytes) {
    uint64_t prefix_units = placing->prefix.size > 0 ? 1 : 0;
    struct bytes content = placing->content;
    *out_bytes = content.size;
    if (placing->entry != ENTRY_NONE) /* the values of a key are one item, or each would replace the one before */
        return placing->length;
    if (placing->kind == CONTENT_STRING && content.size + prefix_units != placing->length && placing->length > CONTENT_UNITS_MAX) {
        bool inside_pair;
        *out_bytes = content_offset(CONTENT_STRING, content, CONTENT_UNITS_MAX - prefix_units, &inside_pair);
        return CONTENT_UNITS_MAX - inside_pair;
    }
    if ((placing->kind == CONTENT_ANY || placing->kind == CONTENT_JSON) && content.size > CONTENT_BYTES_MAX) {
        uint64_t units = 0;
        bool inside_pair;
        for (*out_bytes = 0; *out_bytes < CONTENT_BYTES_MAX; units++)
            *out_bytes +=
                content_offset(placing->kind, bytes_of(content.data + *out_bytes, content.size - *out_bytes), 1, &inside_pair);
        return units;
    }
    return placing->length;
}

void doc_place(struct crdt_doc *doc, const struct placing *placing) {
    struct client *client = placing->client;
    if (placing->parent == TYPE_NONE) {
        integrate_gc(doc, client, placing->length);
        return;
    }
    struct placing rest = *placing;
    for (;;) {
        struct placing piece = rest;
        piece.length = integrate_piece_units(&rest, &piece.content.size);
        integrate_piece(doc, &piece);
        if (piece.length == rest.length)
            return;
        rest.length -= piece.length;
        rest.content.data += piece.content.size;
        rest.content.size -= piece.content.size;
        rest.prefix = bytes_of(NULL, 0);
        rest.left = run_place_item(client_find(client, client->state - 1));
        rest.origin_client = client->index;
        rest.origin_clock = client->state - 1;
    }
}

/* Finds parent and key; leaves parent at TYPE_NONE if there is none any more. */
static void integrate_find_parent(struct crdt_doc *doc, const struct wire_struct *structure, struct placing *placing) {
    const struct item *left = placing->left == ITEM_NONE ? NULL : doc_item(doc, placing->left);
    const struct item *right = placing->right == ITEM_NONE ? NULL : doc_item(doc, placing->right);
    if ((left != NULL && left->kind == CONTENT_GC) || (right != NULL && right->kind == CONTENT_GC))
        return;
    if (left != NULL || right != NULL) {
        placing->parent = left != NULL ? left->parent : right->parent;
        const struct item *sibling = left != NULL ? left : right;
        placing->entry = item_is_keyed(sibling) ? sibling->entry : ENTRY_NONE;
        return;
    }
    struct crdt_type *parent;
    if (structure->parent == WIRE_PARENT_ROOT) {
        parent = types_root(&doc->types, structure->root_name);
    } else {
        struct client *client = doc_client(doc, structure->parent_item.client);
        const struct item *holder = doc_item(doc, doc_find(doc, client->index, structure->parent_item.clock));
        if (holder->kind != CONTENT_TYPE)
            return;
        parent = doc_type(doc, holder->type);
    }
    placing->parent = parent->index;
    if ((structure->info & WIRE_KEY) != 0)
        placing->entry = types_entry(&doc->types, parent, structure->key);
}

void doc_integrate(struct crdt_doc *doc, struct client *client, uint64_t clock, const struct wire_struct *structure) {
    assert(clock <= client->state);
    uint64_t offset = client->state - clock;
    if (offset >= structure->length)
        return;
    struct placing placing = { .client = client,
                               .length = structure->length - offset,
                               .content = structure->content,
                               .kind = structure->kind,
                               .left = ITEM_NONE,
                               .right = ITEM_NONE,
                               .origin_client = CLIENT_NONE,
                               .right_origin_client = CLIENT_NONE,
                               .parent = TYPE_NONE,
                               .entry = ENTRY_NONE };
    if (structure->kind == CONTENT_GC) {
        doc_place(doc, &placing);
        return;
    }
    if (offset > 0) { /* the tail of what is known in part */
        placing.origin_client = client->index;
        placing.origin_clock = client->state - 1;
    } else if ((structure->info & WIRE_ORIGIN) != 0) {
        placing.origin_client = doc_client(doc, structure->origin.client)->index;
        placing.origin_clock = structure->origin.clock;
    }
    if (placing.origin_client != CLIENT_NONE)
        placing.left = doc_split_after(doc, placing.origin_client, placing.origin_clock);
    if ((structure->info & WIRE_RIGHT_ORIGIN) != 0) {
        placing.right_origin_client = doc_client(doc, structure->right_origin.client)->index;
        placing.right_origin_clock = structure->right_origin.clock;
        placing.right = doc_split_before(doc, placing.right_origin_client, placing.right_origin_clock);
    }
    integrate_find_parent(doc, structure, &placing);

    if (offset > 0 && content_splits(structure->kind) && structure->kind != CONTENT_DELETED) {
        bool inside_pair;
        size_t at = content_offset(structure->kind, structure->content, offset, &inside_pair);
        if (inside_pair) { /* what is known ends with the other half */
            placing.prefix = bytes_of(content_half_pair, sizeof content_half_pair);
            at += 4;
        }
        placing.content = bytes_of(structure->content.data + at, structure->content.size - at);
    }
    doc_place(doc, &placing);
}
