#include "crdt/crdt.h"
#include "doc_check.h"
#include "store.h"

#include <criterion/criterion.h>

static struct crdt_doc *make(void) {
    struct crdt_doc *doc;
    cr_assert_eq(crdt_doc_create(&(struct crdt_doc_options){ .client_id = 77, .gc = true }, &doc), STATUS_OK);
    return doc;
}

static enum status apply(struct crdt_doc *doc, const uint8_t *update, size_t size, struct crdt_update_result *result) {
    struct crdt_txn *txn = crdt_txn_begin(doc);
    enum status status = crdt_update_apply(txn, bytes_of(update, size), result);
    cr_assert_eq(crdt_txn_commit(txn, NULL, NULL), STATUS_OK);
    const char *broken = "";
    cr_assert_eq(doc_check(doc, &broken), 0, "%s", broken);
    return status;
}

static void expect_state(const struct crdt_doc *doc, const uint8_t *update, size_t size) {
    struct bytes_writer out;
    bytes_writer_init(&out, &mem_default, 10000);
    cr_assert_eq(crdt_update_encode(doc, &out), STATUS_OK);
    cr_assert(bytes_equal(bytes_written(&out), bytes_of(update, size)));
    bytes_writer_finish(&out);
}

/* 9 writes "a" behind 4's "x", 4 writes "y" behind that: neither block can be done in one go. */
static const uint8_t alternating[] = { 2, 1, 9, 0, 0x84, 4, 0, 1, 'a', 2, 4, 0, 4, 1, 1, 't', 1, 'x', 0x84, 9, 0, 1, 'y', 0 };

Test(load, blocks_that_wait_for_each_other_are_gone_on_with_by_turns) {
    struct crdt_doc *doc = make();
    struct crdt_update_result result;

    cr_assert_eq(apply(doc, alternating, sizeof alternating, &result), STATUS_OK);

    cr_assert(result.units_new == 3 && !result.parked && result.verbatim);
    expect_state(doc, alternating, sizeof alternating);
    crdt_doc_destroy(doc);
}

/* 4's "x" stands behind 9's "a", and that behind 4's "x". */
Test(load, a_circle_leaves_the_document_to_the_general_way) {
    static const uint8_t circle[] = { 2, 1, 9, 0, 0x84, 4, 0, 1, 'a', 1, 4, 0, 0x84, 9, 0, 1, 'x', 0 };
    struct crdt_doc *doc = make();
    struct crdt_update_result result;

    cr_assert_eq(apply(doc, circle, sizeof circle, &result), STATUS_OK);

    cr_assert(result.parked && result.units_new == 0);
    cr_assert_eq(crdt_doc_size(doc).structs, 0);
    crdt_doc_destroy(doc);
}

/* The first block of 9 waits for 4, so that nothing of 9 is there when the second comes. */
Test(load, two_blocks_of_one_client_are_malformed_also_if_the_first_waits) {
    static const uint8_t twice[] = {
        3, 1, 9, 0, 0x84, 4, 0, 1, 'a', 1, 9, 0, 0x84, 4, 0, 1, 'b', 1, 4, 0, 4, 1, 1, 't', 1, 'x', 0
    };
    struct crdt_doc *doc = make();

    cr_assert_eq(apply(doc, twice, sizeof twice, NULL), STATUS_MALFORMED);

    cr_assert_eq(crdt_doc_size(doc).structs, 0);
    crdt_doc_destroy(doc);
}

Test(load, what_is_cut_off_leaves_nothing_behind_and_the_whole_is_taken_then) {
    struct crdt_doc *doc = make();
    struct crdt_type *text;
    cr_assert_eq(crdt_doc_root(doc, bytes_text("t"), &text), STATUS_OK);

    for (size_t size = 0; size < sizeof alternating; size++) {
        cr_assert_eq(apply(doc, alternating, size, NULL), STATUS_MALFORMED);
        cr_assert_eq(crdt_doc_size(doc).structs, 0);
        cr_assert_eq(crdt_text_length(text), 0);
    }

    cr_assert_eq(apply(doc, alternating, sizeof alternating, NULL), STATUS_OK);
    cr_assert_eq(crdt_text_length(text), 3);
    crdt_doc_destroy(doc);
}

