/* encode.c — updates and state vectors out.
 *
 * Blocks and deletions are written with clients descending, as Yjs writes them. A block that begins inside a run gives the first
 * struct the unit before as origin. Pending parts follow the integrated ones of their client; what lies between is a Skip. */
#include "crdt/update.h"
#include "sort.h"
#include "store.h"

/* The runs of a client from a clock on, as structs; answers how many. */
static uint64_t encode_run_count(struct client *client, uint64_t from) {
    return from >= client->state ? 0 : client_runs_from(client_find(client, from));
}

/* ---- writing without looking for room at each byte ---- */

static inline uint8_t *put_number(uint8_t *at, uint64_t value) {
    for (; value >= 0x80; value >>= 7)
        *at++ = (uint8_t)(value | 0x80);
    *at++ = (uint8_t)value;
    return at;
}

static inline uint8_t *put_unit(uint8_t *at, const struct client *client, uint64_t clock) {
    memcpy(at, &client->id_word, sizeof client->id_word);
    return put_number(at + client->id_bytes, clock);
}

enum {
    PUT_BYTES_MAX = 96
}; /* a struct without its content, two ids of 8 + 8 bytes; and what put_unit and put_text write too much */

/* Short texts are copied in one step of 32 bytes, if that many stand there. */
static inline uint8_t *put_text(uint8_t *at, const struct client *client, const struct item *item) {
    const uint8_t *text = client->ascii + item->content;
    enum { STEP = 32 };
    if (item->length <= STEP && client->ascii_capacity - item->content >= STEP)
        memcpy(at, text, STEP);
    else
        memcpy(at, text, item->length);
    return at + item->length;
}

/* A run of ASCII text, a grave or GC; most are. */
static inline bool put_knows(const struct item *item) {
    if (item->kind == CONTENT_GC)
        return true;
    return (item->flags & ITEM_ASCII) != 0 || item->kind == CONTENT_DELETED;
}

/* Such a run from unit `offset` on, which has an origin or right origin. */
INLINED uint8_t *put_run(uint8_t *at, const struct crdt_doc *doc, const struct client *client, const struct item *item,
                         uint64_t offset) {
    uint64_t length = item_length(doc, item) - offset;
    uint8_t *info = at++;
    *info = item->kind;
    if (item->kind == CONTENT_GC)
        return put_number(at, length);
    if (offset > 0) {
        *info |= WIRE_ORIGIN;
        at = put_unit(at, client, item_clock(doc, item) + offset - 1);
    } else if (item->origin_client != CLIENT_NONE) {
        *info |= WIRE_ORIGIN;
        at = put_unit(at, doc->clients[item->origin_client], item_origin_clock(doc, item));
    }
    if (item->right_origin_client != CLIENT_NONE) {
        *info |= WIRE_RIGHT_ORIGIN;
        at = put_unit(at, doc->clients[item->right_origin_client], item_right_origin_clock(doc, item));
    }
    if (item->tag == PLACE_ENTRY)
        *info |= WIRE_KEY;
    at = put_number(at, length);
    if (item->kind == CONTENT_DELETED)
        return at;
    if (offset > 0) {
        memcpy(at, client->ascii + item->content + offset, length);
        return at + length;
    }
    return put_text(at, client, item);
}

INLINED void encode_run(const struct crdt_doc *doc, const struct client *client, const struct item *item, uint64_t offset,
                        struct bytes_writer *out) {
    size_t room = PUT_BYTES_MAX + ((item->flags & ITEM_ASCII) != 0 ? item->length : 0);
    bool placed = offset > 0 || item->origin_client != CLIENT_NONE || item->right_origin_client != CLIENT_NONE;
    if (put_knows(item) && (placed || item->kind == CONTENT_GC) && out->size <= out->size_max &&
        out->size_max - out->size >= room) {
        uint8_t *at = out->capacity - out->size >= room ? out->data + out->size : bytes_writer_reserve(out, room);
        if (at != NULL)
            out->size = (size_t)(put_run(at, doc, client, item, offset) - out->data);
        return;
    }
    struct wire_struct structure;
    doc_item_wire(doc, item, &structure);
    uint64_t clock = item_clock(doc, item);
    if (offset > 0 && clock == client->bytes_run && clock + offset == client->bytes_clock && client->txn_touched &&
        content_splits(item->kind) && (item->flags & ITEM_DELETED) == 0) {
        /* What a run grew by in this transaction: where that begins need not be searched. */
        structure.info |= WIRE_ORIGIN;
        structure.origin = (struct id){ client->id, clock + offset - 1 };
        structure.content = bytes_of(structure.content.data + client->bytes_before, structure.content.size - client->bytes_before);
        structure.length -= offset;
        clock += offset;
        offset = 0;
    }
    wire_struct_write(out, &structure, client->id, clock, offset);
}

