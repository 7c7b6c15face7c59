/* updates.c — functions on encoded updates: v1 inside, v2 translated at the door.
 *
 * Merging: every block of every input is a stream of structs in clock order. The streams of one client are read through a heap, the
 * one whose next struct begins first on top:
 *
 *     at = 7    heap: [5..9) [8..12) [20..21)      writes 7..9 of the first, then 9..12 of the second, Skip 12..20, 20..21
 *
 * Inputs can know different things of a unit: its content, or that it was deleted or collected. Which of them is written follows
 * Yjs: a stream is written on as long as it has no gap, whatever the others have; of those that begin at the same clock the one
 * that was written last comes first, or the first input; but GC comes before what a former one has, and the other way round. */
#include "crdt/updates.h"

#include "crdt/update.h"
#include "sort.h"
#include "store.h"
#include "v2.h"

/* A block, read struct by struct. */
struct stream {
    uint64_t client;
    uint64_t clock; /* of the head */
    uint64_t left;  /* structs behind the head */
    int64_t *turn;  /* of its input; smaller: written more recently. At first the input's number */
    struct bytes_reader reader;
    struct wire_struct head;
};

struct merge {
    const struct mem *mem;
    struct stream *streams;
    size_t stream_count;
    size_t stream_capacity;
    struct id_range *ranges;
    size_t range_count;
    size_t range_capacity;
    struct bytes_writer block; /* the structs of one client */
    uint64_t block_structs;
    uint64_t gc_length; /* adjacent GC, not written yet */
    int64_t last_turn;
};

static enum status grow(const struct mem *mem, void **array, size_t *capacity, size_t element, size_t needed) {
    if (needed <= *capacity)
        return STATUS_OK;
    size_t grown = *capacity < 4 ? 8 : *capacity * 2;
    void *block = mem_resize(mem, *array, *capacity * element, grown * element);
    if (block == NULL)
        return STATUS_NO_MEMORY;
    *array = block;
    *capacity = grown;
    return STATUS_OK;
}

/* The next struct that is none of Skip and says something; false at the end. */
static bool stream_next(struct stream *stream) {
    while (stream->left > 0) {
        stream->clock += stream->head.length;
        stream->left--;
        enum status status = wire_struct_read(&stream->reader, stream->client, stream->clock, false, &stream->head);
        assert(status == STATUS_OK);
        (void)status;
        if (stream->head.length > 0 && stream->head.kind != CONTENT_SKIP)
            return true;
    }
    return false;
}

/* Checks an update and notes its blocks and deletions. `turn`: NULL if it is not merged with others. */
static enum status merge_add(struct merge *merge, struct bytes update, int64_t *turn) {
    struct wire_walk walk;
    struct wire_struct structure;
    enum wire_step step = WIRE_STEP_BLOCK;
    enum status status = wire_walk_init(&walk, update, true);
    while (status == STATUS_OK && step != WIRE_STEP_END) {
        status = wire_walk_next(&walk, &step, &structure);
        if (status != STATUS_OK || step != WIRE_STEP_BLOCK)
            continue;
        status =
            grow(merge->mem, (void **)&merge->streams, &merge->stream_capacity, sizeof *merge->streams, merge->stream_count + 1);
        if (status != STATUS_OK)
            break;
        merge->streams[merge->stream_count++] = (struct stream){
            .client = walk.client, .clock = walk.clock, .left = walk.structs_left, .turn = turn, .reader = walk.reader
        };
    }
    for (bool found = true; status == STATUS_OK && found;) {
        struct id_range range;
        status = wire_walk_delete(&walk, &found, &range);
        if (status == STATUS_OK && found)
            status =
                grow(merge->mem, (void **)&merge->ranges, &merge->range_capacity, sizeof *merge->ranges, merge->range_count + 1);
        if (status == STATUS_OK && found)
            merge->ranges[merge->range_count++] = range;
    }
    return status;
}

static bool stream_before(const void *left, const void *right) {
    const struct stream *a = left;
    const struct stream *b = right;
    return a->client != b->client ? a->client > b->client : a->clock < b->clock;
}

