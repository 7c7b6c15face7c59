/* fuzz_update.c — a script (script.h) from an enemy: hostile updates, edits of every type and questions, one after the other.
 *
 * After every record the document keeps its invariants and its memory is bounded by what came in; a second document that hears only
 * what the first emits, and a third that loads the first one's whole state, know all its units. */
#include "expect.h"
#include "mutate.h"
#include "script.h"
#include "src/doc_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#ifdef VIBESYNC_FUZZING
/* Half of the time one update in the script is changed by its grammar, else any bytes. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed) {
    struct chance chance = { seed };
    struct script script = script_of(bytes_of(data, size));
    struct script_record record;
    struct script_record chosen = { .bytes = { NULL, 0 } };
    unsigned seen = 0;
    while (script_next(&script, &record))
        if (record.verb == SCRIPT_APPLY && below(&chance, ++seen) == 0)
            chosen = record;
    if (chosen.bytes.data == NULL || below(&chance, 2) == 0)
        return LLVMFuzzerMutate(data, size, size_max);
    struct bytes_writer update;
    struct bytes_writer whole;
    bytes_writer_init(&update, &mem_default, 0x3fff);
    bytes_writer_init(&whole, &mem_default, size_max);
    size_t result = 0;
    if (mutate_update(chosen.bytes, &chance, &update)) {
        size_t before = (size_t)(chosen.bytes.data - data) - 2;
        bytes_write(&whole, bytes_of(data, before));
        bytes_write_u8(&whole, (uint8_t)update.size);
        bytes_write_u8(&whole, (uint8_t)(update.size >> 8));
        bytes_write(&whole, bytes_written(&update));
        const uint8_t *behind = chosen.bytes.data + chosen.bytes.size;
        bytes_write(&whole, bytes_of(behind, size - (size_t)(behind - data)));
        if (whole.status == STATUS_OK) {
            memcpy(data, whole.data, whole.size);
            result = whole.size;
        }
    }
    bytes_writer_finish(&update);
    bytes_writer_finish(&whole);
    return result > 0 ? result : LLVMFuzzerMutate(data, size, size_max);
}
#endif

static void expect_whole(const struct crdt_doc *doc) {
    const char *what = "";
    expect(doc_check(doc, &what) == 0, what);
}

static struct crdt_doc *make_doc(uint64_t client_id, bool gc, struct crdt_type **text) {
    struct crdt_doc *doc;
    struct crdt_doc_options options = { .client_id = client_id, .gc = gc };
    expect(crdt_doc_create(&options, &doc) == STATUS_OK, "no document");
    expect(crdt_doc_root(doc, bytes_text("t"), text) == STATUS_OK, "no root");
    return doc;
}

/* Whether `copy` knows every unit that `doc` knows. Their texts are not compared: structs whose neighbours contradict each other (a
 * right origin left of the origin) are placed as they come, in Yjs too. */
static void expect_all_units(const struct crdt_doc *doc, const struct crdt_doc *copy, const char *what) {
    struct bytes_writer units;
    bool peer_misses;
    bool doc_misses;
    bytes_writer_init(&units, &mem_default, SIZE_MAX);
    expect(crdt_state_vector_encode(doc, &units) == STATUS_OK, "no state vector");
    expect(crdt_state_vector_compare(copy, bytes_written(&units), &peer_misses, &doc_misses) == STATUS_OK, "no comparison");
    expect(!doc_misses, what);
    bytes_writer_finish(&units);
}

static enum status count_range(void *context, const struct crdt_range *range) {
    *(uint64_t *)context += range->clock_to > range->clock_from;
    return STATUS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct script script = script_of(bytes_of(data, size));
    struct crdt_type *text;
    struct crdt_type *heard_text;
    struct crdt_doc *doc = make_doc(77, script.gc, &text);
    struct crdt_doc *heard = make_doc(78, script.gc, &heard_text);
    struct bytes_writer emitted;
    bytes_writer_init(&emitted, &mem_default, SIZE_MAX);
    struct crdt_observer observer = { .on_change = script_on_change };
    crdt_doc_observe(doc, &observer);
    struct crdt_undo *undo;
    expect(crdt_undo_create(&(struct crdt_undo_options){ .doc = doc }, &undo) == STATUS_OK, "no undo manager");
    if (script.bounded)
        crdt_doc_set_conflict_steps_max(doc, 20);
    struct script_record record;
    size_t said = size; /* in v1: v2 may stand for 64 structs a byte */
    while (script_next(&script, &record)) {
        said += record.verb == SCRIPT_MORE && record.more == SCRIPT_APPLY_V2 ? 64 * record.bytes.size : 0;
        struct crdt_update_result result;
        enum status committed;
        bytes_writer_reset(&emitted);
        enum status status = script_do(&record, doc, text, undo, &result, &emitted, &committed);
        expect(committed == STATUS_OK, "a commit failed");
        expect_whole(doc);
        if (status != STATUS_OK) {
            expect(emitted.size == 0, "a refused update changed something");
            continue;
        }
        if (record.verb == SCRIPT_APPLY) {
            bool known;
            uint64_t ranges = 0;
            expect(crdt_update_is_known(doc, record.bytes, &known) == STATUS_OK, "an applied update is not an update");
            expect(crdt_update_each_range(record.bytes, count_range, &ranges) == STATUS_OK, "an applied update has no ranges");
            expect(result.verbatim ? emitted.size > 0 : true, "verbatim, and nothing new");
        }
        if (emitted.size > 0) {
            struct script_record relayed = { .verb = SCRIPT_APPLY, .bytes = bytes_written(&emitted) };
            if (result.verbatim)
                relayed.bytes = record.bytes;
            expect(script_do(&relayed, heard, heard_text, NULL, &result, NULL, &committed) == STATUS_OK,
                   "an emitted update is refused");
            expect(!result.pending, "an emitted update waits");
        }
    }
    expect(crdt_doc_size(doc).heap_bytes < 65536 + 512 * said, "memory is out of proportion");
    expect_whole(heard);
    expect_all_units(doc, heard, "who heard all that was emitted lacks units");

    bytes_writer_reset(&emitted);
    expect(crdt_update_encode(doc, &emitted) == STATUS_OK, "no encoding");
    struct crdt_type *loaded_text;
    struct crdt_doc *loaded = make_doc(79, script.gc, &loaded_text);
    struct script_record load = { .verb = SCRIPT_APPLY, .bytes = bytes_written(&emitted) };
    struct crdt_update_result result;
    enum status committed;
    expect(script_do(&load, loaded, loaded_text, NULL, &result, NULL, &committed) == STATUS_OK, "the encoded state does not load");
    expect_whole(loaded);
    expect_all_units(doc, loaded, "the loaded state lacks units");
    crdt_doc_destroy(loaded);
    crdt_doc_destroy(heard);
    crdt_undo_destroy(undo);
    crdt_doc_destroy(doc);
    bytes_writer_finish(&emitted);
    return 0;
}
