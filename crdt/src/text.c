/* text.c — editing by index.
 *
 * A text's list holds visible units, tombstones and marks. An insert at index i goes behind the i-th visible unit and, as in Yjs,
 * behind the tombstones and redundant marks that follow it:
 *
 *     h e l [deleted] l o        insert(3, "X")   →   h e l [deleted] X l o
 *
 * The type remembers where the last local edit was (cursor_item, and how many units stand before it); a search walks from there, so
 * typing costs nothing. What is far is looked up in the list's index. Remote changes to the same text forget the cursor. */
#include "crdt/text.h"
#include "bury.h"
#include "edit.h"
#include "format.h"
#include "list_index.h"
#include "text.h"

#include "ground/utf.h"

enum { TEXT_FAR_ITEMS = 16 };

enum status crdt_doc_root(struct crdt_doc *doc, struct bytes name, struct crdt_type **out) {
    if (!utf_check(name, NULL))
        return STATUS_MALFORMED;
    *out = types_root_find(&doc->types, name);
    if (*out != NULL)
        return STATUS_OK;
    enum status status = types_reserve(&doc->types, &doc->mem, 1, 0, name.size);
    if (status == STATUS_OK)
        *out = types_root(&doc->types, name);
    return status;
}

struct crdt_roots crdt_doc_roots(const struct crdt_doc *doc, struct bytes name) {
    struct crdt_roots roots = { false, false };
    for (uint32_t i = 0; i < doc->types.count; i++) {
        const struct crdt_type *type = doc->types.all[i];
        if (type == NULL || type->item != ITEM_NONE || !type->used)
            continue;
        if (bytes_equal(type->name, name))
            roots.named = true;
        else
            roots.others = true;
    }
    return roots;
}

static bool root_is_text(const struct crdt_doc *doc, const struct crdt_type *root) {
    bool has_text = false;
    for (uint32_t at = root->start; at != ITEM_NONE; at = doc_item(doc, at)->right) {
        const struct item *item = doc_item(doc, at);
        if ((item->flags & ITEM_DELETED) != 0 || item->kind == CONTENT_GC)
            continue;
        if (item->kind != CONTENT_STRING && item->kind != CONTENT_EMBED && item->kind != CONTENT_FORMAT)
            return false;
        has_text |= item->kind == CONTENT_STRING;
    }
    return has_text && root->entries == ENTRY_NONE;
}

bool crdt_doc_text_root(const struct crdt_doc *doc, struct bytes *out_name) {
    bool found = false;
    for (uint32_t i = 0; i < doc->types.count; i++) {
        const struct crdt_type *type = doc->types.all[i];
        if (type == NULL || type->item != ITEM_NONE || !root_is_text(doc, type))
            continue;
        if (found)
            return false;
        found = true;
        *out_name = type->name;
    }
    return found;
}

uint64_t crdt_text_length(const struct crdt_type *text) {
    return text->length;
}

/* ---- typing ---- */

/* Where somebody types, the next edit is at the end of the last one. If that is the local client's last run, and its text the last
 * of the client's, then typing on makes it longer (doc->typing). Erasing on moves the border between a run and its grave (bury.h,
 * doc->erasing). Neither touches anything else but counts: the list's index is told when somebody asks. Whatever else happens ends
 * both. */

/* The local client's last run, after an insertion that ends at `index`. */
static void typing_begin(struct crdt_doc *doc, struct crdt_type *text, struct client *client, uint64_t index) {
    uint32_t number = run_items(client->last)[client->last->count - 1];
    const struct item *item = doc_item(doc, number);
    if ((item->flags & ITEM_DELETED) != 0) /* with what holds the text */
        return;
    const struct item *right = item->right == ITEM_NONE ? NULL : doc_item(doc, item->right);
    bool grows = item->flags == ITEM_ASCII && item->content + item->length == client->ascii_used &&
                 (right == NULL || item_visible(right) > 0) && client->missing == CLIENT_NOT_MISSING && client->state < UINT32_MAX;
    uint32_t room = client->ascii_capacity - client->ascii_used;
    uint32_t clocks = grows ? UINT32_MAX - (uint32_t)client->state : 0;
    doc->typing = (struct typing){ .type = text,
                                   .client = client,
                                   .index = index,
                                   .item = number,
                                   .room = !grows          ? 0
                                           : room < clocks ? room
                                                           : clocks };
}

