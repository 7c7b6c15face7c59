/* snapshot.c — a unit is visible in a snapshot if its clock is below the state vector's and no range of the delete set holds it. */
#include "crdt/snapshot.h"

#include "crdt/update.h"
#include "store.h"
#include "v2.h"
#include "value_read.h"

struct snapshot {
    const struct mem *mem;
    struct id_range *deleted; /* normalized */
    size_t deleted_count;
    size_t deleted_capacity;
    struct id_range *known; /* by client descending: clock 0, length units */
    size_t known_count;
    size_t known_capacity;
};

static void snapshot_close(struct snapshot *snapshot) {
    mem_free(snapshot->mem, snapshot->deleted, snapshot->deleted_capacity * sizeof *snapshot->deleted);
    mem_free(snapshot->mem, snapshot->known, snapshot->known_capacity * sizeof *snapshot->known);
}

static enum status snapshot_add(const struct mem *mem, struct id_range **ranges, size_t *count, size_t *capacity,
                                struct id_range range) {
    if (range.length == 0)
        return STATUS_OK;
    if (*count == *capacity) {
        size_t grown = *capacity == 0 ? 8 : *capacity * 2;
        struct id_range *more = mem_resize(mem, *ranges, *capacity * sizeof *more, grown * sizeof *more);
        if (more == NULL)
            return STATUS_NO_MEMORY;
        *ranges = more;
        *capacity = grown;
    }
    (*ranges)[(*count)++] = range;
    return STATUS_OK;
}

static enum status snapshot_read_range(struct bytes_reader *reader, enum crdt_format format, uint64_t *clock, uint64_t *length) {
    uint64_t first;
    if (varint_read(reader, &first) != STATUS_OK || varint_read(reader, length) != STATUS_OK)
        return STATUS_MALFORMED;
    if (format == CRDT_V2) {
        if (first > VARINT_MAX - *clock || *length == VARINT_MAX)
            return STATUS_MALFORMED;
        first += *clock;
        (*length)++;
    }
    *clock = first;
    return *length > VARINT_MAX - first ? STATUS_MALFORMED : STATUS_OK;
}

static enum status snapshot_read_deletes(struct bytes_reader *reader, enum crdt_format format, struct snapshot *out) {
    uint64_t clients;
    if (varint_read(reader, &clients) != STATUS_OK)
        return STATUS_MALFORMED;
    for (; clients > 0; clients--) {
        uint64_t client;
        uint64_t ranges;
        if (varint_read(reader, &client) != STATUS_OK || varint_read(reader, &ranges) != STATUS_OK)
            return STATUS_MALFORMED;
        for (uint64_t clock = 0; ranges > 0; ranges--) {
            uint64_t length;
            enum status status = snapshot_read_range(reader, format, &clock, &length);
            if (status == STATUS_OK)
                status = snapshot_add(out->mem, &out->deleted, &out->deleted_count, &out->deleted_capacity,
                                      (struct id_range){ client, clock, length });
            if (status != STATUS_OK)
                return status;
            clock += length; /* v2 counts from here */
        }
    }
    out->deleted_count = id_ranges_normalize(out->deleted, out->deleted_count);
    return STATUS_OK;
}

/* To be closed in any case. */
static enum status snapshot_open(const struct mem *mem, enum crdt_format format, struct bytes bytes, struct snapshot *out) {
    struct bytes_reader reader = bytes_reader(bytes);
    uint64_t clients;
    *out = (struct snapshot){ .mem = mem };
    enum status status = snapshot_read_deletes(&reader, format, out);
    if (status == STATUS_OK)
        status = varint_read(&reader, &clients);
    for (; status == STATUS_OK && clients > 0; clients--) {
        struct id_range range = { .clock = 0 };
        if (varint_read(&reader, &range.client) != STATUS_OK || varint_read(&reader, &range.length) != STATUS_OK)
            return STATUS_MALFORMED;
        status = snapshot_add(mem, &out->known, &out->known_count, &out->known_capacity, range);
    }
    out->known_count = id_ranges_normalize(out->known, out->known_count);
    return status;
}

