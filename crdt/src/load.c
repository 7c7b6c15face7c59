/* load.c — a document that holds nothing takes a whole state.
 *
 * Each struct is read, checked and integrated in one go, straight from the update's bytes; there is no plan. If it turns out that
 * the update is malformed, or has something that would have to wait, the document is emptied again, and the general way (apply.c)
 * says what is to be done.
 *
 *   block of client 9:  ■ ■ ■ ▶ a     a names a unit of client 4 that is not there yet: the rest of the block is read over
 *   block of client 4:  ■ ■ ■ ■ ■     for now, and gone on with when the other blocks have been looked at, until all is done
 *
 * Cost: a struct's bytes, two searches and a link. */
#include "list_index.h"
#include "store.h"

#include "ground/utf.h"

/* What of a block is still to be done. */
struct load_block {
    struct client *client;
    struct bytes_reader reader;
    uint64_t structs;
    uint64_t clock;
};

struct load {
    struct crdt_doc *doc;
    struct load_block *blocks; /* those that wait */
    size_t block_count;
    size_t block_capacity;
    uint64_t range_units;   /* of the delete set */
    uint64_t range_deleted; /* of these, what was not deleted yet */
};

enum load_step { LOAD_DONE, LOAD_WAITS, LOAD_FAILS };

/* The unit that a struct of `own` at `clock` names. LOAD_FAILS: cut off, or it is not older. */
static inline enum load_step load_unit(struct load *load, struct bytes_reader *reader, struct client *own, uint64_t clock,
                                       struct client **out_client, uint64_t *out_clock) {
    uint64_t word;
    uint64_t id;
    struct client *client = own;
    if (bytes_left(reader) >= sizeof word && (memcpy(&word, reader->at, sizeof word), (word & own->id_mask) == own->id_word))
        reader->at += own->id_bytes;
    else if (!varint_take(reader, &id))
        return LOAD_FAILS;
    else
        client = doc_client(load->doc, id);
    if (!varint_take(reader, out_clock))
        return LOAD_FAILS;
    *out_client = client;
    if (client == own)
        return *out_clock < clock ? LOAD_DONE : LOAD_FAILS;
    return client != NULL && *out_clock < client->state ? LOAD_DONE : LOAD_WAITS;
}

static enum load_step load_reserve(struct load *load, struct client *client, size_t items, size_t contents, size_t ascii,
                                   size_t text, size_t deletes) {
    struct crdt_doc *doc = load->doc;
    if (doc_reserve_items(doc, items, contents, client->first == NULL) != STATUS_OK)
        return LOAD_FAILS;
    bool room = client->ascii_capacity - client->ascii_used >= ascii && text == 0;
    if (!room && client_text_reserve(client, &doc->mem, ascii, text) != STATUS_OK)
        return LOAD_FAILS;
    if (doc->txn.deleted_capacity - doc->txn.deleted_count < deletes || doc->types.count > doc->types.roots)
        return txn_reserve_deletes(&doc->txn, deletes, items, false) == STATUS_OK ? LOAD_DONE : LOAD_FAILS;
    return LOAD_DONE;
}