/* The cursor stands behind what changes at `index`. */
static inline void typing_forget_cursor(struct crdt_type *text, uint64_t index) {
    if (text->cursor_index >= index)
        text->cursor_item = ITEM_NONE;
}

static bool all_ascii(struct bytes text) {
    uint64_t seen = 0;
    uint64_t word;
    size_t i = 0;
    for (; text.size - i >= sizeof word; i += sizeof word) {
        memcpy(&word, text.data + i, sizeof word);
        seen |= word;
    }
    for (; i < text.size; i++)
        seen |= text.data[i];
    return (seen & UINT64_C(0x8080808080808080)) == 0;
}

static inline bool typing_go_on(struct crdt_txn *txn, struct crdt_type *text, uint64_t index, struct bytes utf8) {
    struct crdt_doc *doc = txn->doc;
    struct typing *typing = &doc->typing;
    if (typing->type != text || typing->index != index || utf8.size > typing->room)
        return false;
    struct client *client = typing->client;
    uint8_t *to = client->ascii + client->ascii_used;
    if (utf8.size == 1 && utf8.data[0] < 0x80)
        *to = utf8.data[0];
    else if (all_ascii(utf8))
        memcpy(to, utf8.data, utf8.size);
    else
        return false;
    uint32_t units = (uint32_t)utf8.size;
    struct item *item = doc_item(doc, typing->item);
    txn_touch(txn, client);
    typing_forget_cursor(text, index);
    client->ascii_used += units;
    client->state += units;
    item->length += units;
    list_index_widen(doc, item, units);
    text->length += units;
    txn->units_added += units;
    typing->index = index + units;
    typing->room -= units;
    doc->erasing.type = NULL;
    return true;
}

/* Deletes units beside the border where somebody erases already. */
static bool erasing_go_on(struct crdt_txn *txn, struct crdt_type *text, uint64_t index, uint64_t length) {
    struct crdt_doc *doc = txn->doc;
    struct erasing *erasing = &doc->erasing;
    if (erasing->type != text || erasing->index != (erasing->forward ? index : index + length) || doc->observers != NULL ||
        txn->deleted_count == txn->deleted_capacity)
        return false;
    struct item *item = doc_item(doc, erasing->item);
    uint32_t units = (uint32_t)length;
    if (item->length <= length || !run_can_move(erasing->moving, erasing->forward, units))
        return false;
    typing_forget_cursor(text, index);
    txn_bury_border(txn, text, erasing->moving, erasing->item, erasing->grave, erasing->forward, units);
    erasing->index = index;
    if (!erasing->forward) {
        doc->typing.index = index;
        doc->typing.room = 0;
    }
    return true;
}

/* ---- places ---- */

/* The item that holds visible unit `index` - 1, walked to from the cursor; ITEM_NONE: it is far. */
static uint32_t text_walk(const struct crdt_doc *doc, const struct crdt_type *text, uint64_t index, uint64_t *out_before) {
    uint32_t at = text->cursor_item != ITEM_NONE ? text->cursor_item : text->start;
    uint64_t before = text->cursor_item != ITEM_NONE ? text->cursor_index : 0;
    unsigned steps = 0;
    unsigned steps_max = list_is_indexed(text) ? INDEX_WALK_NEAR : INDEX_WALK_MAX;
    for (; before >= index && steps < steps_max; steps++) {
        at = doc_item(doc, at)->left;
        before -= item_visible(doc_item(doc, at));
    }
    for (; steps < steps_max; steps++) {
        const struct item *item = doc_item(doc, at);
        if (before + item_visible(item) >= index) {
            *out_before = before;
            return at;
        }
        before += item_visible(item);
        at = item->right;
    }
    return ITEM_NONE;
}

