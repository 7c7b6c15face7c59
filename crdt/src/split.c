/* split.c — cutting a run in two and joining two into one. Neither changes what the document means.
 *
 *     cut "hello" at 3          [hel](c, 0, 3) ⇄ [lo](c, 3, 2)      the right part's origin is the left part's last unit
 *
 * A string that is cut between the halves of a surrogate pair loses the pair: each half becomes U+FFFD, as in Yjs, and stands in an
 * item of its own that points to a constant, so cutting copies no text:
 *
 *     cut "a😀b" at 2           [a] ⇄ [U+FFFD] ⇄ [U+FFFD] ⇄ [b]
 *
 * Values of a key are single units, unless an enemy writes several as one run. Cut, that is a chain of which only the last is the
 * value, so the left part is deleted like any other that was replaced.
 *
 * Two runs join if they are neighbours in clock and in the list, have the same right origin, are equally deleted and hold the same
 * kind, and if their contents stand one behind the other in the arena. */
#include "list_index.h"
#include "store.h"

#include "ground/utf.h"

/* Cuts the item at unit `offset`, which is byte `at` of its content; the right part is in its list, but not yet among the runs and
 * in the index. */
static uint32_t cut_item(struct crdt_doc *doc, uint32_t number, uint64_t offset, size_t at) {
    uint32_t right_number = items_take(&doc->items);
    struct item *item = doc_item(doc, number);
    struct item *right = doc_item(doc, right_number);
    uint64_t clock = item_clock(doc, item);
    uint64_t length = item_length(doc, item);
    assert(offset > 0 && offset < length && content_splits(item->kind));
    *right = *item;
    if (doc->items.wide)
        *item_upper_set(right) = *item_upper(item);
    items_set_clock(&doc->items, right, clock + offset);
    items_set_length(&doc->items, right, length - offset);
    right->origin_client = item->client;
    items_set_origin_clock(&doc->items, right, clock + offset - 1);
    right->left = number;
    items_set_length(&doc->items, item, offset);
    item->right = right_number;
    if ((item->flags & ITEM_ASCII) != 0) {
        right->content += (uint32_t)offset;
    } else if (item->content != CONTENT_NONE) {
        struct content content = doc->items.contents[item->content];
        doc->items.contents[item->content].bytes = (uint32_t)at;
        content.data += at;
        content.bytes -= (uint32_t)at;
        right->content = contents_take(&doc->items, content);
    }
    if (right->right != ITEM_NONE)
        doc_item(doc, right->right)->left = right_number;
    else if (item_is_keyed(right))
        doc->types.entries[right->place].item = right_number;
    else
        doc_type(doc, item_parent(doc, item))->last = right_number;
    return right_number;
}

uint32_t doc_cut(struct crdt_doc *doc, uint32_t number, uint32_t offset) {
    return cut_item(doc, number, offset, 0);
}

/* Cuts the run at unit `offset`, which is byte `at` of its content; answers where the right part stands. */
static struct run_place split_item(struct crdt_doc *doc, struct run_place place, uint64_t offset, size_t at) {
    doc_typing_end(doc);
    uint32_t number = run_place_item(place);
    uint32_t right_number = cut_item(doc, number, offset, at);
    const struct item *item = doc_item(doc, number);
    struct client *client = doc->clients[item->client];
    place = client_insert_run(client, &doc->mem, &doc->spares, place, item_end(doc, item), right_number);
    doc->runs++;
    if (item_is_keyed(item))
        txn_delete_item(&doc->txn, number);
    else
        list_index_put(doc, doc_type(doc, item_parent(doc, item)), number, &right_number, 1, 0);
    return place;
}

/* The pair is cut out into an item of its own, and that becomes two; answers the second. */
static struct run_place split_pair(struct crdt_doc *doc, struct run_place place, uint64_t offset, size_t at) {
    if (offset > 1)
        place = split_item(doc, place, offset - 1, at);
    if (doc_item(doc, run_place_item(place))->length > 2) {
        place = split_item(doc, place, 2, 4);
        run_place_previous(&place);
    }
    struct run_place low = split_item(doc, place, 1, 0);
    struct run_place high = low;
    run_place_previous(&high);
    const uint32_t halves[2] = { run_place_item(high), run_place_item(low) };
    for (int i = 0; i < 2; i++) {
        struct content *content = &doc->items.contents[doc_item(doc, halves[i])->content];
        content->data = content_half_pair;
        content->bytes = sizeof content_half_pair;
    }
    return low;
}