static bool head_before(const struct stream *a, const struct stream *b) {
    if (a->clock != b->clock)
        return a->clock < b->clock;
    bool alike = (a->head.kind == CONTENT_GC) == (b->head.kind == CONTENT_GC);
    return alike ? *a->turn < *b->turn : *a->turn > *b->turn;
}

static void heap_sink(struct stream *heap, size_t count, size_t at) {
    for (;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++)
            if (head_before(&heap[child], &heap[least]))
                least = child;
        if (least == at)
            return;
        struct stream moved = heap[at];
        heap[at] = heap[least];
        heap[least] = moved;
        at = least;
    }
}

static void merge_write(struct merge *merge, const struct wire_struct *structure, uint64_t client, uint64_t clock,
                        uint64_t offset) {
    wire_struct_write(&merge->block, structure, client, clock, offset);
    merge->block_structs++;
}

static void merge_write_gc(struct merge *merge) {
    if (merge->gc_length > 0)
        merge_write(merge, &(struct wire_struct){ .length = merge->gc_length, .kind = CONTENT_GC }, 0, 0, 0);
    merge->gc_length = 0;
}

/* The structs of one client into merge->block; answers where they begin. */
static uint64_t merge_client(struct merge *merge, struct stream *heap, size_t count) {
    uint64_t first = 0;
    uint64_t at = 0;
    bytes_writer_reset(&merge->block);
    merge->block_structs = 0;
    for (size_t i = count; i-- > 0;)
        if (!stream_next(&heap[i]))
            heap[i] = heap[--count];
    for (size_t i = count / 2; i-- > 0;)
        heap_sink(heap, count, i);
    while (count > 0) {
        struct stream *top = &heap[0];
        uint64_t end = top->clock + top->head.length;
        bool begun = merge->block_structs > 0 || merge->gc_length > 0;
        if (!begun)
            first = at = top->clock;
        if (end > at) {
            if (top->clock > at) {
                merge_write_gc(merge);
                merge_write(merge, &(struct wire_struct){ .length = top->clock - at, .kind = CONTENT_SKIP }, 0, 0, 0);
                at = top->clock;
            }
            if (top->head.kind == CONTENT_GC) {
                merge->gc_length += end - at;
            } else {
                merge_write_gc(merge);
                merge_write(merge, &top->head, top->client, top->clock, at - top->clock);
            }
            at = end;
        }
        *top->turn = --merge->last_turn;
        if (!stream_next(top))
            *top = heap[--count];
        else if (top->clock <= at)
            continue; /* no gap */
        heap_sink(heap, count, 0);
    }
    merge_write_gc(merge);
    return first;
}

static enum status merge_out(struct merge *merge, struct bytes_writer *out) {
    struct bytes_writer blocks;
    bytes_writer_init(&blocks, merge->mem, out->size_max);
    uint64_t clients = 0;
    enum status status = STATUS_OK;
    sort(merge->streams, merge->stream_count, sizeof *merge->streams, stream_before);
    for (size_t from = 0; status == STATUS_OK && from < merge->stream_count;) {
        size_t end = from;
        uint64_t client = merge->streams[from].client;
        while (end < merge->stream_count && merge->streams[end].client == client)
            end++;
        uint64_t clock = merge_client(merge, merge->streams + from, end - from);
        if (merge->block_structs > 0) {
            clients++;
            varint_write(&blocks, merge->block_structs);
            varint_write(&blocks, client);
            varint_write(&blocks, clock);
            bytes_write(&blocks, bytes_written(&merge->block));
        }
        status = merge->block.status != STATUS_OK ? merge->block.status : blocks.status; /* the next client resets it */
        from = end;
    }
    if (status == STATUS_OK) {
        varint_write(out, clients);
        bytes_write(out, bytes_written(&blocks));
        ranges_encode(out, merge->ranges, id_ranges_normalize(merge->ranges, merge->range_count));
        status = out->status;
    }
    bytes_writer_finish(&blocks);
    return status;
}