static bool ranges_equal(const struct id_range *a, size_t a_count, const struct id_range *b, size_t b_count) {
    if (a_count != b_count)
        return false;
    for (size_t i = 0; i < a_count; i++)
        if (a[i].client != b[i].client || a[i].clock != b[i].clock || a[i].length != b[i].length)
            return false;
    return true;
}

enum status crdt_snapshot_equal(enum crdt_format format, struct bytes a, struct bytes b, bool *out) {
    struct snapshot left;
    struct snapshot right;
    enum status status = snapshot_open(&mem_default, format, a, &left);
    enum status other = snapshot_open(&mem_default, format, b, &right);
    status = status == STATUS_OK ? other : status;
    if (status == STATUS_OK)
        *out = ranges_equal(left.deleted, left.deleted_count, right.deleted, right.deleted_count) &&
               ranges_equal(left.known, left.known_count, right.known, right.known_count);
    snapshot_close(&left);
    snapshot_close(&right);
    return status;
}

enum status crdt_snapshot_encode(const struct crdt_doc *doc, enum crdt_format format, struct bytes_writer *out) {
    if (out->status != STATUS_OK)
        return out->status;
    size_t size_before = out->size;
    struct id_range *ranges;
    size_t count;
    size_t capacity;
    enum status status = doc_deleted_ranges(doc, false, &ranges, &count, &capacity);
    if (status != STATUS_OK)
        return status;
    if (format == CRDT_V2)
        v2_write_ranges(out, ranges, count);
    else
        ranges_encode(out, ranges, count);
    mem_free(doc->options.mem, ranges, capacity * sizeof *ranges);
    status = crdt_state_vector_encode(doc, out);
    if (status != STATUS_OK)
        out->size = size_before;
    return status;
}

/* ---- what a snapshot shows ---- */

static enum status snapshot_fits(const struct crdt_doc *doc, const struct snapshot *snapshot) {
    if (doc->options.gc)
        return STATUS_CONFLICT;
    assert(snapshot->known != NULL || snapshot->known_count == 0);
    for (size_t i = 0; i < snapshot->known_count; i++) {
        const struct client *client = doc_client_find(doc, snapshot->known[i].client);
        if (client == NULL || client->state < snapshot->known[i].length)
            return STATUS_NOT_FOUND;
    }
    return STATUS_OK;
}

/* The units [0, end) of a client as structs; answers how many. Half a surrogate pair at the end becomes a struct of its own. */
static uint64_t restore_client(const struct crdt_doc *doc, struct client *client, uint64_t end, struct bytes_writer *out) {
    uint64_t structs = 0;
    struct run_place place = client_find(client, 0);
    for (bool more = end > 0; more; more = run_place_next(&place)) {
        const struct item *item = doc_item(doc, run_place_item(place));
        struct wire_struct structure;
        if (item_clock(doc, item) >= end)
            break;
        doc_item_wire(doc, item, &structure);
        bool inside_pair = false;
        if (item_end(doc, item) > end) {
            structure.length = end - item_clock(doc, item);
            if (content_splits(structure.kind) && structure.kind != CONTENT_DELETED)
                structure.content.size = content_offset(structure.kind, structure.content, structure.length, &inside_pair);
        }
        structure.length -= inside_pair;
        if (structure.length > 0) {
            wire_struct_write(out, &structure, client->id, item_clock(doc, item), 0);
            structs++;
        }
        if (inside_pair) {
            structure.content = bytes_of(content_half_pair, sizeof content_half_pair);
            if (structure.length > 0) {
                structure.info |= WIRE_ORIGIN;
                structure.origin = (struct id){ client->id, end - 2 };
                structure.parent = WIRE_PARENT_INHERITED;
            }
            structure.length = 1;
            wire_struct_write(out, &structure, client->id, end - 1, 0);
            structs++;
        }
    }
    return structs;
}

