/* fuzz_state_vector.c — any bytes as a state vector and as a snapshot of one small document.
 *
 *   first byte   even: state vector   odd: snapshot
 *
 * What is taken is told again in a form that is taken too; the document never changes. */
#include "crdt/crdt.h"
#include "expect.h"
#include "mutate.h"
#include "src/doc_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#ifdef VIBESYNC_FUZZING
/* Half of the time by the grammar: both are made of numbers alone. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed) {
    struct chance chance = { seed };
    struct bytes_writer out;
    size_t result = 0;
    if (size == 0 || below(&chance, 2) == 0)
        return LLVMFuzzerMutate(data, size, size_max);
    bytes_writer_init(&out, &mem_default, size_max - 1);
    if (mutate_numbers(bytes_of(data + 1, size - 1), data[0] % 2 == 0, &chance, &out)) {
        memcpy(data + 1, out.data, out.size);
        result = 1 + out.size;
    }
    bytes_writer_finish(&out);
    return result > 0 ? result : LLVMFuzzerMutate(data, size, size_max);
}
#endif

/* Two writers, a nested type, deletions, a pair; no collection, so the past is there. */
static struct crdt_doc *make_doc(void) {
    struct crdt_doc *doc;
    struct crdt_type *text;
    struct crdt_type *array;
    struct crdt_type *nested;
    must(crdt_doc_create(&(struct crdt_doc_options){ .client_id = 1 }, &doc));
    must(crdt_doc_root(doc, bytes_text("t"), &text));
    must(crdt_doc_root(doc, bytes_text("a"), &array));
    struct crdt_value values[] = { crdt_number(1), crdt_string(bytes_text("x")), crdt_null() };
    struct crdt_txn *txn = crdt_txn_begin(doc);
    must(crdt_text_insert(txn, text, 0, bytes_text("hello 😀 world")));
    must(crdt_array_insert(txn, array, 0, values, 3));
    must(crdt_array_insert_type(txn, array, 1, CRDT_TYPE_TEXT, bytes_text(""), &nested));
    must(crdt_text_insert(txn, nested, 0, bytes_text("inner")));
    must(crdt_txn_commit(txn, NULL, NULL));
    must(crdt_doc_set_client_id(doc, 300));
    txn = crdt_txn_begin(doc);
    must(crdt_text_insert(txn, text, 3, bytes_text("!!")));
    must(crdt_text_delete(txn, text, 1, 5));
    must(crdt_array_delete(txn, array, 0, 1));
    must(crdt_txn_commit(txn, NULL, NULL));
    return doc;
}

static void try_state_vector(const struct crdt_doc *doc, struct bytes bytes, struct bytes_writer *out) {
    bool peer_misses;
    bool doc_misses;
    enum status compared = crdt_state_vector_compare(doc, bytes, &peer_misses, &doc_misses);
    enum status status = crdt_update_encode_diff(doc, bytes, out);
    expect((status == STATUS_OK) == (compared == STATUS_OK), "half of it is a state vector");
    if (status == STATUS_OK)
        expect(crdt_update_check(bytes_written(out)) == STATUS_OK, "a diff is not an update");
    bytes_writer_reset(out);
    expect((crdt_update_encode_diff_v2(doc, bytes, out) == STATUS_OK) == (status == STATUS_OK), "v1 and v2 disagree");
}

static void try_snapshot(const struct crdt_doc *doc, const struct crdt_type *text, struct bytes bytes, struct bytes_writer *out) {
    bool equal = false;
    for (enum crdt_format format = CRDT_V1; format <= CRDT_V2; format++) {
        bool is_snapshot = crdt_snapshot_equal(format, bytes, bytes, &equal) == STATUS_OK;
        expect(!is_snapshot || equal, "not equal to itself");
        bytes_writer_reset(out);
        enum status status = crdt_snapshot_restore(doc, format, bytes, out);
        expect(is_snapshot == (status != STATUS_MALFORMED), "half of it is a snapshot");
        if (status == STATUS_OK)
            expect(crdt_update_check(bytes_written(out)) == STATUS_OK, "what was restored is not an update");
        bytes_writer_reset(out);
        expect((crdt_text_write_at(doc, text, format, bytes, out) == STATUS_OK) == (status == STATUS_OK), "no text then");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    struct bytes bytes = bytes_of(data + 1, size - 1);
    struct crdt_doc *doc = make_doc();
    struct crdt_type *text;
    struct bytes_writer out;
    const char *what = "";
    must(crdt_doc_root(doc, bytes_text("t"), &text));
    bytes_writer_init(&out, &mem_default, SIZE_MAX);
    if (data[0] % 2 == 0)
        try_state_vector(doc, bytes, &out);
    else
        try_snapshot(doc, text, bytes, &out);
    expect(doc_check(doc, &what) == 0, what);
    bytes_writer_finish(&out);
    crdt_doc_destroy(doc);
    return 0;
}
