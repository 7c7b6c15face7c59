/* quick.c — the usual update: one text behind something known, a few deletions of known units, or both.
 *
 *   01 01 client clock info [origin] [right origin] text   00            somebody types
 *   00   01 client 01 clock length                                       somebody erases
 *
 * Nothing needs to be planned for it: everything is read and held against the document, then reserved, then done. Two cases of it
 * are nearly all that a server gets, and touch no more than they must: text that goes on where its client's last run ends, and
 * deletions at a border that moves already (bury.h). */
#include "bury.h"
#include "list_index.h"
#include "store.h"

#include "ground/utf.h"

enum { QUICK_RANGES_MAX = 4 };

struct quick {
    struct crdt_doc *doc;
    struct bytes_reader reader;
    struct client *client; /* NULL: no text */
    struct client *origin_client;
    struct client *right_origin_client;
    uint64_t origin_clock;
    uint64_t right_origin_clock;
    struct bytes text;
    size_t units;
    size_t range_count;
    uint64_t range_units;
    struct quick_range {
        struct client *client;
        uint64_t clock;
        uint64_t length;
    } ranges[QUICK_RANGES_MAX];
};

/* The client whose id comes; NULL: not known. Mostly it is the last one that was asked for, which is seen without reading a number.
 */
static inline struct client *quick_client(struct crdt_doc *doc, struct bytes_reader *reader) {
    struct client *client = doc->client_last;
    uint64_t id;
    if (client != NULL && bytes_left(reader) >= sizeof id) {
        uint64_t word;
        memcpy(&word, reader->at, sizeof word);
        if ((word & client->id_mask) == client->id_word) {
            reader->at += client->id_bytes;
            return client;
        }
    }
    return varint_take(reader, &id) ? doc_client(doc, id) : NULL;
}

/* A unit that must be known. */
static inline bool quick_unit(struct crdt_doc *doc, struct bytes_reader *reader, struct client **out_client, uint64_t *out_clock) {
    *out_client = quick_client(doc, reader);
    return *out_client != NULL && varint_take(reader, out_clock) && *out_clock < (*out_client)->state;
}

static bool quick_read_text(struct quick *quick) {
    struct crdt_doc *doc = quick->doc;
    struct bytes_reader *reader = &quick->reader;
    uint64_t clock;
    uint64_t size;
    if (bytes_left(reader) < 2 || *reader->at++ != 1) /* structs */
        return false;
    quick->client = quick_client(doc, reader);
    if (quick->client == NULL || !varint_take(reader, &clock) || clock != quick->client->state ||
        quick->client->missing != CLIENT_NOT_MISSING || reader->at == reader->end)
        return false;
    uint8_t info = *reader->at++;
    if ((info & WIRE_KIND) != CONTENT_STRING || (info & (WIRE_ORIGIN | WIRE_RIGHT_ORIGIN)) == 0 ||
        ((info & WIRE_ORIGIN) != 0 && !quick_unit(doc, reader, &quick->origin_client, &quick->origin_clock)) ||
        ((info & WIRE_RIGHT_ORIGIN) != 0 && !quick_unit(doc, reader, &quick->right_origin_client, &quick->right_origin_clock)) ||
        !varint_take(reader, &size) || size == 0 || size > bytes_left(reader))
        return false;
    quick->text = bytes_of(reader->at, (size_t)size);
    reader->at += size;
    if (size == 1 && quick->text.data[0] < 0x80)
        quick->units = 1;
    else if (!utf_check(quick->text, &quick->units))
        return false;
    return clock + quick->units <= UINT32_MAX;
}

static bool quick_read_deletes(struct quick *quick) {
    struct bytes_reader *reader = &quick->reader;
    uint64_t clients;
    if (!varint_take(reader, &clients))
        return false;
    for (; clients > 0; clients--) {
        uint64_t count;
        struct client *client = quick_client(quick->doc, reader);
        if (client == NULL || !varint_take(reader, &count) || count > QUICK_RANGES_MAX - quick->range_count)
            return false;
        for (; count > 0; count--) {
            struct quick_range *range = &quick->ranges[quick->range_count];
            *range = (struct quick_range){ .client = client };
            if (!varint_take(reader, &range->clock) || !varint_take(reader, &range->length) || range->clock > client->state ||
                range->length > client->state - range->clock)
                return false;
            quick->range_units += range->length;
            quick->range_count += range->length > 0;
        }
    }
    return reader->at == reader->end;
}

