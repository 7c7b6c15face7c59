#include "crdt/crdt.h"

#include <criterion/criterion.h>

struct stage {
    struct crdt_doc *doc;
    struct crdt_type *text;
};

static struct stage stage_make(const char *typed) {
    struct stage stage;
    cr_assert_eq(crdt_doc_create(&(struct crdt_doc_options){ .client_id = 5 }, &stage.doc), STATUS_OK);
    cr_assert_eq(crdt_doc_root(stage.doc, bytes_text("t"), &stage.text), STATUS_OK);
    struct crdt_txn *txn = crdt_txn_begin(stage.doc);
    cr_assert_eq(crdt_text_insert(txn, stage.text, 0, bytes_text(typed)), STATUS_OK);
    crdt_txn_commit(txn, NULL, NULL);
    return stage;
}

static void insert(struct stage *stage, uint64_t index, const char *typed) {
    struct crdt_txn *txn = crdt_txn_begin(stage->doc);
    cr_assert_eq(crdt_text_insert(txn, stage->text, index, bytes_text(typed)), STATUS_OK);
    crdt_txn_commit(txn, NULL, NULL);
}

static struct bytes_writer place(const struct stage *stage, uint64_t index, int64_t assoc) {
    struct bytes_writer out;
    bytes_writer_init(&out, &mem_default, SIZE_MAX);
    cr_assert_eq(crdt_position_encode(stage->doc, stage->text, index, assoc, &out), STATUS_OK);
    return out;
}

static uint64_t index_of(struct stage *stage, const struct bytes_writer *place) {
    struct crdt_position position;
    cr_assert_eq(crdt_position_resolve(stage->doc, bytes_written(place), &position), STATUS_OK);
    cr_assert_eq(position.type, stage->text);
    return position.index;
}

Test(position, it_stays_with_the_neighbour_that_it_belongs_to) {
    struct stage stage = stage_make("abcdef");
    struct bytes_writer right = place(&stage, 3, 0);
    struct bytes_writer left = place(&stage, 3, -1);
    cr_expect(bytes_equal(bytes_written(&right), bytes_of("\x00\x05\x03\x00", 4)));

    insert(&stage, 3, "XY");
    cr_expect_eq(index_of(&stage, &right), 5);
    cr_expect_eq(index_of(&stage, &left), 3);

    struct crdt_txn *txn = crdt_txn_begin(stage.doc);
    cr_assert_eq(crdt_text_delete(txn, stage.text, 1, 6), STATUS_OK);
    crdt_txn_commit(txn, NULL, NULL);
    cr_expect_eq(index_of(&stage, &right), 1);
    cr_expect_eq(index_of(&stage, &left), 1);
    bytes_writer_finish(&right);
    bytes_writer_finish(&left);
    crdt_doc_destroy(stage.doc);
}

Test(position, the_end_stays_the_end) {
    struct stage stage = stage_make("abc");
    struct bytes_writer end = place(&stage, 3, 0);
    cr_expect(bytes_equal(bytes_written(&end), bytes_of("\x01\x01t\x00", 4)));

    insert(&stage, 3, "def");

    cr_expect_eq(index_of(&stage, &end), 6);
    bytes_writer_finish(&end);
    crdt_doc_destroy(stage.doc);
}

Test(position, behind_the_end_what_belongs_to_its_left_stays_with_the_very_last_unit) {
    struct stage stage = stage_make("abc");
    struct crdt_txn *txn = crdt_txn_begin(stage.doc);
    cr_assert_eq(crdt_text_delete(txn, stage.text, 2, 1), STATUS_OK);
    crdt_txn_commit(txn, NULL, NULL);

    struct bytes_writer end = place(&stage, 9, -1);

    cr_expect(bytes_equal(bytes_written(&end), bytes_of("\x00\x05\x02\x41", 4)));
    insert(&stage, 2, "d");
    cr_expect_eq(index_of(&stage, &end), 2);
    bytes_writer_finish(&end);
    crdt_doc_destroy(stage.doc);
}

Test(position, what_is_none_and_what_is_not_here_are_told_apart) {
    struct stage stage = stage_make("abc");
    struct crdt_position position;
    const struct {
        const char *bytes;
        size_t size;
        enum status status;
    } cases[] = { { "", 0, STATUS_MALFORMED },
                  { "\x03\x01\x01\x00", 4, STATUS_MALFORMED },
                  { "\x01\x05t", 3, STATUS_MALFORMED },
                  { "\x00\x05", 2, STATUS_MALFORMED },
                  { "\x00\x05\x09\x00", 4, STATUS_NOT_FOUND },
                  { "\x00\x63\x00\x00", 4, STATUS_NOT_FOUND },
                  { "\x02\x05\x00\x00", 4, STATUS_NOT_FOUND } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(crdt_position_resolve(stage.doc, bytes_of(cases[i].bytes, cases[i].size), &position), cases[i].status,
                     "case %zu", i);
    crdt_doc_destroy(stage.doc);
}

Test(position, editors_that_count_otherwise_are_understood) {
    struct stage stage = stage_make("a한😀b"); /* 1 + 1 + 2 + 1 units, 1 + 3 + 4 + 1 bytes, 4 characters */
    const struct {
        enum crdt_measure from, to;
        uint64_t index, wanted;
    } cases[] = { { CRDT_UTF16, CRDT_UTF8, 2, 4 },
                  { CRDT_UTF16, CRDT_UTF8, 4, 8 },
                  { CRDT_UTF8, CRDT_UTF16, 8, 4 },
                  { CRDT_UTF16, CRDT_CODE_POINTS, 4, 3 },
                  { CRDT_CODE_POINTS, CRDT_UTF16, 4, 5 } };
    uint64_t out;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_expect_eq(crdt_text_measure(stage.doc, stage.text, cases[i].from, cases[i].index, cases[i].to, &out), STATUS_OK);
        cr_expect_eq(out, cases[i].wanted, "case %zu: %lu", i, (unsigned long)out);
    }
    cr_expect_eq(crdt_text_measure(stage.doc, stage.text, CRDT_UTF16, 3, CRDT_UTF8, &out), STATUS_RANGE, "inside a pair");
    cr_expect_eq(crdt_text_measure(stage.doc, stage.text, CRDT_UTF8, 2, CRDT_UTF16, &out), STATUS_RANGE, "inside a character");
    cr_expect_eq(crdt_text_measure(stage.doc, stage.text, CRDT_UTF16, 6, CRDT_UTF8, &out), STATUS_RANGE, "behind the end");
    crdt_doc_destroy(stage.doc);
}