static enum status merge_v1(const struct bytes *updates, size_t count, struct bytes_writer *out) {
    struct merge merge = { .mem = out->mem };
    int64_t *turns = mem_alloc(out->mem, (count + 1) * sizeof *turns);
    bytes_writer_init(&merge.block, out->mem, out->size_max);
    enum status status = turns == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        turns[i] = (int64_t)i;
        status = merge_add(&merge, updates[i], &turns[i]);
    }
    if (status == STATUS_OK)
        status = merge_out(&merge, out);
    bytes_writer_finish(&merge.block);
    mem_free(out->mem, turns, (count + 1) * sizeof *turns);
    mem_free(out->mem, merge.streams, merge.stream_capacity * sizeof *merge.streams);
    mem_free(out->mem, merge.ranges, merge.range_capacity * sizeof *merge.ranges);
    return status;
}

/* ---- cutting ---- */

struct known {
    uint64_t client;
    uint64_t clock;
    size_t position; /* in the state vector: the last one counts */
};

static bool known_before(const void *left, const void *right) {
    const struct known *a = left;
    const struct known *b = right;
    return a->client != b->client ? a->client < b->client : a->position < b->position;
}

static enum status known_read(const struct mem *mem, struct bytes state_vector, struct known **out, size_t *out_count,
                              size_t *out_capacity) {
    struct bytes_reader reader = bytes_reader(state_vector);
    uint64_t count;
    *out = NULL;
    *out_count = 0;
    *out_capacity = 0;
    if (varint_read(&reader, &count) != STATUS_OK)
        return STATUS_MALFORMED;
    for (uint64_t i = 0; i < count; i++) {
        struct known entry = { .position = i };
        if (varint_read(&reader, &entry.client) != STATUS_OK || varint_read(&reader, &entry.clock) != STATUS_OK)
            return STATUS_MALFORMED;
        enum status status = grow(mem, (void **)out, out_capacity, sizeof **out, *out_count + 1);
        if (status != STATUS_OK)
            return status;
        (*out)[(*out_count)++] = entry;
    }
    sort(*out, *out_count, sizeof **out, known_before);
    return STATUS_OK;
}

static uint64_t known_clock(const struct known *known, size_t count, uint64_t client) {
    size_t low = 0;
    size_t high = count; /* the first entry of a bigger client */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (known[middle].client <= client)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && known[low - 1].client == client ? known[low - 1].clock : 0;
}

/* What of the block at `stream` lies behind `from`, into `block`; answers how many structs, and where they begin. */
static uint64_t diff_block(struct stream *stream, uint64_t from, struct bytes_writer *block, uint64_t *out_clock) {
    uint64_t structs = 0;
    uint64_t clock = stream->clock;
    bytes_writer_reset(block);
    for (; stream->left > 0; stream->left--) {
        wire_struct_read(&stream->reader, stream->client, clock, false, &stream->head);
        uint64_t end = clock + stream->head.length;
        bool leading_skip = structs == 0 && stream->head.kind == CONTENT_SKIP;
        if (end > from && stream->head.length > 0 && !leading_skip) {
            uint64_t offset = from > clock ? from - clock : 0;
            if (structs++ == 0)
                *out_clock = clock + offset;
            wire_struct_write(block, &stream->head, stream->client, clock, offset);
        }
        clock = end;
    }
    return structs;
}

static enum status diff_v1(struct bytes update, struct bytes state_vector, struct bytes_writer *out) {
    struct merge merge = { .mem = out->mem };
    struct known *known = NULL;
    size_t known_count = 0;
    size_t known_capacity = 0;
    struct bytes_writer block;
    struct bytes_writer blocks;
    bytes_writer_init(&block, out->mem, out->size_max);
    bytes_writer_init(&blocks, out->mem, out->size_max);
    enum status status = merge_add(&merge, update, NULL);
    if (status == STATUS_OK)
        status = known_read(out->mem, state_vector, &known, &known_count, &known_capacity);
    uint64_t clients = 0;
    for (size_t i = 0; status == STATUS_OK && i < merge.stream_count; i++) {
        struct stream *stream = &merge.streams[i];
        uint64_t clock = 0;
        uint64_t structs = diff_block(stream, known_clock(known, known_count, stream->client), &block, &clock);
        if (structs == 0)
            continue;
        clients++;
        varint_write(&blocks, structs);
        varint_write(&blocks, stream->client);
        varint_write(&blocks, clock);
        bytes_write(&blocks, bytes_written(&block));
        status = block.status != STATUS_OK ? block.status : blocks.status;
    }
    if (status == STATUS_OK) {
        varint_write(out, clients);
        bytes_write(out, bytes_written(&blocks));
        ranges_encode(out, merge.ranges, id_ranges_normalize(merge.ranges, merge.range_count));
        status = out->status;
    }
    bytes_writer_finish(&block);
    bytes_writer_finish(&blocks);
    mem_free(out->mem, known, known_capacity * sizeof *known);
    mem_free(out->mem, merge.streams, merge.stream_capacity * sizeof *merge.streams);
    mem_free(out->mem, merge.ranges, merge.range_capacity * sizeof *merge.ranges);
    return status;
}