/* Text or Deleted with a neighbour, which most structs are. `info` was read. */
static enum load_step load_run(struct load *load, struct bytes_reader *reader, struct client *client, uint8_t info,
                               uint64_t clock) {
    struct crdt_doc *doc = load->doc;
    struct placing placing = { .client = client, .kind = info & WIRE_KIND, PLACING_NOWHERE };
    struct client *other;
    bool waits = false;
    if ((info & WIRE_ORIGIN) != 0) {
        enum load_step step = load_unit(load, reader, client, clock, &other, &placing.origin_clock);
        if (step == LOAD_FAILS)
            return step;
        waits = step == LOAD_WAITS;
        placing.origin_client = waits ? CLIENT_NONE : other->index;
    }
    if ((info & WIRE_RIGHT_ORIGIN) != 0) {
        enum load_step step = load_unit(load, reader, client, clock, &other, &placing.right_origin_clock);
        if (step == LOAD_FAILS)
            return step;
        waits |= step == LOAD_WAITS;
        placing.right_origin_client = waits ? CLIENT_NONE : other->index;
    }
    if (!varint_take(reader, &placing.length))
        return LOAD_FAILS;
    if (placing.kind == CONTENT_STRING) {
        if (placing.length > bytes_left(reader))
            return LOAD_FAILS;
        size_t units = (size_t)placing.length;
        bool step = units <= UTF_STEP && bytes_left(reader) >= UTF_STEP;
        placing.content = bytes_of(reader->at, units);
        reader->at += units;
        placing.step = step && utf_step_is_ascii(placing.content.data, units);
        if (!placing.step && !utf_check(placing.content, &units))
            return LOAD_FAILS;
        placing.length = units;
        placing.ascii = units == placing.content.size;
    }
    if (waits)
        return LOAD_WAITS;
    if (placing.length == 0 || clock + placing.length > UINT32_MAX)
        return LOAD_FAILS;
    bool deleted = placing.kind == CONTENT_DELETED;
    size_t items = 1 + content_more_items(placing.kind, placing.length, placing.content.size) +
                   2 * doc_split_items_max(doc, !placing.ascii && !deleted);
    enum load_step step = load_reserve(load, client, items, placing.ascii || deleted ? 0 : items,
                                       placing.ascii ? placing.content.size : 0, placing.ascii ? 0 : placing.content.size, items);
    if (step != LOAD_DONE)
        return step;
    if (placing.origin_client != CLIENT_NONE)
        placing.left = doc_split_after(doc, placing.origin_client, placing.origin_clock);
    if (placing.right_origin_client != CLIENT_NONE)
        placing.right = doc_find_right(doc, placing.left, placing.right_origin_client, placing.right_origin_clock);
    doc_find_parent(doc, NULL, &placing);
    doc_place(doc, &placing);
    return LOAD_DONE;
}

static bool load_known(struct load *load, const struct client *own, bool named, struct id id) {
    const struct client *client = named && id.client != own->id ? doc_client(load->doc, id.client) : own;
    return client != NULL && (client == own || id.clock < client->state);
}

/* Any struct. */
static enum load_step load_any(struct load *load, struct bytes_reader *reader, struct client *client, uint64_t clock) {
    struct crdt_doc *doc = load->doc;
    struct wire_struct structure;
    if (wire_struct_read(reader, client->id, clock, true, &structure) != STATUS_OK || structure.length == 0 ||
        structure.kind == CONTENT_SKIP || structure.length > UINT32_MAX - clock)
        return LOAD_FAILS;
    if (!load_known(load, client, (structure.info & WIRE_ORIGIN) != 0, structure.origin) ||
        !load_known(load, client, (structure.info & WIRE_RIGHT_ORIGIN) != 0, structure.right_origin) ||
        !load_known(load, client, structure.parent == WIRE_PARENT_ITEM, structure.parent_item))
        return LOAD_WAITS;
    bool ascii = structure.kind == CONTENT_STRING && structure.content.size == structure.length;
    bool bare = structure.kind == CONTENT_GC || structure.kind == CONTENT_DELETED;
    bool keyed = (structure.info & WIRE_KEY) != 0 && structure.parent != WIRE_PARENT_INHERITED;
    size_t items =
        1 + content_more_items(structure.kind, structure.length, structure.content.size) + 2 * doc_split_items_max(doc, true);
    size_t names = keyed ? structure.key.size : 0;
    names += structure.parent == WIRE_PARENT_ROOT ? structure.root_name.size : 0;
    size_t types = (structure.kind == CONTENT_TYPE) + (structure.parent == WIRE_PARENT_ROOT);
    enum load_step step = load_reserve(load, client, items, ascii || bare ? 0 : items, ascii ? structure.content.size : 0,
                                       ascii ? 0 : structure.content.size, items + 1);
    if (step != LOAD_DONE || types_reserve(&doc->types, &doc->mem, types, keyed, names) != STATUS_OK)
        return LOAD_FAILS;
    doc_integrate(doc, client, clock, &structure);
    return LOAD_DONE;
}