static bool quick_read(struct quick *quick) {
    uint64_t clients;
    if (quick->doc->seldom->pending.delete_count > 0 || quick->doc->seldom->pending.wake ||
        !varint_take(&quick->reader, &clients) || clients > 1)
        return false;
    return (clients == 0 || quick_read_text(quick)) && quick_read_deletes(quick) && (clients > 0 || quick->range_count > 0);
}

/* ---- text that goes on ---- */

/* Whether a unit is the first one of what stands right of an item; client NULL: nothing stands there. */
static bool quick_is_right(const struct crdt_doc *doc, const struct item *left, const struct client *client, uint64_t clock) {
    if (client == NULL || left->right == ITEM_NONE)
        return client == NULL && left->right == ITEM_NONE;
    const struct item *right = doc_item(doc, left->right);
    return right->client == client->index && item_clock(doc, right) == clock;
}

static bool quick_go_on(const struct quick *quick) {
    struct crdt_doc *doc = quick->doc;
    struct client *client = quick->client;
    if (quick->origin_client != client || quick->origin_clock != client->state - 1 || quick->units != quick->text.size ||
        client->ascii_capacity - client->ascii_used < quick->text.size)
        return false;
    uint32_t number = run_items(client->last)[client->last->count - 1];
    struct item *item = doc_item(doc, number);
    const struct client *right_origin = quick->right_origin_client;
    if (item->flags != ITEM_ASCII || item->tag == PLACE_ENTRY || item->content + item->length != client->ascii_used ||
        item->right_origin_client != (right_origin == NULL ? CLIENT_NONE : right_origin->index) ||
        (right_origin != NULL && item_right_origin_clock(doc, item) != quick->right_origin_clock) ||
        !quick_is_right(doc, item, right_origin, quick->right_origin_clock))
        return false;
    struct crdt_type *parent = doc_type(doc, item_parent(doc, item));
    uint32_t units = (uint32_t)quick->units;
    txn_touch(&doc->txn, client);
    doc_typing_end(doc);
    parent->cursor_item = ITEM_NONE;
    parent->length += units;
    client_ascii_add(client, quick->text);
    client->state += units;
    item->length += units;
    list_index_widen(doc, item, units);
    doc->txn.units_added += units;
    return true;
}

/* ---- the rest ---- */

static void quick_place(const struct quick *quick) {
    struct crdt_doc *doc = quick->doc;
    struct placing placing = { .client = quick->client,
                               .length = quick->units,
                               .content = quick->text,
                               .ascii = quick->units == quick->text.size,
                               .kind = CONTENT_STRING,
                               PLACING_NOWHERE };
    if (quick->origin_client != NULL) {
        placing.origin_client = quick->origin_client->index;
        placing.origin_clock = quick->origin_clock;
        placing.left = doc_split_after(doc, placing.origin_client, placing.origin_clock);
    }
    if (quick->right_origin_client != NULL) {
        placing.right_origin_client = quick->right_origin_client->index;
        placing.right_origin_clock = quick->right_origin_clock;
        placing.right = doc_find_right(doc, placing.left, placing.right_origin_client, placing.right_origin_clock);
    }
    doc_find_parent(doc, NULL, &placing);
    doc_place(doc, &placing);
}

/* Where somebody erases already. */
static bool quick_erase_on(struct crdt_doc *doc, const struct quick_range *range) {
    struct erasing *erasing = &doc->erasing;
    if (erasing->type == NULL || doc->observers != NULL)
        return false;
    const struct item *item = doc_item(doc, erasing->item);
    uint64_t clock = item_clock(doc, item);
    uint32_t units = (uint32_t)range->length;
    if (item->client != range->client->index || range->length >= item->length ||
        range->clock != (erasing->forward ? clock : clock + item->length - units) ||
        !run_can_move(erasing->moving, erasing->forward, units))
        return false;
    erasing->type->cursor_item = ITEM_NONE;
    txn_bury_border(&doc->txn, erasing->type, erasing->moving, erasing->item, erasing->grave, erasing->forward, units);
    erasing->index = UINT64_MAX;
    doc->typing.type = NULL;
    return true;
}