/* Clocks have 53 bits; a document in which one passes 32 becomes wide. */
Test(load, units_beyond_32_bits_are_kept_and_written_on) {
    static const uint8_t far[] = { 1, 3,    5,    0,                      /* client 5 */
                                   4, 1,    1,    't',  1,    'a',        /* "a" */
                                   0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40, /* GC of 2^41 units */
                                   4, 1,    1,    't',  1,    'b',  0 };  /* "b" */
    static const uint8_t more[] = { 1, 1,    5,    0x82, 0x80, 0x80, 0x80, 0x80, 0x40, 0x84,
                                    5, 0x81, 0x80, 0x80, 0x80, 0x80, 0x40, 1,    'c',  0 };
    struct crdt_doc *doc = make();
    struct crdt_type *text;
    cr_assert_eq(crdt_doc_root(doc, bytes_text("t"), &text), STATUS_OK);

    cr_assert_eq(apply(doc, far, sizeof far, NULL), STATUS_OK);
    cr_assert_eq(apply(doc, more, sizeof more, NULL), STATUS_OK);
    struct crdt_txn *txn = crdt_txn_begin(doc);
    cr_assert_eq(crdt_text_delete(txn, text, 0, 1), STATUS_OK);
    cr_assert_eq(crdt_text_insert(txn, text, 2, bytes_text("d")), STATUS_OK);
    cr_assert_eq(crdt_txn_commit(txn, NULL, NULL), STATUS_OK);
    cr_assert_eq(doc_check(doc, NULL), 0);

    cr_assert_eq(crdt_doc_clock(doc, 5), (UINT64_C(1) << 41) + 3);
    cr_assert_eq(crdt_text_length(text), 3);
    struct bytes_writer state;
    bytes_writer_init(&state, &mem_default, 10000);
    cr_assert_eq(crdt_update_encode(doc, &state), STATUS_OK);
    struct crdt_doc *copy = make();
    cr_assert_eq(apply(copy, state.data, state.size, NULL), STATUS_OK);
    expect_state(copy, state.data, state.size);
    bytes_writer_finish(&state);
    crdt_doc_destroy(copy);
    crdt_doc_destroy(doc);
}

/* A state that is asked for again and again is kept; what changes the document ends that. */
Test(load, a_state_that_was_asked_for_twice_is_still_true_after_an_edit) {
    struct crdt_doc *doc = make();
    struct crdt_type *text;
    cr_assert_eq(crdt_doc_root(doc, bytes_text("t"), &text), STATUS_OK);
    cr_assert_eq(apply(doc, alternating, sizeof alternating, NULL), STATUS_OK);
    for (int i = 0; i < 4; i++)
        expect_state(doc, alternating, sizeof alternating);
    size_t heap_kept = crdt_doc_size(doc).heap_bytes;

    struct crdt_txn *txn = crdt_txn_begin(doc);
    cr_assert_eq(crdt_text_delete(txn, text, 1, 1), STATUS_OK);
    cr_assert_eq(crdt_txn_commit(txn, NULL, NULL), STATUS_OK);

    static const uint8_t deleted[] = {
        2, 1, 9, 0, 0x81, 4, 0, 1, 2, 4, 0, 4, 1, 1, 't', 1, 'x', 0x84, 9, 0, 1, 'y', 1, 9, 1, 0, 1
    };
    expect_state(doc, deleted, sizeof deleted);
    cr_assert_leq(crdt_doc_size(doc).heap_bytes, heap_kept + 256);
    crdt_doc_destroy(doc);
}
