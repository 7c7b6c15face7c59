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

static void encode_runs(const struct crdt_doc *doc, struct client *client, uint64_t from, struct bytes_writer *out) {
    if (from >= client->state)
        return;
    struct run_place place = client_find(client, from);
    do {
        const struct item *item = doc_item(doc, run_place_item(place));
        struct wire_struct structure;
        doc_item_wire(doc, item, &structure);
        wire_struct_write(out, &structure, client->id, item_clock(doc, item), from > item_clock(doc, item) ? from - item_clock(doc, item) : 0);
    } while (run_place_next(&place));
}

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

enum status doc_encode_txn(const struct crdt_doc *doc, const struct id_range *ranges, size_t range_count,
                           struct bytes_writer *out) {
    enum { TOUCHED_INLINE = 8 };
    struct client *touched_inline[TOUCHED_INLINE];
    struct client **touched = touched_inline;
    size_t count = 0;
    for (const struct client *client = doc->txn.touched; client != NULL; client = client->txn_next)
        count++;
    if (count > TOUCHED_INLINE)
        touched = mem_alloc(doc->mem_outer, count * sizeof *touched);
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
        mem_free(doc->mem_outer, touched, count * sizeof *touched);
    return out->status;
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
        const struct parked *parked = doc->pending.structs[i];
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
    size_t waiting = pending ? doc->pending.delete_count : 0;
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
    struct id_range *ranges = mem_alloc(doc->mem_outer, count * sizeof *ranges);
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
        memcpy(ranges + filled, doc->pending.deletes, waiting * sizeof *ranges);
    *out = ranges;
    *out_count = id_ranges_normalize(ranges, count);
    return STATUS_OK;
}

static enum status encode_deletes(const struct crdt_doc *doc, struct bytes_writer *out) {
    struct id_range *ranges;
    size_t count;
    size_t capacity;
    enum status status = doc_deleted_ranges(doc, true, &ranges, &count, &capacity);
    if (status == STATUS_OK)
        ranges_encode(out, ranges, count);
    mem_free(doc->mem_outer, ranges, capacity * sizeof *ranges);
    return status;
}

/* Whoever has something pending is a client with a number too. `known`: the peer's clock by client number; NULL: it has nothing. */
static uint64_t encode_blocks(const struct crdt_doc *doc, const uint64_t *known, struct bytes_writer *out) {
    uint64_t blocks = 0;
    size_t parked = 0;
    const struct pending *pending = &doc->pending;
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

enum status crdt_update_encode(const struct crdt_doc *doc, struct bytes_writer *out) {
    if (out->status != STATUS_OK)
        return out->status;
    return encode_state(doc, NULL, out);
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
    uint64_t *clocks = mem_zalloc(doc->mem_outer, doc->client_count * sizeof *clocks);
    if (clocks == NULL)
        return STATUS_NO_MEMORY;
    struct bytes_reader reader = bytes_reader(state_vector);
    uint64_t count = 0;
    varint_read(&reader, &count);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t id = 0;
        uint64_t clock = 0;
        state_vector_next(&reader, &id, &clock);
        const struct client *client = table_get(&doc->clients_by_id, id);
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
    mem_free(doc->mem_outer, clocks, doc->client_count * sizeof *clocks);
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
        *doc_misses |= clock > 0 && table_get(&doc->clients_by_id, id) == NULL;
    }
    mem_free(doc->mem_outer, clocks, doc->client_count * sizeof *clocks);
    return STATUS_OK;
}