/* Without memory for an index: from the beginning. */
static uint32_t text_walk_all(const struct crdt_doc *doc, const struct crdt_type *text, uint64_t index, uint64_t *out_before) {
    uint32_t at = text->start;
    uint64_t before = 0;
    for (; before + item_visible(doc_item(doc, at)) < index; at = doc_item(doc, at)->right)
        before += item_visible(doc_item(doc, at));
    *out_before = before;
    return at;
}

/* Whether it is in vain to walk from the cursor, if the items between are as long as the document's are on average. */
static inline bool text_is_far(const struct crdt_doc *doc, const struct crdt_type *text, uint64_t index) {
    uint64_t cursor = text->cursor_item != ITEM_NONE ? text->cursor_index : 0;
    uint64_t units = index > cursor ? index - cursor : cursor - index;
    return units * doc->runs > text->length * TEXT_FAR_ITEMS;
}

struct text_place text_find(struct crdt_doc *doc, struct crdt_type *text, uint64_t index) {
    if (index == 0)
        return (struct text_place){ ITEM_NONE, 0 };
    if (doc->typing.type == text && doc->typing.index == index) {
        uint32_t number = doc->typing.item;
        uint32_t length = doc_item(doc, number)->length;
        text->cursor_item = number;
        text->cursor_index = index - length;
        return (struct text_place){ number, length };
    }
    uint64_t before;
    bool far = list_is_indexed(text) && text_is_far(doc, text, index);
    uint32_t at = far ? ITEM_NONE : text_walk(doc, text, index, &before);
    if (at == ITEM_NONE) {
        if (!list_is_indexed(text))
            list_index_build(doc, text);
        at = list_is_indexed(text) ? list_index_find(doc, text, index, &before) : text_walk_all(doc, text, index, &before);
    }
    text->cursor_item = at;
    text->cursor_index = before;
    return (struct text_place){ at, index - before };
}

/* Whether a mark would change nothing at this place: the last live mark of its key to the left has the same value; none counts as
 * null. */
static bool text_mark_redundant(const struct crdt_doc *doc, uint32_t left, const struct item *mark) {
    struct bytes_reader reader = bytes_reader(item_content(doc, mark));
    struct bytes key;
    struct bytes value;
    varint_read_view(&reader, &key);
    varint_read_view(&reader, &value);
    for (uint32_t at = left; at != ITEM_NONE; at = doc_item(doc, at)->left) {
        const struct item *item = doc_item(doc, at);
        if (item->kind != CONTENT_FORMAT || (item->flags & ITEM_DELETED) != 0)
            continue;
        struct bytes_reader other = bytes_reader(item_content(doc, item));
        struct bytes other_key;
        struct bytes other_value;
        varint_read_view(&other, &other_key);
        varint_read_view(&other, &other_value);
        if (bytes_equal(key, other_key))
            return json_equal(doc->options.mem, value, other_value);
    }
    return bytes_equal_text(value, "null");
}

/* The item with the first visible unit behind `left`, which ends at `index`; text->length > index. Does not move the cursor. */
static uint32_t text_next_visible(struct crdt_doc *doc, struct crdt_type *text, uint32_t left, uint64_t index) {
    uint32_t at = left == ITEM_NONE ? text->start : doc_item(doc, left)->right;
    for (unsigned steps = 0; item_visible(doc_item(doc, at)) == 0; at = doc_item(doc, at)->right)
        if (++steps == INDEX_WALK_MAX) {
            uint64_t before;
            if (!list_is_indexed(text))
                list_index_build(doc, text);
            if (list_is_indexed(text))
                return list_index_find(doc, text, index + 1, &before);
        }
    return at;
}