/* ---- what is whole from the beginning ---- */

static enum status state_vector_v1(struct bytes update, struct bytes_writer *out) {
    struct merge merge = { .mem = out->mem };
    enum status status = merge_add(&merge, update, NULL);
    struct bytes_writer entries;
    bytes_writer_init(&entries, out->mem, out->size_max);
    uint64_t clients = 0;
    if (status == STATUS_OK)
        sort(merge.streams, merge.stream_count, sizeof *merge.streams, stream_before);
    for (size_t i = 0; status == STATUS_OK && i < merge.stream_count;) {
        uint64_t client = merge.streams[i].client;
        uint64_t clock = 0;
        for (; i < merge.stream_count && merge.streams[i].client == client; i++)
            for (struct stream *stream = &merge.streams[i];
                 stream->clock <= clock && stream_next(stream) && stream->clock <= clock;) {
                uint64_t end = stream->clock + stream->head.length;
                clock = end > clock ? end : clock;
            }
        if (clock > 0) {
            clients++;
            varint_write(&entries, client);
            varint_write(&entries, clock);
        }
    }
    if (status == STATUS_OK)
        status = entries.status;
    if (status == STATUS_OK) {
        varint_write(out, clients);
        bytes_write(out, bytes_written(&entries));
        status = out->status;
    }
    bytes_writer_finish(&entries);
    mem_free(out->mem, merge.streams, merge.stream_capacity * sizeof *merge.streams);
    mem_free(out->mem, merge.ranges, merge.range_capacity * sizeof *merge.ranges);
    return status;
}

/* ---- the doors ---- */

/* Ends a function that appends: on failure `out` is as it was. */
static enum status updates_end(struct bytes_writer *out, size_t size_before, enum status status) {
    if (status != STATUS_OK) {
        out->size = size_before;
        out->status = STATUS_OK;
    }
    return status;
}

/* What a function on v1 wrote, as v2; finishes `v1`. */
static enum status updates_as_v2(enum status status, struct bytes_writer *v1, struct bytes_writer *out) {
    if (status == STATUS_OK)
        status = v2_from_v1(bytes_written(v1), out);
    bytes_writer_finish(v1);
    return status;
}

static enum status merge_v2(const struct bytes *updates, size_t count, struct bytes_writer *out) {
    struct bytes *inputs = mem_zalloc(out->mem, count * sizeof *inputs);
    struct bytes_writer *writers = mem_zalloc(out->mem, count * sizeof *writers);
    enum status status = inputs == NULL || writers == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    size_t made = 0;
    for (; status == STATUS_OK && made < count; made++) {
        bytes_writer_init(&writers[made], out->mem, out->size_max);
        status = v2_to_v1(updates[made], &writers[made]);
        inputs[made] = bytes_written(&writers[made]);
    }
    struct bytes_writer merged;
    bytes_writer_init(&merged, out->mem, out->size_max);
    if (status == STATUS_OK)
        status = merge_v1(inputs, count, &merged);
    status = updates_as_v2(status, &merged, out);
    while (made > 0)
        bytes_writer_finish(&writers[--made]);
    mem_free(out->mem, writers, count * sizeof *writers);
    mem_free(out->mem, inputs, count * sizeof *inputs);
    return status;
}