enum status crdt_snapshot_restore(const struct crdt_doc *doc, enum crdt_format format, struct bytes bytes,
                                  struct bytes_writer *out) {
    if (out->status != STATUS_OK)
        return out->status;
    size_t size_before = out->size;
    struct snapshot snapshot;
    struct bytes_writer block;
    bytes_writer_init(&block, doc->options.mem, out->size_max);
    enum status status = snapshot_open(doc->options.mem, format, bytes, &snapshot);
    if (status == STATUS_OK)
        status = snapshot_fits(doc, &snapshot);
    if (status == STATUS_OK)
        varint_write(out, snapshot.known_count);
    for (size_t i = 0; status == STATUS_OK && i < snapshot.known_count; i++) {
        struct client *client = doc_client_find(doc, snapshot.known[i].client);
        bytes_writer_reset(&block);
        varint_write(out, restore_client(doc, client, snapshot.known[i].length, &block));
        varint_write(out, client->id);
        varint_write(out, 0);
        bytes_write(out, bytes_written(&block));
        status = block.status != STATUS_OK ? block.status : out->status;
    }
    if (status == STATUS_OK) {
        ranges_encode(out, snapshot.deleted, snapshot.deleted_count);
        status = out->status;
    }
    if (status != STATUS_OK)
        out->size = size_before;
    bytes_writer_finish(&block);
    snapshot_close(&snapshot);
    return status;
}

/* The first range that ends behind (client, clock); ranges are by client descending, then clock. */
static size_t ranges_find(const struct id_range *ranges, size_t count, uint64_t client, uint64_t clock) {
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct id_range *range = &ranges[middle];
        if (range->client > client || (range->client == client && range->clock + range->length <= clock))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void snapshot_write_item(const struct crdt_doc *doc, const struct snapshot *snapshot, const struct item *item,
                                struct bytes_writer *out) {
    uint64_t client = doc->clients[item->client]->id;
    assert(snapshot->known != NULL || snapshot->known_count == 0);
    assert(snapshot->deleted != NULL || snapshot->deleted_count == 0);
    size_t known = ranges_find(snapshot->known, snapshot->known_count, client, item_clock(doc, item));
    if (known == snapshot->known_count || snapshot->known[known].client != client)
        return;
    uint64_t end = item_end(doc, item);
    end = end < snapshot->known[known].length ? end : snapshot->known[known].length;
    size_t at = ranges_find(snapshot->deleted, snapshot->deleted_count, client, item_clock(doc, item));
    for (uint64_t clock = item_clock(doc, item); clock < end; at++) {
        bool cut = at < snapshot->deleted_count && snapshot->deleted[at].client == client && snapshot->deleted[at].clock < end;
        uint64_t to = cut ? snapshot->deleted[at].clock : end;
        if (to > clock)
            item_write_units(doc, item, clock - item_clock(doc, item), to - item_clock(doc, item), out);
        clock = cut ? snapshot->deleted[at].clock + snapshot->deleted[at].length : end;
    }
}

enum status crdt_text_write_at(const struct crdt_doc *doc, const struct crdt_type *text, enum crdt_format format,
                               struct bytes bytes, struct bytes_writer *out) {
    if (out->status != STATUS_OK)
        return out->status;
    size_t size_before = out->size;
    struct snapshot snapshot;
    enum status status = snapshot_open(doc->options.mem, format, bytes, &snapshot);
    if (status == STATUS_OK)
        status = snapshot_fits(doc, &snapshot);
    for (uint32_t at = text->start; status == STATUS_OK && at != ITEM_NONE; at = doc_item(doc, at)->right)
        if (doc_item(doc, at)->kind == CONTENT_STRING)
            snapshot_write_item(doc, &snapshot, doc_item(doc, at), out);
    if (status == STATUS_OK)
        status = out->status;
    if (status != STATUS_OK)
        out->size = size_before;
    snapshot_close(&snapshot);
    return status;
}