/* Steps over tombstones and marks that say nothing new; answers the last item passed. `index` visible units stand before. */
static uint32_t text_step_over(struct crdt_doc *doc, struct crdt_type *text, uint32_t left, uint64_t index) {
    if (!text->has_formats && index < text->length)
        return doc_item(doc, text_next_visible(doc, text, left, index))->left;
    for (unsigned steps = 0;; steps++) {
        uint32_t right = left == ITEM_NONE ? text->start : doc_item(doc, left)->right;
        if (right == ITEM_NONE)
            return left;
        if (!text->has_formats && steps == INDEX_WALK_MAX) /* nothing but tombstones to the end */
            return text->last;
        const struct item *item = doc_item(doc, right);
        bool passed = (item->flags & ITEM_DELETED) != 0 || (item->kind == CONTENT_FORMAT && text_mark_redundant(doc, left, item));
        if (!passed)
            return left;
        left = right;
    }
}

static enum status text_insert_anywhere(struct crdt_txn *txn, struct crdt_type *text, uint64_t index, struct bytes utf8);

enum status crdt_text_insert(struct crdt_txn *txn, struct crdt_type *text, uint64_t index, struct bytes utf8) {
    assert(txn->open);
    if (utf8.size > 0 && typing_go_on(txn, text, index, utf8))
        return STATUS_OK;
    return text_insert_anywhere(txn, text, index, utf8);
}

/* Whether what is put behind an item may make that longer. */
static bool text_grows(const struct crdt_doc *doc, const struct client *client, uint32_t left) {
    const struct item *item = left == ITEM_NONE ? NULL : doc_item(doc, left);
    return item != NULL && (item->flags & ITEM_DELETED) == 0 && item->client == client->index &&
           item_end(doc, item) == client->state;
}

/* ASCII text of a client who has written before, as new runs mostly are. False: it is another case, and nothing but the cursor has
 * changed. Reserved: two items, the text. */
static bool text_insert_ascii(struct crdt_doc *doc, struct crdt_type *text, struct client *client, uint64_t index,
                              struct bytes ascii) {
    struct text_place place = text_find(doc, text, index);
    uint32_t left = place.left;
    uint32_t made[2];
    uint32_t count = 1;
    bool cuts = left != ITEM_NONE && place.offset < doc_item(doc, left)->length;
    if (cuts && doc_item(doc, left)->flags != ITEM_ASCII)
        return false;
    if (!cuts) {
        left = text_step_over(doc, text, left, index);
        if (text_grows(doc, client, left))
            return false;
    }
    uint32_t right;
    if (cuts) {
        const struct item *item = doc_item(doc, left);
        struct client *other = doc->clients[item->client];
        struct run_place run = client_find(other, item_clock(doc, item));
        right = doc_cut(doc, left, (uint32_t)place.offset);
        client_insert_run(other, &doc->mem, &doc->spares, run, item_end(doc, item), right);
        doc->runs++;
        made[count++] = right;
    } else {
        right = left == ITEM_NONE ? text->start : doc_item(doc, left)->right;
    }
    made[0] = doc_place_text(doc, client, text, left, right, ascii);
    list_index_put(doc, text, left, made, count, ascii.size);
    if (index == 0) {
        text->cursor_item = made[0];
        text->cursor_index = 0;
    }
    return true;
}