enum status crdt_updates_merge(enum crdt_format format, const struct bytes *updates, size_t count, struct bytes_writer *out) {
    if (out->status != STATUS_OK)
        return out->status;
    size_t size_before = out->size;
    if (count == 1) {
        struct bytes_writer checked;
        bytes_writer_init(&checked, out->mem, out->size_max);
        enum status status = crdt_updates_convert(format, CRDT_V1, updates[0], &checked);
        bytes_writer_finish(&checked);
        if (status == STATUS_OK) {
            bytes_write(out, updates[0]);
            status = out->status;
        }
        return updates_end(out, size_before, status);
    }
    if (format == CRDT_V2 && count > 0)
        return updates_end(out, size_before, merge_v2(updates, count, out));
    if (format == CRDT_V1)
        return updates_end(out, size_before, merge_v1(updates, count, out));
    return v2_from_v1(bytes_of("\0\0", 2), out); /* nothing, in v2 */
}

enum status crdt_updates_diff(enum crdt_format format, struct bytes update, struct bytes state_vector, struct bytes_writer *out) {
    if (out->status != STATUS_OK)
        return out->status;
    size_t size_before = out->size;
    if (format == CRDT_V1)
        return updates_end(out, size_before, diff_v1(update, state_vector, out));
    struct bytes_writer v1;
    struct bytes_writer diff;
    bytes_writer_init(&v1, out->mem, out->size_max);
    bytes_writer_init(&diff, out->mem, out->size_max);
    enum status status = v2_to_v1(update, &v1);
    if (status == STATUS_OK)
        status = diff_v1(bytes_written(&v1), state_vector, &diff);
    bytes_writer_finish(&v1);
    return updates_end(out, size_before, updates_as_v2(status, &diff, out));
}

enum status crdt_updates_state_vector(enum crdt_format format, struct bytes update, struct bytes_writer *out) {
    if (out->status != STATUS_OK)
        return out->status;
    size_t size_before = out->size;
    if (format == CRDT_V1)
        return updates_end(out, size_before, state_vector_v1(update, out));
    struct bytes_writer v1;
    bytes_writer_init(&v1, out->mem, out->size_max);
    enum status status = v2_to_v1(update, &v1);
    if (status == STATUS_OK)
        status = state_vector_v1(bytes_written(&v1), out);
    bytes_writer_finish(&v1);
    return updates_end(out, size_before, status);
}

enum status crdt_updates_convert(enum crdt_format from, enum crdt_format to, struct bytes update, struct bytes_writer *out) {
    if (out->status != STATUS_OK)
        return out->status;
    size_t size_before = out->size;
    if (from == CRDT_V1 && to == CRDT_V2)
        return v2_from_v1(update, out);
    enum status status = STATUS_OK;
    if (from == CRDT_V1)
        bytes_write(out, update);
    else
        status = v2_to_v1(update, out);
    if (status == STATUS_OK)
        status = out->status;
    if (status == STATUS_OK)
        status = crdt_update_check(bytes_of(out->data + size_before, out->size - size_before));
    if (status == STATUS_OK && to == CRDT_V2) {
        out->size = size_before;
        bytes_write(out, update);
        status = out->status;
    }
    return updates_end(out, size_before, status);
}

/* ---- a document's updates in v2 ---- */

enum status crdt_update_apply_v2(struct crdt_txn *txn, struct bytes update, struct crdt_update_result *out) {
    struct crdt_doc *doc = txn->doc;
    struct bytes_writer v1;
    bytes_writer_init(&v1, doc->options.mem, doc->options.update_bytes_max);
    enum status status = update.size > doc->options.update_bytes_max ? STATUS_TOO_BIG : v2_to_v1(update, &v1);
    if (status == STATUS_OK)
        status = crdt_update_apply(txn, bytes_written(&v1), out);
    if (status == STATUS_OK && out != NULL)
        out->verbatim = false; /* not in the format of those who hear the relay */
    bytes_writer_finish(&v1);
    return status;
}

enum status crdt_update_encode_v2(const struct crdt_doc *doc, struct bytes_writer *out) {
    struct bytes_writer v1;
    bytes_writer_init(&v1, out->mem, SIZE_MAX);
    return updates_as_v2(crdt_update_encode(doc, &v1), &v1, out);
}

enum status crdt_update_encode_diff_v2(const struct crdt_doc *doc, struct bytes state_vector, struct bytes_writer *out) {
    struct bytes_writer v1;
    bytes_writer_init(&v1, out->mem, SIZE_MAX);
    return updates_as_v2(crdt_update_encode_diff(doc, state_vector, &v1), &v1, out);
}