static void encode_runs(const struct crdt_doc *doc, struct client *client, uint64_t from, struct bytes_writer *out) {
    if (from >= client->state || out->status != STATUS_OK)
        return;
    struct run_place place = client_find(client, from);
    encode_run(doc, client, doc_item(doc, run_place_item(place)), from - run_clock(place.chunk, place.at), out);
    while (run_place_next(&place) && out->status == STATUS_OK)
        encode_run(doc, client, doc_item(doc, run_place_item(place)), 0, out);
}

/* The usual transaction: units of one client in its last run, ASCII text, or a deleted range, or both. False: it is another, or
 * there is no memory; nothing was written. */
static bool encode_txn_quick(const struct crdt_doc *doc, struct bytes_writer *out) {
    const struct crdt_txn *txn = &doc->txn;
    const struct client *client = txn->touched;
    const struct item *item = NULL;
    if (txn->deleted_count > 1 || (client != NULL && client->txn_next != NULL))
        return false;
    size_t room = 2 * PUT_BYTES_MAX;
    uint64_t offset = 0;
    if (client != NULL) {
        const struct run_chunk *last = client->last;
        uint64_t clock = run_clock(last, last->count - 1);
        item = doc_item(doc, last->clocks[last->capacity + last->count - 1]);
        offset = client->txn_from - clock;
        if (client->txn_from < clock || (item->flags & ITEM_ASCII) == 0 ||
            (offset == 0 && item->origin_client == CLIENT_NONE && item->right_origin_client == CLIENT_NONE))
            return false;
        room += item->length - (size_t)offset;
    }
    if (out->size_max - out->size < room)
        return false;
    uint8_t *at = out->capacity - out->size >= room ? out->data + out->size : bytes_writer_reserve(out, room);
    if (at == NULL)
        return false;
    *at++ = client != NULL;
    if (client != NULL) {
        *at++ = 1;
        at = put_unit(at, client, client->txn_from);
        at = put_run(at, doc, client, item, offset);
    }
    *at++ = (uint8_t)txn->deleted_count;
    if (txn->deleted_count > 0) {
        const struct unit_range *range = &txn->deleted[0];
        at = put_unit(at, doc->clients[range->client], 1);
        at = put_number(put_number(at, range->clock), range->length);
    }
    out->size = (size_t)(at - out->data);
    return true;
}

/* ---- delete sets ---- */

void ranges_encode(struct bytes_writer *out, const struct id_range *ranges, size_t count) {
    size_t clients = 0;
    for (size_t i = 0; i < count; i++)
        clients += i == 0 || ranges[i].client != ranges[i - 1].client;
    varint_write(out, clients);
    for (size_t i = 0; i < count;) {
        size_t end = i;
        while (end < count && ranges[end].client == ranges[i].client)
            end++;
        varint_write(out, ranges[i].client);
        varint_write(out, end - i);
        for (; i < end; i++) {
            varint_write(out, ranges[i].clock);
            varint_write(out, ranges[i].length);
        }
    }
}

static bool touched_before(const void *left, const void *right) {
    const struct client *const *a = left;
    const struct client *const *b = right;
    return (*a)->id > (*b)->id;
}

