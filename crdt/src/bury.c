/* bury.c — see bury.h. */
#include "bury.h"

#include "list_index.h"

/* Whether `right`, the run after `left` in clock and in the list, is what cutting `left` there would leave of one run. */
static bool bury_continues(const struct crdt_doc *doc, const struct item *left, uint32_t right_number, const struct item *right) {
    return left->right == right_number && right->origin_client == left->client &&
           item_origin_clock(doc, right) == item_end(doc, left) - 1 && right->right_origin_client == left->right_origin_client &&
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

/* All of a run, which may have graves on either side. */
static void bury_whole(struct crdt_doc *doc, struct crdt_type *type, struct run_place place, bool next_too, bool previous_too) {
    uint32_t number = run_place_item(place);
    struct item *item = doc_item(doc, number);
    struct client *client = doc->clients[item->client];
    list_index_hid(doc, type, number, item->length);
    bury_text(doc, client, item->content, item->length);
    item->kind = CONTENT_DELETED;
    item->flags = ITEM_DELETED;
    item->content = CONTENT_NONE;
    struct run_place next = place;
    if (next_too && run_place_next(&next) && doc_item(doc, run_place_item(next))->kind == CONTENT_DELETED)
        doc_join_with_previous(doc, next);
    struct run_place previous = place;
    if (previous_too && run_place_previous(&previous) && doc_item(doc, run_place_item(previous))->kind == CONTENT_DELETED)
        doc_join_with_previous(doc, place);
}

static void bury_count(struct crdt_txn *txn, struct crdt_type *type, uint32_t client, uint64_t clock, uint32_t length) {
    txn->doc->deletes_encoded.valid = false;
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
    list_index_later(doc, item_number, item, 0 - (uint64_t)length);
    bury_text(doc, client, forward ? item->content : item->content + item->length - length, length);
    item->content += forward ? length : 0;
    item->length -= length;
    items_set_length(items, grave, items_length(items, grave) + length);
    later->clock = forward ? later->clock + length : later->clock - length; /* the upper half stays */
    items_set_origin_clock(items, later, items_origin_clock(items, later) + (forward ? length : 0 - (uint64_t)length));
    client_move_run(client, moving, forward, length);
}

bool txn_bury_at_border(struct crdt_txn *txn, struct crdt_type *type, struct run_place place, uint32_t offset, uint32_t length) {
    struct crdt_doc *doc = txn->doc;
    uint32_t number = run_place_item(place);
    const struct item *item = doc_item(doc, number);
    bool forward = offset == 0;
    struct run_place beside = place;
    if (length == item->length || (!forward && offset + length < item->length) ||
        !(forward ? run_place_previous(&beside) : run_place_next(&beside)))
        return false;
    uint32_t grave_number = run_place_item(beside);
    const struct item *grave = doc_item(doc, grave_number);
    struct run_place moving = forward ? place : beside;
    if (!is_grave(grave) || !run_can_move(moving, forward, length) ||
        !(forward ? bury_continues(doc, grave, number, item) : bury_continues(doc, item, grave_number, grave)))
        return false;
    txn_bury_border(txn, type, moving, number, grave_number, forward, length);
    return true;
}

void txn_bury(struct crdt_txn *txn, struct crdt_type *type, struct run_place place, uint32_t offset, uint32_t length) {
    struct crdt_doc *doc = txn->doc;
    const struct item *item = doc_item(doc, run_place_item(place));
    struct client *client = doc->clients[item->client];
    uint64_t clock = item_clock(doc, item);
    uint32_t whole = item->length;
    doc_typing_end(doc);
    if (txn_bury_at_border(txn, type, place, offset, length))
        return;
    bury_count(txn, type, client->index, clock + offset, length);
    if (offset + length < whole) {
        place = doc_split_run(doc, place, offset + length);
        run_place_previous(&place);
    }
    if (offset > 0)
        place = doc_split_run(doc, place, offset);
    bury_whole(doc, type, place, offset + length == whole, offset == 0);
}

void doc_erasing_begin(struct crdt_doc *doc, struct crdt_type *type, uint64_t index, uint32_t number, struct run_place place,
                       bool at_end) {
    const struct item *item = doc_item(doc, number);
    struct run_place beside = place;
    doc_typing_end(doc);
    if (at_end && index != UINT64_MAX)
        doc->typing = (struct typing){ .type = type, .client = doc->clients[item->client], .index = index, .item = number };
    if (at_end ? !run_place_next(&beside) : !run_place_previous(&beside))
        return;
    doc->erasing = (struct erasing){ .type = type,
                                     .index = index,
                                     .item = number,
                                     .grave = run_place_item(beside),
                                     .moving = at_end ? beside : place,
                                     .forward = !at_end };
}