static SELDOM enum status text_insert_anywhere(struct crdt_txn *txn, struct crdt_type *text, uint64_t index, struct bytes utf8) {
    struct crdt_doc *doc = txn->doc;
    size_t units = utf8.size;
    bool ascii = all_ascii(utf8);
    assert(!txn->telling);
    if (!ascii && !utf_check(utf8, &units))
        return STATUS_MALFORMED;
    if (index == CRDT_TEXT_END && text->has_formats && units > 0)
        return format_append(txn, text, utf8);
    if (index == CRDT_TEXT_END)
        index = text->length;
    if (index > text->length)
        return STATUS_RANGE;
    if (units == 0)
        return STATUS_OK;
    if (utf8.size > UINT32_MAX)
        return STATUS_TOO_BIG;
    struct client *client = doc_client(doc, doc->options.client_id);
    if (ascii && client != NULL && client->first != NULL && client->missing == CLIENT_NOT_MISSING &&
        client->state + units <= UINT32_MAX &&
        (text->item == ITEM_NONE || (doc_item(doc, text->item)->flags & ITEM_DELETED) == 0)) {
        enum status status = doc_reserve_items(doc, 2, 0, 0);
        if (status == STATUS_OK)
            status = client_text_reserve(client, &doc->mem, utf8.size, 0);
        if (status != STATUS_OK)
            return status;
        if (text_insert_ascii(doc, text, client, index, utf8)) {
            typing_begin(doc, text, client, index + units);
            return STATUS_OK;
        }
    }
    struct edit_need need = { .items = 1 + content_more_items(CONTENT_STRING, units, utf8.size),
                              .splits = index > 0,
                              .units = units };
    edit_need_text(&need, ascii, utf8.size);
    enum status status = edit_reserve(doc, &need, &client);
    if (status != STATUS_OK)
        return status;

    struct text_place place = text_find(doc, text, index);
    uint32_t left = place.left;
    if (left != ITEM_NONE) {
        const struct item *item = doc_item(doc, left);
        if (place.offset < item->length)
            left = doc_split_after(doc, (uint32_t)item->client, item_clock(doc, item) + place.offset - 1);
    }
    left = text_step_over(doc, text, left, index);
    uint32_t right = left == ITEM_NONE ? text->start : doc_item(doc, left)->right;
    struct placing placing = { .client = client,
                               .length = units,
                               .content = utf8,
                               .ascii = ascii,
                               .kind = CONTENT_STRING,
                               .left = left,
                               .right = right,
                               PLACING_NO_ORIGINS,
                               .parent = text->index,
                               .entry = ENTRY_NONE };
    if (left != ITEM_NONE) {
        const struct item *item = doc_item(doc, left);
        placing.origin_client = item->client & CLIENT_NONE;
        placing.origin_clock = item_end(doc, item) - 1;
    }
    if (right != ITEM_NONE) {
        const struct item *item = doc_item(doc, right);
        placing.right_origin_client = item->client & CLIENT_NONE;
        placing.right_origin_clock = item_clock(doc, item);
    }
    uint32_t cursor_item = text->cursor_item;
    uint64_t cursor_index = text->cursor_index;
    doc_place(doc, &placing);
    if (index == 0) {
        text->cursor_item = text->start;
        text->cursor_index = 0;
    } else {
        text->cursor_item = cursor_item;
        text->cursor_index = cursor_index;
    }
    if (client->missing != CLIENT_NOT_MISSING && client->state > client->missing)
        doc->seldom->pending.wake = true;
    typing_begin(doc, text, client, index + units);
    return STATUS_OK;
}

enum status crdt_text_delete(struct crdt_txn *txn, struct crdt_type *text, uint64_t index, uint64_t length) {
    return text->has_formats ? format_delete(txn, text, index, length) : list_delete(txn, text, index, length);
}

/* The item that holds visible unit `index`, and which of its units that is; text->length > index. The cursor then stands there, so
 * deleting on finds it. */
static struct text_place text_unit(struct crdt_doc *doc, struct crdt_type *text, uint64_t index) {
    struct text_place place = text_find(doc, text, index + 1);
    place.offset--;
    return place;
}

static enum status list_delete_anywhere(struct crdt_txn *txn, struct crdt_type *text, uint64_t index, uint64_t length);

enum status list_delete(struct crdt_txn *txn, struct crdt_type *text, uint64_t index, uint64_t length) {
    assert(txn->open);
    if (index > text->length || length > text->length - index)
        return STATUS_RANGE;
    if (length == 0 || erasing_go_on(txn, text, index, length))
        return STATUS_OK;
    return list_delete_anywhere(txn, text, index, length);
}