static enum status encode_txn(const struct crdt_doc *doc, const struct id_range *ranges, size_t range_count,
                              struct bytes_writer *out) {
    enum { TOUCHED_INLINE = 8 };
    struct client *touched_inline[TOUCHED_INLINE];
    struct client **touched = touched_inline;
    size_t count = 0;
    for (const struct client *client = doc->txn.touched; client != NULL; client = client->txn_next)
        count++;
    if (count > TOUCHED_INLINE)
        touched = mem_alloc(doc->options.mem, count * sizeof *touched);
    if (touched == NULL)
        return STATUS_NO_MEMORY;
    size_t filled = 0;
    for (struct client *client = doc->txn.touched; client != NULL; client = client->txn_next)
        touched[filled++] = client;
    sort(touched, count, sizeof *touched, touched_before);
    varint_write(out, count);
    for (size_t i = 0; i < count; i++) {
        struct client *client = touched[i];
        varint_write(out, encode_run_count(client, client->txn_from));
        varint_write(out, client->id);
        varint_write(out, client->txn_from);
        encode_runs(doc, client, client->txn_from, out);
    }
    ranges_encode(out, ranges, range_count);
    if (touched != touched_inline)
        mem_free(doc->options.mem, touched, count * sizeof *touched);
    return out->status;
}

enum status doc_write_txn(const struct crdt_doc *doc, struct bytes_writer *update) {
    enum { RANGES_INLINE = 8 };
    const struct crdt_txn *txn = &doc->txn;
    struct id_range ranges_inline[RANGES_INLINE];
    struct id_range *ranges = ranges_inline;
    size_t count = txn->deleted_count;
    if (update->status != STATUS_OK || encode_txn_quick(doc, update))
        return update->status;
    if (count > RANGES_INLINE)
        ranges = mem_alloc(doc->options.mem, count * sizeof *ranges);
    if (ranges == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const struct unit_range *range = &txn->deleted[i];
        ranges[i] = (struct id_range){ doc->clients[range->client]->id, range->clock, range->length };
    }
    size_t size_before = update->size;
    enum status status = encode_txn(doc, ranges, id_ranges_normalize(ranges, count), update);
    if (status != STATUS_OK)
        update->size = size_before;
    if (ranges != ranges_inline)
        mem_free(doc->options.mem, ranges, count * sizeof *ranges);
    return status;
}

/* One client's structs in a state: integrated ones from `from` on, then the pending ones. With `out` NULL they are only counted. */
struct encode_block {
    uint64_t structs;
    uint64_t clock; /* of the first */
};

static struct encode_block encode_block(const struct crdt_doc *doc, struct client *client, uint64_t from, size_t parked_at,
                                        size_t parked_end, struct bytes_writer *out) {
    struct encode_block block = { 0, from };
    uint64_t at = from;
    if (from < client->state) {
        block.structs = encode_run_count(client, from);
        if (out != NULL)
            encode_runs(doc, client, from, out);
        at = client->state;
    }
    for (size_t i = parked_at; i < parked_end; i++) {
        const struct parked *parked = doc->seldom->pending.structs[i];
        uint64_t end = parked->clock + parked->length;
        if (end <= at)
            continue;
        if (block.structs == 0) {
            block.clock = parked->clock > at ? parked->clock : at;
        } else if (parked->clock > at) {
            block.structs++;
            if (out != NULL) {
                struct wire_struct skip = { .length = parked->clock - at, .kind = CONTENT_SKIP };
                wire_struct_write(out, &skip, client->id, at, 0);
            }
        }
        block.structs++;
        if (out != NULL) {
            struct bytes_reader reader = bytes_reader(bytes_of(parked->bytes, parked->size));
            struct wire_struct structure;
            enum status status = wire_struct_read(&reader, client->id, parked->clock, false, &structure);
            assert(status == STATUS_OK);
            (void)status;
            wire_struct_write(out, &structure, client->id, parked->clock, at > parked->clock ? at - parked->clock : 0);
        }
        at = end;
    }
    return block;
}