struct run_place doc_split_run(struct crdt_doc *doc, struct run_place place, uint64_t offset) {
    const struct item *item = doc_item(doc, run_place_item(place));
    if (item->kind == CONTENT_DELETED || (item->flags & ITEM_ASCII) != 0)
        return split_item(doc, place, offset, 0);
    bool inside_pair;
    size_t at = content_offset(item->kind, item_content(doc, item), offset, &inside_pair);
    return inside_pair ? split_pair(doc, place, offset, at) : split_item(doc, place, offset, at);
}

uint32_t doc_split_before(struct crdt_doc *doc, uint32_t client, uint64_t clock) {
    struct run_place place = client_find(doc->clients[client], clock);
    const struct item *item = doc_item(doc, run_place_item(place));
    uint64_t first = item_clock(doc, item);
    if (first != clock && item->kind != CONTENT_GC)
        place = doc_split_run(doc, place, clock - first);
    return run_place_item(place);
}

uint32_t doc_split_after(struct crdt_doc *doc, uint32_t client, uint64_t clock) {
    struct run_place place = client_find(doc->clients[client], clock);
    const struct item *item = doc_item(doc, run_place_item(place));
    if (item_end(doc, item) == clock + 1 || item->kind == CONTENT_GC)
        return run_place_item(place);
    place = doc_split_run(doc, place, clock + 1 - item_clock(doc, item));
    return doc_item(doc, run_place_item(place))->left;
}

static bool contents_join(const struct crdt_doc *doc, const struct item *left, const struct item *right) {
    if (left->kind == CONTENT_DELETED)
        return true;
    if (((left->flags ^ right->flags) & ITEM_ASCII) != 0)
        return false;
    if ((left->flags & ITEM_ASCII) != 0)
        return left->content + left->length == right->content;
    struct bytes a = item_content(doc, left);
    struct bytes b = item_content(doc, right);
    return a.data + a.size == b.data && a.data != content_half_pair && b.data != content_half_pair &&
           b.size <= UINT32_MAX - a.size && content_joins(left->kind, left->length, a.size, right->length, b.size);
}

bool doc_run_goes_on(const struct crdt_doc *doc, uint32_t left_number, uint32_t right_number) {
    const struct item *left = doc_item(doc, left_number);
    const struct item *right = doc_item(doc, right_number);
    return left->kind == right->kind && content_splits(left->kind) && left->right == right_number &&
           right->origin_client == left->client && item_origin_clock(doc, right) == item_end(doc, left) - 1 &&
           right->right_origin_client == left->right_origin_client &&
           (right->right_origin_client == CLIENT_NONE ||
            item_right_origin_clock(doc, right) == item_right_origin_clock(doc, left)) &&
           ((left->flags ^ right->flags) & (ITEM_DELETED | ITEM_KEEP)) == 0;
}

static bool items_join(const struct crdt_doc *doc, uint32_t left_number, uint32_t right_number) {
    const struct item *left = doc_item(doc, left_number);
    const struct item *right = doc_item(doc, right_number);
    if (left->kind == CONTENT_GC || right->kind == CONTENT_GC)
        return left->kind == right->kind;
    return doc_run_goes_on(doc, left_number, right_number) && contents_join(doc, left, right);
}

void doc_join(struct crdt_doc *doc, struct run_place place, uint32_t left_number, uint32_t right_number) {
    struct item *left = doc_item(doc, left_number);
    struct item *right = doc_item(doc, right_number);
    doc_typing_end(doc);
    if (left->kind != CONTENT_GC) {
        struct crdt_type *parent = doc_type(doc, item_parent(doc, left));
        if (!item_is_keyed(left))
            list_index_joins(doc, parent, left_number, right_number);
        left->right = right->right;
        if (right->right != ITEM_NONE)
            doc_item(doc, right->right)->left = left_number;
        else if (item_is_keyed(right))
            doc->types.entries[right->place].item = left_number;
        else
            parent->last = left_number;
        if (parent->cursor_item == right_number) {
            parent->cursor_item = left_number;
            parent->cursor_index -= item_visible(left);
        }
    }
    items_set_length(&doc->items, left, item_length(doc, left) + item_length(doc, right));
    if ((right->flags & ITEM_ASCII) == 0 && right->content != CONTENT_NONE) {
        doc->items.contents[left->content].bytes += doc->items.contents[right->content].bytes;
        contents_give(&doc->items, right->content);
    }
    client_remove_run(doc->clients[left->client], &doc->mem, place);
    doc->runs--;
    items_give(&doc->items, right_number);
}

bool doc_join_with_previous(struct crdt_doc *doc, struct run_place place) {
    struct run_place before = place;
    if (!run_place_previous(&before) || !items_join(doc, run_place_item(before), run_place_item(place)))
        return false;
    doc_join(doc, place, run_place_item(before), run_place_item(place));
    return true;
}