/* Deletes units of one item, from the place on; answers how many: all that are wanted and the item has, or fewer where a surrogate
 * pair was cut. Reserved. */
static uint64_t list_delete_in_item(struct crdt_txn *txn, struct text_place place, uint64_t wanted) {
    struct crdt_doc *doc = txn->doc;
    const struct item *item = doc_item(doc, place.left);
    uint32_t client = item->client & CLIENT_NONE;
    uint64_t clock = item_clock(doc, item) + place.offset;
    uint32_t number = doc_split_before(doc, client, clock);
    if (item_length(doc, doc_item(doc, number)) > wanted)
        doc_split_before(doc, client, clock + wanted);
    txn_delete_item(txn, number);
    return item_length(doc, doc_item(doc, number));
}

/* At least as many runs as units [place, place + length) stand in; counted as long as that is quick. */
static uint64_t list_runs_max(const struct crdt_doc *doc, struct text_place place, uint64_t length) {
    const struct item *item = doc_item(doc, place.left);
    uint64_t covered = item_length(doc, item) - place.offset;
    uint64_t runs = 1;
    for (unsigned steps = 0; covered < length && steps < INDEX_WALK_MAX; steps++) {
        item = doc_item(doc, item->right);
        covered += item_visible(item);
        runs += item_visible(item) > 0;
    }
    return covered < length ? runs + (length - covered) : runs;
}

static SELDOM enum status list_delete_anywhere(struct crdt_txn *txn, struct crdt_type *text, uint64_t index, uint64_t length) {
    struct crdt_doc *doc = txn->doc;
    bool reserved = false;
    struct text_place place = text_unit(doc, text, index);
    for (;;) {
        const struct item *item = doc_item(doc, place.left);
        uint64_t units = item_length(doc, item) - place.offset;
        bool more = units < length;
        units = more ? units : length;
        uint32_t next = more ? text_next_visible(doc, text, place.left, index + units) : ITEM_NONE;
        bool buried = item_can_be_buried(doc, item);
        bool room = reserved || (!more && txn->deleted_count < txn->deleted_capacity); /* for a border to move */
        if (!buried || !room || !txn_bury_at_border(txn, text, index, place.left, (uint32_t)place.offset, (uint32_t)units)) {
            if (!reserved) { /* for all that is to come: only the first and the last item are cut */
                size_t items = 2 * doc_split_items_max(doc, false);
                enum status status = doc_reserve_items(doc, items, 0, 0);
                if (status == STATUS_OK)
                    status = txn_reserve_deletes(txn, list_runs_max(doc, place, length), items, false);
                if (status != STATUS_OK)
                    return status;
                reserved = true;
            }
            if (!buried) {
                uint64_t deleted = list_delete_in_item(txn, place, units);
                more = deleted < length;
                next = deleted < units ? ITEM_NONE : next;
                units = deleted;
            } else if (room || !txn_bury_at_border(txn, text, index, place.left, (uint32_t)place.offset, (uint32_t)units)) {
                txn_bury(txn, text, index, place.left, (uint32_t)place.offset, (uint32_t)units);
            }
        }
        length -= units;
        if (!more)
            return STATUS_OK;
        place = next == ITEM_NONE ? text_unit(doc, text, index) : (struct text_place){ next, 0 };
    }
}

/* ---- reading ---- */

enum { COPY_STEP = 32 }; /* what is shorter is copied in one step, where there is room to write too much */

/* What is yet to be written of a text, all ASCII: what the items front … back say goes to [head, tail). */
struct text_part {
    uint32_t front;
    uint32_t back;
    uint8_t *head;
    uint8_t *tail;
};

static inline bool text_part_has_step(const struct text_part *part) {
    return part->tail - part->head >= COPY_STEP;
}