enum status doc_deleted_ranges(const struct crdt_doc *doc, bool pending, struct id_range **out, size_t *out_count,
                               size_t *out_capacity) {
    size_t waiting = pending ? doc->seldom->pending.delete_count : 0;
    size_t count = waiting;
    *out = NULL;
    *out_count = 0;
    for (uint32_t i = 0; i < doc->client_count; i++) {
        bool in_range = false;
        for (struct run_chunk *chunk = doc->clients[i]->first; chunk != NULL; chunk = chunk->next)
            for (uint32_t at = 0; at < chunk->count; at++) {
                bool deleted = (doc_item(doc, run_items(chunk)[at])->flags & ITEM_DELETED) != 0;
                count += deleted && !in_range;
                in_range = deleted;
            }
    }
    *out_capacity = count;
    if (count == 0)
        return STATUS_OK;
    struct id_range *ranges = mem_alloc(doc->options.mem, count * sizeof *ranges);
    if (ranges == NULL)
        return STATUS_NO_MEMORY;
    size_t filled = 0;
    for (uint32_t i = 0; i < doc->client_count; i++) {
        const struct client *client = doc->sorted[i];
        bool in_range = false;
        for (struct run_chunk *chunk = client->first; chunk != NULL; chunk = chunk->next)
            for (uint32_t at = 0; at < chunk->count; at++) {
                const struct item *item = doc_item(doc, run_items(chunk)[at]);
                bool deleted = (item->flags & ITEM_DELETED) != 0;
                if (deleted && in_range)
                    ranges[filled - 1].length += item_length(doc, item);
                else if (deleted)
                    ranges[filled++] = (struct id_range){ client->id, item_clock(doc, item), item_length(doc, item) };
                in_range = deleted;
            }
    }
    if (waiting > 0)
        memcpy(ranges + filled, doc->seldom->pending.deletes, waiting * sizeof *ranges);
    *out = ranges;
    *out_count = id_ranges_normalize(ranges, count);
    return STATUS_OK;
}

void encoded_drop(struct crdt_doc *doc, struct encoded *encoded) {
    mem_free(&doc->mem, encoded->data, encoded->capacity);
    *encoded = (struct encoded){ 0 };
}

/* The deleted ranges of a client behind their count. */
static void encode_client_deletes(const struct crdt_doc *doc, const struct client *client, struct bytes_writer *out) {
    uint8_t *at =
        bytes_writer_reserve(out, 2 * sizeof client->id_word + (client->runs / 2 + 1) * 2 * (size_t)varint_size(client->state));
    if (at == NULL)
        return;
    uint8_t *ranges = put_unit(at, client, client->runs); /* room for their count */
    uint8_t *to = ranges;
    uint64_t count = 0;
    uint64_t clock = 0;
    uint64_t length = 0;
    for (struct run_chunk *chunk = client->first; chunk != NULL; chunk = chunk->next)
        for (uint32_t i = 0; i < chunk->count; i++) {
            const struct item *item = doc_item(doc, run_items(chunk)[i]);
            if ((item->flags & ITEM_DELETED) != 0) {
                clock = length == 0 ? run_clock(chunk, i) : clock;
                length += item_length(doc, item);
            } else if (length > 0) {
                to = put_number(put_number(to, clock), length);
                length = 0;
                count++;
            }
        }
    if (length > 0) {
        to = put_number(put_number(to, clock), length);
        count++;
    }
    if (count == 0)
        return;
    size_t size = (size_t)(to - ranges);
    to = put_number(at + client->id_bytes, count);
    memmove(to, ranges, size);
    out->size = (size_t)(to + size - out->data);
}

