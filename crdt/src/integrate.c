/* integrate.c — runs come into the document.
 *
 *   extend   a run that goes on where its client's last one ends makes that longer
 *   place    another becomes an item: behind its left neighbour, or where conflict.c says if others stand between its neighbours
 *   link     ... into its list or the chain of its key, its client's runs, the list's index
 *
 * Everything was reserved; nothing can fail. */
#include "list_index.h"
#include "store.h"

/* Appends a run to its client; the item is set but for its place. */
static uint32_t integrate_take(struct crdt_doc *doc, const struct placing *placing) {
    struct client *client = placing->client;
    uint32_t number = items_take(&doc->items);
    struct item *item = doc_item(doc, number);
    *item = (struct item){ .left = ITEM_NONE,
                           .right = ITEM_NONE,
                           .content = CONTENT_NONE,
                           .tag = PLACE_NONE,
                           .client = client->index,
                           .origin_client = placing->origin_client,
                           .right_origin_client = placing->right_origin_client,
                           .kind = placing->kind & 0xf };
    items_set_clock(&doc->items, item, client->state);
    items_set_length(&doc->items, item, placing->length);
    items_set_origin_clock(&doc->items, item, placing->origin_clock);
    items_set_right_origin_clock(&doc->items, item, placing->right_origin_clock);
    client_append_run(client, &doc->mem, &doc->spares, client->state, number);
    client->state += placing->length;
    doc->runs++;
    return number;
}

static void integrate_gc(struct crdt_doc *doc, const struct placing *placing) {
    struct client *client = placing->client;
    txn_touch(&doc->txn, client);
    doc_typing_end(doc);
    doc->txn.units_added += placing->length;
    doc->clients_with_units += client->state == 0;
    doc->deletes_known = false;
    struct item *last = client->last == NULL ? NULL : doc_item(doc, run_items(client->last)[client->last->count - 1]);
    if (last != NULL && last->kind == CONTENT_GC) {
        items_set_length(&doc->items, last, item_length(doc, last) + placing->length);
        client->state += placing->length;
    } else {
        struct placing gc = { .client = client,
                              .length = placing->length,
                              .kind = CONTENT_GC,
                              .origin_client = CLIENT_NONE,
                              .right_origin_client = CLIENT_NONE };
        doc_item(doc, integrate_take(doc, &gc))->flags = ITEM_DELETED;
    }
}

static size_t placing_bytes(const struct placing *placing) {
    return placing->prefix.size + placing->content.size;
}

/* Whether the content can stand right behind that of the client's last run, which may be so much longer. */
static bool integrate_content_extends(const struct crdt_doc *doc, const struct item *left, const struct placing *placing) {
    const struct client *client = placing->client;
    if ((left->flags & ITEM_ASCII) != 0)
        return placing->ascii && left->content + left->length == client->ascii_used;
    struct bytes content = item_content(doc, left);
    size_t more = placing_bytes(placing);
    return content.data + content.size == client_text_tail(client) &&
           more <= (placing->ascii ? client_text_room(client) : client_text_capacity(client)) &&
           more <= UINT32_MAX - content.size && content_joins(placing->kind, left->length, content.size, placing->length, more);
}

/* Whether the run simply goes on where the client's last one ends, which then grows. */
static bool integrate_extends(const struct crdt_doc *doc, const struct placing *placing) {
    const struct item *left = doc_item(doc, placing->left);
    const struct client *client = placing->client;
    return left->right == placing->right && placing->origin_client == client->index && placing->origin_clock == client->state - 1 &&
           left->client == client->index && left->kind == placing->kind && item_end(doc, left) == client->state &&
           left->right_origin_client == placing->right_origin_client &&
           (left->right_origin_client == CLIENT_NONE || item_right_origin_clock(doc, left) == placing->right_origin_clock) &&
           (left->flags & ITEM_DELETED) == 0 && placing->kind != CONTENT_DELETED && content_splits(placing->kind) &&
           !item_is_keyed(left) && integrate_content_extends(doc, left, placing);
}

static bool integrate_no_conflict(const struct crdt_doc *doc, const struct placing *placing) {
    if (placing->left != ITEM_NONE)
        return doc_item(doc, placing->left)->right == placing->right;
    return placing->right != ITEM_NONE && doc_item(doc, placing->right)->left == ITEM_NONE;
}

