/* recording.c — typing a trace once per lane, before anything is measured. */
#include "recording.h"

#include "load.h"
#include "trace_file.h"

#include <stdlib.h>

enum { RECORDING_BYTES_MAX = 1 << 30 };

static void recording_must(enum status status) {
    if (status != STATUS_OK)
        load_die("the trace cannot be typed: status %d", (int)status);
}

/* Types the patches up to the next insertion, the first of which is one; answers how many. */
static size_t recording_type(struct crdt_doc *doc, struct crdt_type *text, const struct trace_patch *patches, size_t count,
                             struct bytes_writer *out) {
    struct crdt_txn *txn = crdt_txn_begin(doc);
    size_t typed = 0;
    do {
        const struct trace_patch *patch = &patches[typed++];
        if (patch->deleted > 0)
            recording_must(crdt_text_delete(txn, text, patch->position, patch->deleted));
        if (patch->inserted.size > 0)
            recording_must(crdt_text_insert(txn, text, patch->position, patch->inserted));
    } while (typed < count && patches[typed].inserted.size == 0);
    recording_must(crdt_txn_commit(txn, out, NULL));
    return typed;
}

static void recording_type_lane(struct recording *recording, size_t lane, uint64_t client, const struct trace_patch *patches,
                                size_t count) {
    struct crdt_doc *doc;
    struct crdt_type *text;
    struct bytes_writer out;
    size_t capacity, size, number = 0;
    size_t *bytes_to = load_must(calloc(recording->update_count, sizeof *bytes_to));
    bytes_writer_init(&out, &mem_default, RECORDING_BYTES_MAX);
    recording_must(crdt_doc_create(&(struct crdt_doc_options){ .gc = true, .client_id = client }, &doc));
    recording_must(crdt_doc_root(doc, bytes_text("text"), &text));
    for (size_t at = 0; at < count; number++) {
        at += recording_type(doc, text, &patches[at], count - at, &out);
        bytes_to[number] = out.size;
        recording->units_to[number] = crdt_doc_clock(doc, client);
    }
    crdt_doc_destroy(doc);
    recording->lanes[lane] = (struct recording_lane){ bytes_writer_take(&out, &size, &capacity), bytes_to };
}

void recording_load(struct recording *recording, const char *path, uint64_t client_base, size_t lane_count) {
    struct bytes file = trace_file_read(path);
    struct trace_patch *patches;
    size_t count = trace_file_patches(file, &patches);
    *recording = (struct recording){ .lane_count = lane_count };
    for (size_t i = 0; i < count; i++)
        recording->update_count += patches[i].inserted.size > 0;
    if (recording->update_count == 0 || patches[0].inserted.size == 0)
        load_die("%s: a trace begins with an insertion", path);
    recording->units_to = load_must(calloc(recording->update_count, sizeof *recording->units_to));
    recording->lanes = load_must(calloc(lane_count + 1, sizeof *recording->lanes));
    for (size_t lane = 0; lane < lane_count; lane++)
        recording_type_lane(recording, lane, client_base + lane, patches, count);
    free(patches);
    free((void *)(uintptr_t)file.data);
}

void recording_finish(struct recording *recording) {
    for (size_t lane = 0; lane < recording->lane_count; lane++) {
        free(recording->lanes[lane].bytes);
        free(recording->lanes[lane].bytes_to);
    }
    free(recording->lanes);
    free(recording->units_to);
    *recording = (struct recording){ 0 };
}

struct bytes recording_update(const struct recording *recording, size_t lane, uint64_t number) {
    const struct recording_lane *at = &recording->lanes[lane];
    size_t from = number == 0 ? 0 : at->bytes_to[number - 1];
    return bytes_of(at->bytes + from, at->bytes_to[number] - from);
}

uint64_t recording_number(const struct recording *recording, uint64_t units) {
    size_t low = 0, high = recording->update_count; /* updates before low are whole, those from high on are not */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (recording->units_to[middle] <= units)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
