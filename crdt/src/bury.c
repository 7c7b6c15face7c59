/* bury.c — see bury.h. */
#include "bury.h"

#include "list_index.h"

/* Whether `right`, which stands behind `left`, is what cutting `left` there would leave of one run. */
static bool bury_continues(const struct crdt_doc *doc, const struct item *left, uint32_t right_number, const struct item *right) {
    uint64_t end = item_end(doc, left);
    return left->right == right_number && right->client == left->client && item_clock(doc, right) == end &&
           right->origin_client == left->client && item_origin_clock(doc, right) == end - 1 &&
           right->right_origin_client == left->right_origin_client &&
           (right->right_origin_client == CLIENT_NONE || item_right_origin_clock(doc, right) == item_right_origin_clock(doc, left));
}

static bool is_grave(const struct item *item) {
    return item->kind == CONTENT_DELETED && (item->flags & ITEM_KEEP) == 0;
}

/* The text of `length` units from `at` on is not needed any more. */
static void bury_text(struct crdt_doc *doc, struct client *client, uint32_t at, uint32_t length) {
    if (at + length == client->ascii_used)
        client->ascii_used -= length;
    else
        client->ascii_dead += length;
    if (client_is_mostly_dead(client->ascii_dead, client->ascii_used))
        doc_compact_later(doc, client);
}

static void bury_turn(struct item *item) {
    item->kind = CONTENT_DELETED;
    item->flags = ITEM_DELETED;
    item->content = CONTENT_NONE;
}

/* All of a run, which may have graves on either side. */
static void bury_whole(struct crdt_doc *doc, uint32_t number) {
    struct item *item = doc_item(doc, number);
    const struct item *left = item->left == ITEM_NONE ? NULL : doc_item(doc, item->left);
    const struct item *right = item->right == ITEM_NONE ? NULL : doc_item(doc, item->right);
    bool goes_on = left != NULL && is_grave(left) && bury_continues(doc, left, number, item);
    bool is_gone_on = right != NULL && is_grave(right) && bury_continues(doc, item, item->right, right);
    list_index_widen(doc, item, 0 - (uint64_t)item->length);
    bury_turn(item);
    if (is_gone_on)
        doc_join(doc, client_find(doc->clients[item->client], item_end(doc, item)), number, item->right);
    if (goes_on)
        doc_join(doc, client_find(doc->clients[item->client], item_clock(doc, item)), item->left, number);
}

static void bury_count(struct crdt_txn *txn, struct crdt_type *type, uint32_t client, uint64_t clock, uint32_t length) {
    txn->doc->deletes_known = false;
    type->length -= length;
    txn->units_deleted += length;
    txn_push_deleted(txn, client, clock, length);
}

void txn_bury_border(struct crdt_txn *txn, struct crdt_type *type, struct run_place moving, uint32_t item_number,
                     uint32_t grave_number, bool forward, uint32_t length) {
    struct crdt_doc *doc = txn->doc;
    struct items *items = &doc->items;
    struct item *item = doc_item(doc, item_number);
    struct item *grave = doc_item(doc, grave_number);
    struct client *client = doc->clients[item->client];
    struct item *later = forward ? item : grave; /* the one that begins at the border */
    bury_count(txn, type, client->index, forward ? item_clock(doc, item) : item_end(doc, item) - length, length);
    list_index_widen(doc, item, 0 - (uint64_t)length);
    bury_text(doc, client, forward ? item->content : item->content + item->length - length, length);
    items->changes++;
    item->content += forward ? length : 0;
    item->length -= length;
    items_set_length(items, grave, items_length(items, grave) + length);
    later->clock = forward ? later->clock + length : later->clock - length; /* the upper half stays */
    items_set_origin_clock(items, later, items_origin_clock(items, later) + (forward ? length : 0 - (uint64_t)length));
    client_move_run(client, moving, forward, length);
}

/* The next deletion is likely to be where this one was. */
static void bury_more(struct crdt_doc *doc, struct crdt_type *type, uint64_t index, uint32_t item_number, uint32_t grave_number,
                      struct run_place moving, bool forward) {
    const struct item *item = doc_item(doc, item_number);
    doc_typing_end(doc);
    if (!forward && index != UINT64_MAX)
        doc->typing = (struct typing){ .type = type, .client = doc->clients[item->client], .index = index, .item = item_number };
    doc->erasing = (struct erasing){
        .type = type, .index = index, .item = item_number, .grave = grave_number, .moving = moving, .forward = forward
    };
}

bool txn_bury_at_border(struct crdt_txn *txn, struct crdt_type *type, uint64_t index, uint32_t number, uint32_t offset,
                        uint32_t length) {
    struct crdt_doc *doc = txn->doc;
    const struct item *item = doc_item(doc, number);
    bool forward = offset == 0;
    uint32_t grave_number = forward ? item->left : item->right;
    if (length == item->length || (!forward && offset + length < item->length) || grave_number == ITEM_NONE)
        return false;
    const struct item *grave = doc_item(doc, grave_number);
    if (!is_grave(grave) || !(forward ? bury_continues(doc, grave, number, item) : bury_continues(doc, item, grave_number, grave)))
        return false;
    struct run_place moving = client_find(doc->clients[item->client], item_clock(doc, forward ? item : grave));
    if (!run_can_move(moving, forward, length))
        return false;
    txn_bury_border(txn, type, moving, number, grave_number, forward, length);
    bury_more(doc, type, index, number, grave_number, moving, forward);
    return true;
}

/* Some units of an item that has no grave for them beside it. */
static void bury_cut(struct crdt_doc *doc, struct crdt_type *type, uint64_t index, uint32_t number, uint32_t offset,
                     uint32_t length) {
    struct item *item = doc_item(doc, number);
    struct client *client = doc->clients[item->client];
    uint64_t clock = item_clock(doc, item);
    bool has_rest = offset + length < item->length;
    struct run_place place = client_find(client, clock);
    uint32_t made[BURY_ITEMS];
    uint32_t count = 0;
    uint32_t grave = number;
    if (offset > 0) {
        grave = made[count++] = doc_cut(doc, number, offset);
        place = client_insert_run(client, &doc->mem, &doc->spares, place, clock + offset, grave);
    }
    if (has_rest) {
        made[count++] = doc_cut(doc, grave, length);
        place = client_insert_run(client, &doc->mem, &doc->spares, place, clock + offset + length, made[count - 1]);
    }
    doc->runs += count;
    bury_turn(doc_item(doc, grave));
    list_index_put(doc, type, number, made, count, 0 - (uint64_t)length);
    if (offset > 0 && has_rest)
        run_place_previous(&place);
    bury_more(doc, type, index, offset > 0 ? number : made[0], grave, place, offset == 0);
}

void txn_bury(struct crdt_txn *txn, struct crdt_type *type, uint64_t index, uint32_t number, uint32_t offset, uint32_t length) {
    struct crdt_doc *doc = txn->doc;
    const struct item *item = doc_item(doc, number);
    struct client *client = doc->clients[item->client];
    doc_typing_end(doc);
    bury_count(txn, type, client->index, item_clock(doc, item) + offset, length);
    bury_text(doc, client, item->content + offset, length);
    if (length == item->length)
        bury_whole(doc, number);
    else
        bury_cut(doc, type, index, number, offset, length);
}
