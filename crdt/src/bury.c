/* bury.c — see bury.h. */
#include "bury.h"

#include "list_index.h"

/* Whether `right`, the run after `left` in clock and in the list, is what cutting `left` there would leave of one run. */
static bool bury_continues(const struct crdt_doc *doc, const struct item *left, uint32_t right_number, const struct item *right) {
    return left->right == right_number && right->origin_client == left->client &&
           item_origin_clock(doc, right) == item_end(doc, left) - 1 && right->right_origin_client == left->right_origin_client &&
           (right->right_origin_client == CLIENT_NONE ||
            item_right_origin_clock(doc, right) == item_right_origin_clock(doc, left));
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

/* The units that are counted for an item become fewer. Where somebody types they are counted later. */
static void bury_width(struct crdt_doc *doc, const struct crdt_type *type, uint32_t number, uint32_t length) {
    if (doc->typing.type == type && doc->typing.item == number)
        doc->typing.pending -= length;
    else
        list_index_hid(doc, type, number, length);
}

/* The last `length` units go to the grave behind them, if there is one. */
static bool bury_into_next(struct crdt_doc *doc, struct crdt_type *type, struct run_place place, uint32_t length) {
    uint32_t number = run_place_item(place);
    struct item *item = doc_item(doc, number);
    if (!run_place_next(&place))
        return false;
    uint32_t grave_number = run_place_item(place);
    struct item *grave = doc_item(doc, grave_number);
    if (!is_grave(grave) || !bury_continues(doc, item, grave_number, grave) || place.chunk->clocks[place.at] < length)
        return false;
    bury_width(doc, type, number, length);
    item->length -= length;
    struct client *client = doc->clients[item->client];
    bury_text(doc, client, item->content + item->length, length);
    grave->clock -= length; /* the upper halves stay */
    items_set_length(&doc->items, grave, item_length(doc, grave) + length);
    items_set_origin_clock(&doc->items, grave, item_origin_clock(doc, grave) - length);
    client_move_run(client, place, run_clock(place.chunk, place.at) - length);
    return true;
}

/* The first ones go to the grave before them. */
static bool bury_into_previous(struct crdt_doc *doc, struct crdt_type *type, struct run_place place, uint32_t length) {
    uint32_t number = run_place_item(place);
    struct item *item = doc_item(doc, number);
    struct run_place before = place;
    if (!run_place_previous(&before))
        return false;
    struct item *grave = doc_item(doc, run_place_item(before));
    if (!is_grave(grave) || !bury_continues(doc, grave, number, item) || place.chunk->clocks[place.at] > UINT32_MAX - length)
        return false;
    bury_width(doc, type, number, length);
    struct client *client = doc->clients[item->client];
    bury_text(doc, client, item->content, length);
    item->length -= length;
    item->content += length;
    item->clock += length;
    items_set_origin_clock(&doc->items, item, item_origin_clock(doc, item) + length);
    items_set_length(&doc->items, grave, item_length(doc, grave) + length);
    client_move_run(client, place, run_clock(place.chunk, place.at) + length);
    return true;
}

/* All of it. */
static void bury_whole(struct crdt_doc *doc, struct crdt_type *type, struct run_place place) {
    uint32_t number = run_place_item(place);
    struct item *item = doc_item(doc, number);
    struct client *client = doc->clients[item->client];
    list_index_hid(doc, type, number, item->length);
    bury_text(doc, client, item->content, item->length);
    item->kind = CONTENT_DELETED;
    item->flags = ITEM_DELETED;
    item->content = CONTENT_NONE;
    struct run_place next = place;
    if (run_place_next(&next) && doc_item(doc, run_place_item(next))->kind == CONTENT_DELETED)
        doc_join_with_previous(doc, next);
    doc_join_with_previous(doc, place);
}

void txn_bury(struct crdt_txn *txn, struct run_place place, uint32_t offset, uint32_t length) {
    struct crdt_doc *doc = txn->doc;
    const struct item *item = doc_item(doc, run_place_item(place));
    struct client *client = doc->clients[item->client];
    struct crdt_type *type = doc_type(doc, item_parent(doc, item));
    uint64_t clock = item_clock(doc, item);
    uint32_t whole = item->length;
    doc->deletes_encoded.valid = false;
    type->length -= length;
    txn->units_deleted += length;
    txn_push_deleted(txn, client->index, clock + offset, length);
    if (offset + length == whole && length < whole && bury_into_next(doc, type, place, length))
        return;
    doc_typing_end(doc);
    if (offset == 0 && length < whole && bury_into_previous(doc, type, place, length))
        return;
    if (offset + length < whole) {
        doc_split_before(doc, client->index, clock + offset + length);
        place = client_find(client, clock);
    }
    if (offset > 0) {
        doc_split_before(doc, client->index, clock + offset);
        place = client_find(client, clock + offset);
    }
    bury_whole(doc, type, place);
}
