/* fuzz_update_v2.c — any bytes as an update v2, and as what the functions on encoded updates take.
 *
 * What converts to v1 converts back and says the same; what a document takes it can tell again in v2; and memory is bounded by what
 * came in, whatever run lengths claim. */
#include "crdt/crdt.h"
#include "crdt/updates.h"
#include "expect.h"
#include "mutate.h"
#include "src/doc_check.h"
#include "src/v2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#ifdef VIBESYNC_FUZZING
/* Half of the time by the grammar, through v1. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed) {
    struct chance chance = { seed };
    struct bytes_writer v1;
    struct bytes_writer changed;
    struct bytes_writer v2;
    bytes_writer_init(&v1, &mem_default, 1 << 16);
    bytes_writer_init(&changed, &mem_default, 1 << 16);
    bytes_writer_init(&v2, &mem_default, size_max);
    size_t result = 0;
    if (below(&chance, 2) == 0 && v2_to_v1(bytes_of(data, size), &v1) == STATUS_OK &&
        mutate_update(bytes_written(&v1), &chance, &changed) && v2_from_v1(bytes_written(&changed), &v2) == STATUS_OK) {
        memcpy(data, v2.data, v2.size);
        result = v2.size;
    }
    bytes_writer_finish(&v1);
    bytes_writer_finish(&changed);
    bytes_writer_finish(&v2);
    return result > 0 ? result : LLVMFuzzerMutate(data, size, size_max);
}
#endif

enum { BYTES_PER_STRUCT_MAX = 512 };

static size_t held;
static size_t held_most;

static void *counted_resize(void *context, void *old, size_t old_bytes, size_t bytes) {
    (void)context;
    held += bytes - (old == NULL ? 0 : old_bytes);
    if (held > held_most)
        held_most = held;
    return mem_default.resize(mem_default.context, old, old_bytes, bytes);
}

static const struct mem counted = { counted_resize, NULL };

/* In another order, or with some left out, clocks may stand next to each other that lie further apart than v2 can say. */
static bool said(enum status status) {
    return status == STATUS_OK || status == STATUS_RANGE;
}

static void check_functions(struct bytes update, struct bytes_writer *v1) {
    struct bytes_writer out;
    bytes_writer_init(&out, &counted, SIZE_MAX);
    struct bytes twice[] = { update, update };
    expect(said(crdt_updates_merge(CRDT_V2, twice, 2, &out)), "no merging with itself");
    bytes_writer_reset(&out);
    expect(crdt_updates_state_vector(CRDT_V2, update, &out) == STATUS_OK, "no state vector");
    struct bytes_writer diff;
    bytes_writer_init(&diff, &counted, SIZE_MAX);
    expect(said(crdt_updates_diff(CRDT_V2, update, bytes_written(&out), &diff)), "no diff");
    bytes_writer_reset(&out);
    if (crdt_updates_convert(CRDT_V1, CRDT_V2, bytes_written(v1), &out) == STATUS_OK) {
        bytes_writer_reset(&diff);
        enum status back = crdt_updates_convert(CRDT_V2, CRDT_V1, bytes_written(&out), &diff);
        /* What fewer bytes say may be more than so few bytes may say. */
        expect(back == STATUS_OK || (back == STATUS_TOO_BIG && out.size < update.size), "no way back");
    }
    bytes_writer_finish(&diff);
    bytes_writer_finish(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes update = bytes_of(data, size);
    struct bytes_writer v1;
    held = held_most = 0;
    bytes_writer_init(&v1, &counted, 1 << 20);
    bool is_update =
        crdt_updates_convert(CRDT_V2, CRDT_V1, update, &v1) == STATUS_OK && crdt_update_check(bytes_written(&v1)) == STATUS_OK;
    if (is_update)
        check_functions(update, &v1);
    struct crdt_doc *doc;
    const char *what = "";
    struct crdt_doc_options options = { .mem = &counted, .client_id = 1, .gc = true, .update_bytes_max = 1 << 20 };
    expect(crdt_doc_create(&options, &doc) == STATUS_OK, "no document");
    struct crdt_txn *txn = crdt_txn_begin(doc);
    enum status status = crdt_update_apply_v2(txn, update, NULL);
    expect(crdt_txn_commit(txn, NULL, NULL) == STATUS_OK, "a commit failed");
    expect(doc_check(doc, &what) == 0, what);
    expect(status != STATUS_OK || is_update, "applied what is none");
    expect(status == STATUS_OK || crdt_doc_size(doc).structs == 0, "refused, and something stayed");
    struct bytes_writer again;
    bytes_writer_init(&again, &counted, SIZE_MAX);
    expect(said(crdt_update_encode_v2(doc, &again)), "the state cannot be told");
    bytes_writer_finish(&again);
    crdt_doc_destroy(doc);
    bytes_writer_finish(&v1);
    expect(held == 0, "memory was lost");
    expect(held_most <= BYTES_PER_STRUCT_MAX * (V2_STRUCTS_MAX + V2_STRUCTS_PER_BYTE * size), "memory is out of proportion");
    return 0;
}