/* What lies in one run and can be buried. */
static bool quick_bury(struct crdt_doc *doc, const struct quick_range *range) {
    uint32_t number = run_place_item(client_find(range->client, range->clock));
    const struct item *item = doc_item(doc, number);
    if (!item_can_be_buried(doc, item) || item->tag == PLACE_NONE)
        return false;
    uint64_t offset = range->clock - item_clock(doc, item);
    if (range->length > item->length - offset)
        return false;
    struct crdt_type *type = doc_type(doc, item_parent(doc, item));
    type->cursor_item = ITEM_NONE;
    doc_typing_end(doc);
    if (!txn_bury_at_border(&doc->txn, type, UINT64_MAX, number, (uint32_t)offset, (uint32_t)range->length))
        txn_bury(&doc->txn, type, UINT64_MAX, number, (uint32_t)offset, (uint32_t)range->length);
    return true;
}

static uint64_t quick_delete(struct crdt_doc *doc, const struct quick_range *range) {
    if (quick_erase_on(doc, range) || quick_bury(doc, range))
        return range->length;
    return txn_delete_range(&doc->txn, range->client, range->clock, range->clock + range->length);
}

static enum status quick_reserve(const struct quick *quick) {
    struct crdt_doc *doc = quick->doc;
    struct client *client = quick->client;
    bool ascii = quick->units == quick->text.size;
    size_t items = ((client != NULL ? 2 : 0) + 2 * quick->range_count) * doc_split_items_max(doc, false);
    if (client != NULL)
        items += 1 + content_more_items(CONTENT_STRING, quick->units, quick->text.size);
    enum status status =
        doc_reserve_items(doc, items, client == NULL || ascii ? 0 : items, client != NULL && client->first == NULL ? 1 : 0);
    if (status == STATUS_OK && client != NULL)
        status = client_text_reserve(client, &doc->mem, ascii ? quick->text.size : 0, ascii ? 0 : quick->text.size);
    return status == STATUS_OK ? txn_reserve_deletes(&doc->txn, quick->range_units + items, items, false) : status;
}

enum status doc_apply_quick(struct crdt_doc *doc, struct bytes update, struct crdt_update_result *out, bool *out_done) {
    struct quick quick; /* not zeroed: most of it is not used */
    struct crdt_txn *txn = &doc->txn;
    quick.doc = doc;
    quick.reader = bytes_reader(update);
    quick.client = quick.origin_client = quick.right_origin_client = NULL;
    quick.text = bytes_of(NULL, 0);
    quick.units = 0;
    quick.range_count = 0;
    quick.range_units = 0;
    *out_done = quick_read(&quick);
    if (!*out_done)
        return STATUS_OK;
    uint64_t deleted_before = txn->units_deleted;
    uint64_t steps_before = doc->conflict_steps;
    uint64_t deleted = 0;
    bool text = quick.client != NULL;
    bool ready = txn->deleted_capacity - txn->deleted_count >= quick.range_count;
    if (text && quick.range_count == 0 && quick_go_on(&quick)) {
        text = false;
    } else if (!text && ready && quick.range_count == 1 && quick_erase_on(doc, &quick.ranges[0])) {
        deleted = quick.range_units;
        quick.range_count = 0;
    } else {
        enum status status = quick_reserve(&quick);
        if (status != STATUS_OK)
            return status;
    }
    if (text)
        quick_place(&quick);
    for (size_t i = 0; i < quick.range_count; i++)
        deleted += quick_delete(doc, &quick.ranges[i]);
    *out = (struct crdt_update_result){ .units_new = quick.client != NULL ? quick.units : 0,
                                        .units_deleted = txn->units_deleted - deleted_before,
                                        .pending = doc->seldom->pending.count > 0,
                                        .conflict_steps = doc->conflict_steps - steps_before };
    out->verbatim = deleted == quick.range_units && (quick.client != NULL || deleted > 0);
    return STATUS_OK;
}