/* As many structs of a block as can be integrated. */
static enum load_step load_go_on(struct load *load, struct load_block *block) {
    struct client *client = block->client;
    while (block->structs > 0) {
        struct bytes_reader reader = block->reader;
        if (reader.at == reader.end)
            return LOAD_FAILS;
        uint8_t info = *reader.at;
        uint8_t kind = info & WIRE_KIND;
        bool usual = (kind == CONTENT_STRING || kind == CONTENT_DELETED) && (info & (WIRE_ORIGIN | WIRE_RIGHT_ORIGIN)) != 0;
        reader.at += usual;
        enum load_step step =
            usual ? load_run(load, &reader, client, info, block->clock) : load_any(load, &reader, client, block->clock);
        if (step != LOAD_DONE)
            return step;
        block->clock = client->state;
        block->reader = reader;
        block->structs--;
    }
    return LOAD_DONE;
}

/* Remembers what is left of a block, and finds its end. */
static bool load_put_off(struct load *load, struct load_block *block, struct bytes_reader *out_end) {
    struct crdt_doc *doc = load->doc;
    if (load->block_count == load->block_capacity) {
        size_t capacity = load->block_capacity * 2 + 4;
        struct load_block *blocks =
            mem_resize(&doc->mem, load->blocks, load->block_capacity * sizeof *blocks, capacity * sizeof *blocks);
        if (blocks == NULL)
            return false;
        load->blocks = blocks;
        load->block_capacity = capacity;
    }
    load->blocks[load->block_count++] = *block;
    uint64_t clock = block->clock;
    for (uint64_t left = block->structs; left > 0; left--) {
        struct wire_struct structure;
        if (wire_struct_read(&block->reader, block->client->id, clock, true, &structure) != STATUS_OK)
            return false;
        clock += structure.length;
    }
    *out_end = block->reader;
    return true;
}

static bool load_structs(struct load *load, struct bytes_reader *reader) {
    struct crdt_doc *doc = load->doc;
    uint64_t clients;
    if (!varint_take(reader, &clients))
        return false;
    for (; clients > 0; clients--) {
        struct load_block block;
        uint64_t id;
        if (!varint_take(reader, &block.structs) || !varint_take(reader, &id) || !varint_take(reader, &block.clock) ||
            block.clock != 0 || doc_client_make(doc, id, &block.client) != STATUS_OK || block.client->state != 0 ||
            block.client->missing != CLIENT_NOT_MISSING || block.client->plan == doc->plan) /* a second block of his */
            return false;
        block.client->plan = doc->plan;
        block.reader = *reader;
        enum load_step step = load_go_on(load, &block);
        *reader = block.reader;
        if (step == LOAD_FAILS || (step == LOAD_WAITS && !load_put_off(load, &block, reader)))
            return false;
    }
    for (size_t left = load->block_count; left > 0;) {
        size_t still = 0;
        bool moved = false;
        for (size_t i = 0; i < left; i++) {
            uint64_t structs_before = load->blocks[i].structs;
            enum load_step step = load_go_on(load, &load->blocks[i]);
            if (step == LOAD_FAILS)
                return false;
            moved |= load->blocks[i].structs < structs_before;
            if (step == LOAD_WAITS)
                load->blocks[still++] = load->blocks[i];
        }
        if (!moved)
            return false;
        left = still;
    }
    return true;
}