/* Makes seldom->deletes_encoded. STATUS_NO_MEMORY, STATUS_TOO_BIG. */
static enum status encode_deletes_anew(struct crdt_doc *doc) {
    struct bytes_writer out;
    bytes_writer_init(&out, &doc->mem, SIZE_MAX);
    uint64_t clients = 0;
    varint_write(&out, doc->client_count); /* room for how many have some */
    size_t begin = out.size;
    for (uint32_t i = 0; i < doc->client_count && out.status == STATUS_OK; i++) {
        size_t size_before = out.size;
        encode_client_deletes(doc, doc->sorted[i], &out);
        clients += out.size > size_before;
    }
    enum status status = out.status;
    if (status == STATUS_OK) {
        size_t size = out.size - begin;
        unsigned count_bytes = varint_size(clients);
        put_number(out.data, clients);
        memmove(out.data + count_bytes, out.data + begin, size);
        struct seldom *seldom = doc_seldom(doc);
        if (seldom == NULL) {
            bytes_writer_finish(&out);
            return STATUS_NO_MEMORY;
        }
        encoded_drop(doc, &seldom->deletes_encoded);
        size += count_bytes;
        uint8_t *data = mem_resize(&doc->mem, out.data, out.capacity, size);
        seldom->deletes_encoded = (struct encoded){ data != NULL ? data : out.data, size, data != NULL ? size : out.capacity };
        doc->deletes_known = true;
        return STATUS_OK;
    }
    bytes_writer_finish(&out);
    return status;
}

static enum status encode_deletes(const struct crdt_doc *doc, struct bytes_writer *out) {
    if (doc->seldom->pending.delete_count == 0) {
        enum status status = doc->deletes_known ? STATUS_OK : encode_deletes_anew(doc->txn.doc);
        if (status == STATUS_OK)
            bytes_write(out, bytes_of(doc->seldom->deletes_encoded.data, doc->seldom->deletes_encoded.size));
        return status;
    }
    struct id_range *ranges;
    size_t count;
    size_t capacity;
    enum status status = doc_deleted_ranges(doc, true, &ranges, &count, &capacity);
    if (status == STATUS_OK)
        ranges_encode(out, ranges, count);
    mem_free(doc->options.mem, ranges, capacity * sizeof *ranges);
    return status;
}

/* ---- states ---- */

/* Whoever has something pending is a client with a number too. `known`: the peer's clock by client number; NULL: it has nothing. */
static uint64_t encode_blocks(const struct crdt_doc *doc, const uint64_t *known, struct bytes_writer *out) {
    uint64_t blocks = 0;
    size_t parked = 0;
    const struct pending *pending = &doc->seldom->pending;
    for (uint32_t i = 0; i < doc->client_count; i++) {
        struct client *client = doc->sorted[i];
        size_t parked_end = parked;
        while (parked_end < pending->count && pending->structs[parked_end]->client == client->id)
            parked_end++;
        uint64_t from = known == NULL ? 0 : known[client->index];
        struct encode_block block = encode_block(doc, client, from, parked, parked_end, NULL);
        if (block.structs > 0) {
            blocks++;
            if (out != NULL) {
                varint_write(out, block.structs);
                varint_write(out, client->id);
                varint_write(out, block.clock);
                encode_block(doc, client, from, parked, parked_end, out);
            }
        }
        parked = parked_end;
    }
    return blocks;
}

static enum status encode_state(const struct crdt_doc *doc, const uint64_t *known, struct bytes_writer *out) {
    size_t size_before = out->size;
    varint_write(out, encode_blocks(doc, known, NULL));
    encode_blocks(doc, known, out);
    enum status status = encode_deletes(doc, out);
    if (status == STATUS_OK)
        status = out->status;
    if (status != STATUS_OK)
        out->size = size_before;
    return status;
}

/* Who asks twice without a change between is likely to ask again: then the bytes are kept. Without memory they are not. */
static void encode_keep(struct crdt_doc *doc, struct bytes state) {
    if (doc->seldom->version_encoded == doc->version && !doc->txn.open) {
        encoded_drop(doc, &doc->seldom->state_encoded);
        uint8_t *data = mem_alloc(&doc->mem, state.size);
        if (data == NULL)
            return;
        memcpy(data, state.data, state.size);
        doc->seldom->state_encoded = (struct encoded){ data, state.size, state.size };
        doc->untidy = true; /* the next transaction drops it */
    }
    doc->seldom->version_encoded = doc->version;
}