static void integrate_link(struct crdt_doc *doc, uint32_t number, struct crdt_type *parent) {
    struct item *item = doc_item(doc, number);
    if (item->left != ITEM_NONE) {
        struct item *left = doc_item(doc, item->left);
        item->right = left->right;
        left->right = number;
    } else if (item_is_keyed(item)) {
        item->right = doc->types.entries[item->place].first;
        doc->types.entries[item->place].first = number;
    } else {
        item->right = parent->start;
        parent->start = number;
    }
    if (item->right != ITEM_NONE) {
        doc_item(doc, item->right)->left = number;
    } else if (item_is_keyed(item)) {
        doc->types.entries[item->place].item = number;
        if (item->left != ITEM_NONE)
            txn_delete_item(&doc->txn, item->left);
    } else {
        parent->last = number;
    }
}

/* Copies the content to its client's texts, which were reserved. */
static void integrate_content(struct crdt_doc *doc, struct item *item, const struct placing *placing) {
    struct client *client = placing->client;
    if (placing->ascii) {
        item->content =
            placing->step ? client_ascii_add_step(client, placing->content) : client_ascii_add(client, placing->content);
        item->flags |= ITEM_ASCII;
    } else if (placing->kind != CONTENT_DELETED) {
        const uint8_t *prefix = placing->prefix.size > 0 ? client_text_add(client, placing->prefix) : NULL;
        const uint8_t *content = prefix == NULL || placing->content.size > 0 ? client_text_add(client, placing->content) : NULL;
        item->content = contents_take(
            &doc->items, (struct content){ prefix != NULL ? prefix : content, (uint32_t)placing_bytes(placing), TYPE_NONE });
    }
}

/* The client's last run, which is `left`, goes on. */
static void integrate_extend(struct crdt_doc *doc, const struct placing *placing) {
    struct client *client = placing->client;
    struct item *left = doc_item(doc, placing->left);
    if ((left->flags & ITEM_ASCII) != 0) {
        client_ascii_add(client, placing->content);
    } else {
        if (client->txn_from == client->state) { /* else it grew in this transaction before */
            client->bytes_run = item_clock(doc, left);
            client->bytes_clock = client->state;
            client->bytes_before = doc->items.contents[left->content].bytes;
        }
        if (placing->prefix.size > 0)
            client_text_add(client, placing->prefix);
        if (placing->content.size > 0)
            client_text_add(client, placing->content);
        doc->items.contents[left->content].bytes += (uint32_t)placing_bytes(placing);
    }
    left->length += (uint32_t)placing->length; /* text is shorter than 4 GiB */
    client->state += placing->length;
}

static void integrate_piece(struct crdt_doc *doc, const struct placing *placing) {
    struct client *client = placing->client;
    txn_touch(&doc->txn, client);
    doc_typing_end(doc);
    struct crdt_type *parent = doc_type(doc, placing->parent);
    bool listed = placing->entry == ENTRY_NONE && content_countable(placing->kind);
    if (!placing->ascii) {
        size_t bytes = placing_bytes(placing);
        client->text_promised -= client->text_promised < bytes ? client->text_promised : (uint32_t)bytes;
    }
    doc->txn.units_added += placing->length;
    doc->clients_with_units += client->state == 0;
    parent->used = true;
    parent->cursor_item = ITEM_NONE;
    if (placing->kind == CONTENT_STRING && !doc->has_pairs)
        doc->has_pairs = content_has_pairs(placing->content, placing->length);
    if (placing->left != ITEM_NONE && integrate_extends(doc, placing)) {
        integrate_extend(doc, placing);
        if (listed) {
            parent->length += placing->length;
            list_index_widen(doc, doc_item(doc, placing->left), placing->length);
        }
        return;
    }

    uint32_t left = integrate_no_conflict(doc, placing) ? placing->left : doc_resolve(doc, placing);
    uint32_t number = integrate_take(doc, placing);
    struct item *item = doc_item(doc, number);
    integrate_content(doc, item, placing);
    item->left = left;
    item->tag = placing->entry == ENTRY_NONE ? PLACE_TYPE : PLACE_ENTRY;
    item->place = (placing->entry == ENTRY_NONE ? placing->parent : placing->entry) & PLACE_MAX;
    integrate_link(doc, number, parent);
    if (placing->kind == CONTENT_DELETED) { /* a grave from the beginning */
        item->flags |= ITEM_DELETED | (doc->observers != NULL ? ITEM_IN_TXN : 0);
        doc->txn.units_deleted += placing->length;
        doc->deletes_known = false;
        txn_push_deleted(&doc->txn, client->index, item_clock(doc, item), placing->length);
    }
    if (placing->entry == ENTRY_NONE)
        list_index_put(doc, parent, item->left, &number, 1, item_visible(item));

    if (placing->kind == CONTENT_TYPE)
        doc->items.contents[item->content].type = types_add(&doc->types, number)->index;
    else if (placing->kind == CONTENT_FORMAT)
        parent->has_formats = true;
    if (listed)
        parent->length += placing->length;
    bool parent_deleted = parent->item != ITEM_NONE && (doc_item(doc, parent->item)->flags & ITEM_DELETED) != 0;
    bool overwritten = placing->entry != ENTRY_NONE && item->right != ITEM_NONE;
    if (parent_deleted || overwritten)
        txn_delete_item(&doc->txn, number);
}