/* Writes an item at each end; false: little is left. */
INLINED bool text_part_step(const struct items *items, struct client *const *clients, struct text_part *part) {
    if (!text_part_has_step(part))
        return false;
    const struct item *item = item_at(items, part->front);
    part->front = item->right;
    if ((item->flags & ITEM_DELETED) == 0) {
        const struct client *client = clients[item->client];
        const uint8_t *begin = client->ascii + item->content;
        if (item->length <= COPY_STEP && client->ascii_capacity - item->content >= COPY_STEP)
            memcpy(part->head, begin, COPY_STEP);
        else
            memcpy(part->head, begin, item->length);
        part->head += item->length;
    }
    if (!text_part_has_step(part))
        return false;
    item = item_at(items, part->back);
    part->back = item->left;
    if ((item->flags & ITEM_DELETED) == 0) {
        uint32_t end = item->content + item->length;
        const uint8_t *ascii = clients[item->client]->ascii;
        if (item->length <= COPY_STEP && end >= COPY_STEP)
            memcpy(part->tail - COPY_STEP, ascii + end - COPY_STEP, COPY_STEP);
        else
            memcpy(part->tail - item->length, ascii + item->content, item->length);
        part->tail -= item->length;
    }
    return true;
}

static void text_part_end(const struct items *items, struct client *const *clients, struct text_part part) {
    while (text_part_step(items, clients, &part))
        continue;
    while (part.head != part.tail) {
        const struct item *item = item_at(items, part.front);
        part.front = item->right;
        if ((item->flags & ITEM_DELETED) == 0) {
            memcpy(part.head, clients[item->client]->ascii + item->content, item->length);
            part.head += item->length;
        }
    }
}

/* Cuts a text's beginning in two before the item of unit `index` and answers the right part. */
static struct text_part text_part_cut(struct crdt_doc *doc, const struct crdt_type *text, struct text_part *part, uint64_t index) {
    struct text_part right = *part;
    uint64_t before;
    right.front = list_index_find(doc, text, index + 1, &before);
    right.head += before;
    part->back = doc_item(doc, right.front)->left;
    part->tail = right.head;
    return right;
}

/* The time goes into waiting for the next item. So a text is read from both ends at once, and if there is an index that tells where
 * its thirds begin, each of them. */
static void text_write_ascii(struct crdt_doc *doc, const struct crdt_type *text, uint8_t *head) {
    const struct items items = doc->items; /* of which compilers see that the text is not written there */
    struct client *const *clients = doc->clients;
    struct text_part a = { text->start, text->last, head, head + text->length };
    if (list_is_indexed(text)) {
        struct text_part c = text_part_cut(doc, text, &a, text->length / 3 * 2);
        struct text_part b = text_part_cut(doc, text, &a, text->length / 3);
        while (text_part_step(&items, clients, &a) && text_part_step(&items, clients, &b) && text_part_step(&items, clients, &c))
            continue;
        text_part_end(&items, clients, b);
        text_part_end(&items, clients, c);
    }
    text_part_end(&items, clients, a);
}

enum status crdt_text_write(const struct crdt_doc *doc, const struct crdt_type *text, struct bytes_writer *out) {
    if (out->status != STATUS_OK || text->length == 0)
        return out->status;
    size_t size_before = out->size;
    if (doc->items.contents_used == doc->items.contents_free_count) {
        uint8_t *room = bytes_writer_reserve(out, (size_t)text->length);
        if (room != NULL) {
            text_write_ascii(doc->txn.doc, text, room);
            out->size += (size_t)text->length;
        }
        return out->status;
    }
    for (uint32_t at = text->start; at != ITEM_NONE;) {
        const struct item *item = doc_item(doc, at);
        if (item->kind == CONTENT_STRING && (item->flags & ITEM_DELETED) == 0)
            bytes_write(out, item_content(doc, item));
        at = item->right;
    }
    if (out->status != STATUS_OK)
        out->size = size_before;
    return out->status;
}