enum status crdt_update_encode(const struct crdt_doc *doc, struct bytes_writer *out) {
    if (out->status != STATUS_OK)
        return out->status;
    size_t size_before = out->size;
    if (doc->seldom->state_encoded.data != NULL && doc->seldom->version_encoded == doc->version && !doc->txn.open) {
        bytes_write(out, bytes_of(doc->seldom->state_encoded.data, doc->seldom->state_encoded.size));
        return out->status;
    }
    enum status status = encode_state(doc, NULL, out);
    if (status == STATUS_OK && !doc->txn.open)
        encode_keep(doc->txn.doc, bytes_of(out->data + size_before, out->size - size_before));
    return status;
}

/* One (client, clock) after the other; `reader` stands behind the count. */
static enum status state_vector_next(struct bytes_reader *reader, uint64_t *client, uint64_t *clock) {
    enum status status = varint_read(reader, client);
    return status != STATUS_OK ? status : varint_read(reader, clock);
}

static enum status state_vector_check(struct bytes state_vector) {
    struct bytes_reader reader = bytes_reader(state_vector);
    uint64_t count;
    enum status status = varint_read(&reader, &count);
    for (uint64_t i = 0; status == STATUS_OK && i < count; i++) {
        uint64_t client;
        uint64_t clock;
        status = state_vector_next(&reader, &client, &clock);
    }
    return status;
}

/* The peer's clock of each client number; NULL if there are no clients. */
static enum status state_vector_load(const struct crdt_doc *doc, struct bytes state_vector, uint64_t **out) {
    *out = NULL;
    enum status status = state_vector_check(state_vector);
    if (status != STATUS_OK || doc->client_count == 0)
        return status;
    uint64_t *clocks = mem_zalloc(doc->options.mem, doc->client_count * sizeof *clocks);
    if (clocks == NULL)
        return STATUS_NO_MEMORY;
    struct bytes_reader reader = bytes_reader(state_vector);
    uint64_t count = 0;
    varint_read(&reader, &count);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t id = 0;
        uint64_t clock = 0;
        state_vector_next(&reader, &id, &clock);
        const struct client *client = doc_client_find(doc, id);
        if (client != NULL)
            clocks[client->index] = clock;
    }
    *out = clocks;
    return STATUS_OK;
}

enum status crdt_update_encode_diff(const struct crdt_doc *doc, struct bytes state_vector, struct bytes_writer *out) {
    if (out->status != STATUS_OK)
        return out->status;
    uint64_t *clocks;
    enum status status = state_vector_load(doc, state_vector, &clocks);
    if (status != STATUS_OK)
        return status;
    status = encode_state(doc, clocks, out);
    mem_free(doc->options.mem, clocks, doc->client_count * sizeof *clocks);
    return status;
}

enum status crdt_state_vector_encode(const struct crdt_doc *doc, struct bytes_writer *out) {
    if (out->status != STATUS_OK)
        return out->status;
    size_t size_before = out->size;
    varint_write(out, doc->clients_with_units);
    for (uint32_t i = 0; i < doc->client_count; i++)
        if (doc->sorted[i]->state > 0) {
            varint_write(out, doc->sorted[i]->id);
            varint_write(out, doc->sorted[i]->state);
        }
    if (out->status != STATUS_OK)
        out->size = size_before;
    return out->status;
}

enum status crdt_state_vector_compare(const struct crdt_doc *doc, struct bytes state_vector, bool *peer_misses, bool *doc_misses) {
    uint64_t *clocks;
    enum status status = state_vector_load(doc, state_vector, &clocks);
    if (status != STATUS_OK)
        return status;
    *peer_misses = false;
    *doc_misses = false;
    for (uint32_t i = 0; i < doc->client_count; i++) {
        *peer_misses |= clocks[i] < doc->clients[i]->state;
        *doc_misses |= clocks[i] > doc->clients[i]->state;
    }
    struct bytes_reader reader = bytes_reader(state_vector);
    uint64_t count = 0;
    varint_read(&reader, &count);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t id = 0;
        uint64_t clock = 0;
        state_vector_next(&reader, &id, &clock);
        *doc_misses |= clock > 0 && doc_client_find(doc, id) == NULL;
    }
    mem_free(doc->options.mem, clocks, doc->client_count * sizeof *clocks);
    return STATUS_OK;
}