uint32_t doc_place_text(struct crdt_doc *doc, struct client *client, struct crdt_type *type, uint32_t left, uint32_t right,
                        struct bytes text) {
    struct items *items = &doc->items;
    uint32_t number = items_take(items);
    struct item *item = doc_item(doc, number);
    uint64_t origin_clock = 0;
    uint64_t right_origin_clock = 0;
    txn_touch(&doc->txn, client);
    doc_typing_end(doc);
    *item = (struct item){ .left = left,
                           .right = right,
                           .content = client_ascii_add(client, text),
                           .place = type->index & PLACE_MAX,
                           .tag = PLACE_TYPE,
                           .flags = ITEM_ASCII,
                           .client = client->index,
                           .origin_client = CLIENT_NONE,
                           .right_origin_client = CLIENT_NONE,
                           .kind = CONTENT_STRING };
    if (left != ITEM_NONE) {
        struct item *before = doc_item(doc, left);
        item->origin_client = before->client;
        origin_clock = item_end(doc, before) - 1;
        before->right = number;
    } else {
        type->start = number;
    }
    if (right != ITEM_NONE) {
        struct item *behind = doc_item(doc, right);
        item->right_origin_client = behind->client;
        right_origin_clock = item_clock(doc, behind);
        behind->left = number;
    } else {
        type->last = number;
    }
    items_set_clock(items, item, client->state);
    items_set_length(items, item, text.size);
    items_set_origin_clock(items, item, origin_clock);
    items_set_right_origin_clock(items, item, right_origin_clock);
    client_append_run(client, &doc->mem, &doc->spares, client->state, number);
    client->state += text.size;
    type->length += text.size;
    type->used = true;
    doc->txn.units_added += text.size;
    doc->runs++;
    return number;
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
        integrate_gc(doc, placing);
        return;
    }
    if (placing->ascii || placing->kind == CONTENT_DELETED) {
        integrate_piece(doc, placing);
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

void doc_find_parent(struct crdt_doc *doc, const struct wire_struct *structure, struct placing *placing) {
    const struct item *left = placing->left == ITEM_NONE ? NULL : doc_item(doc, placing->left);
    const struct item *right = placing->right == ITEM_NONE ? NULL : doc_item(doc, placing->right);
    if ((left != NULL && left->kind == CONTENT_GC) || (right != NULL && right->kind == CONTENT_GC))
        return;
    if (left != NULL || right != NULL) {
        const struct item *sibling = left != NULL ? left : right;
        placing->parent = item_parent(doc, sibling);
        placing->entry = item_entry(sibling);
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
        parent = doc_type(doc, item_type(doc, holder));
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
                               .ascii = structure->kind == CONTENT_STRING && structure->content.size == structure->length,
                               .kind = structure->kind,
                               PLACING_NOWHERE };
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
        placing.right = doc_find_right(doc, placing.left, placing.right_origin_client, placing.right_origin_clock);
    }
    doc_find_parent(doc, structure, &placing);

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