/* Most of a delete set is deleted already, as structs: nothing is to be done, and only the chunks of clocks are walked along. */
static bool load_delete(struct load *load, struct client *client, struct run_place *place, uint64_t clock, uint64_t length) {
    struct crdt_doc *doc = load->doc;
    uint64_t end = clock + length;
    load->range_units += length;
    if (place->chunk == NULL || run_clock(place->chunk, place->at) > clock)
        *place = client_find(client, clock);
    for (struct run_place next = *place; run_place_next(&next) && run_clock(next.chunk, next.at) <= clock;)
        *place = next;
    for (struct run_place at = *place;;) {
        const struct item *item = doc_item(doc, run_place_item(at));
        if ((item->flags & ITEM_DELETED) == 0)
            break;
        if (item_end(doc, item) >= end)
            return true;
        run_place_next(&at);
    }
    size_t items = 2 * doc_split_items_max(doc, false);
    if (load_reserve(load, client, items, 0, 0, 0, (size_t)(length > doc->runs ? doc->runs : length) + items) != LOAD_DONE)
        return false;
    load->range_deleted += txn_delete_range(&doc->txn, client, clock, end);
    place->chunk = NULL;
    return true;
}

static bool load_deletes(struct load *load, struct bytes_reader *reader) {
    uint64_t clients;
    if (!varint_take(reader, &clients))
        return false;
    for (; clients > 0; clients--) {
        uint64_t id;
        uint64_t ranges;
        if (!varint_take(reader, &id) || !varint_take(reader, &ranges))
            return false;
        struct client *client = doc_client(load->doc, id);
        struct run_place place = { NULL, 0 };
        for (; ranges > 0; ranges--) {
            uint64_t clock;
            uint64_t length;
            if (!varint_take(reader, &clock) || !varint_take(reader, &length) || client == NULL || length == 0 ||
                clock > client->state || length > client->state - clock || !load_delete(load, client, &place, clock, length))
                return false;
        }
    }
    return true;
}

/* The document is as it was: empty, but for the roots and clients that were asked for. */
static void load_undo(struct crdt_doc *doc) {
    struct crdt_txn *txn = &doc->txn;
    for (uint32_t i = 0; i < doc->client_count; i++)
        client_empty(doc->clients[i], &doc->mem);
    for (uint32_t i = 0; i < doc->types.count; i++)
        if (doc->types.all[i] != NULL)
            types_empty(&doc->types, doc->types.all[i]);
    items_finish(&doc->items, &doc->mem);
    doc->runs = 0;
    doc->clients_with_units = 0;
    doc->has_pairs = false;
    doc->compact = NULL;
    doc_typing_end(doc);
    while (txn->touched != NULL) {
        struct client *client = txn->touched;
        txn->touched = client->txn_next;
        client->txn_touched = false;
        client->txn_next = NULL;
    }
    txn->work = NULL;
    txn->deleted_count = 0;
    txn->uncollected = false;
    txn->units_added = 0;
    txn->units_deleted = 0;
}

bool doc_load(struct crdt_doc *doc, struct bytes update, struct crdt_update_result *out) {
    struct crdt_txn *txn = &doc->txn;
    if (doc->runs > 0 || doc->seldom->pending.count > 0 || doc->seldom->pending.delete_count > 0 || doc->seldom->pending.wake ||
        doc->conflict_steps_max > 0 || doc->conflict_stop != UINT64_MAX)
        return false;
    struct load load = { .doc = doc };
    doc->plan++;
    struct bytes_reader reader = bytes_reader(update);
    uint64_t steps_before = doc->conflict_steps;
    bool done = load_structs(&load, &reader) && load_deletes(&load, &reader) && doc->runs > 0;
    mem_free(&doc->mem, load.blocks, load.block_capacity * sizeof *load.blocks);
    doc_sort_clients(doc);
    if (!done) {
        load_undo(doc);
        return false;
    }
    /* Most documents that are loaded are only read or relayed: nothing is kept for edits to come. */
    for (uint32_t i = 0; i < doc->client_count; i++) {
        client_trim(doc->clients[i], &doc->mem);
        client_pack(doc->clients[i], &doc->mem);
    }
    run_spares_trim(&doc->spares, &doc->mem, 0);
    items_trim(&doc->items, &doc->mem, 0);
    *out = (struct crdt_update_result){ .units_new = txn->units_added,
                                        .units_deleted = txn->units_deleted,
                                        .verbatim = bytes_left(&reader) == 0 && load.range_deleted == load.range_units,
                                        .conflict_steps = doc->conflict_steps - steps_before };
    return true;
}
