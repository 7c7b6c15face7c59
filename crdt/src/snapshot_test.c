#include "crdt/crdt.h"

#include <criterion/criterion.h>

static struct crdt_doc *doc_make(bool gc, struct crdt_type **text) {
    struct crdt_doc *doc;
    cr_assert_eq(crdt_doc_create(&(struct crdt_doc_options){ .client_id = 1, .gc = gc }, &doc), STATUS_OK);
    cr_assert_eq(crdt_doc_root(doc, bytes_text("t"), text), STATUS_OK);
    return doc;
}

static void edit(struct crdt_doc *doc, struct crdt_type *text, uint64_t index, uint64_t deleted, const char *typed) {
    struct crdt_txn *txn = crdt_txn_begin(doc);
    cr_assert_eq(crdt_text_delete(txn, text, index, deleted), STATUS_OK);
    cr_assert_eq(crdt_text_insert(txn, text, index, bytes_text(typed)), STATUS_OK);
    crdt_txn_commit(txn, NULL, NULL);
}

static struct bytes_writer writer(void) {
    struct bytes_writer out;
    bytes_writer_init(&out, &mem_default, SIZE_MAX);
    return out;
}

Test(snapshot, the_past_is_read_and_restored_in_both_formats) {
    for (enum crdt_format format = CRDT_V1; format <= CRDT_V2; format++) {
        struct crdt_type *text;
        struct crdt_type *restored_text;
        struct crdt_doc *doc = doc_make(false, &text);
        struct crdt_doc *restored = doc_make(false, &restored_text);
        struct bytes_writer snapshot = writer();
        struct bytes_writer then = writer();
        struct bytes_writer update = writer();
        struct bytes_writer again = writer();
        edit(doc, text, 0, 0, "hello world");
        edit(doc, text, 0, 1, "J");
        cr_assert_eq(crdt_snapshot_encode(doc, format, &snapshot), STATUS_OK);
        edit(doc, text, 2, 5, "😀");

        cr_expect_eq(crdt_text_write_at(doc, text, format, bytes_written(&snapshot), &then), STATUS_OK);
        cr_expect(bytes_equal_text(bytes_written(&then), "Jello world"));
        cr_expect_eq(crdt_snapshot_restore(doc, format, bytes_written(&snapshot), &update), STATUS_OK);
        struct crdt_txn *txn = crdt_txn_begin(restored);
        cr_expect_eq(crdt_update_apply(txn, bytes_written(&update), NULL), STATUS_OK);
        crdt_txn_commit(txn, NULL, NULL);
        cr_expect_eq(crdt_text_write(restored, restored_text, &again), STATUS_OK);
        cr_expect(bytes_equal_text(bytes_written(&again), "Jello world"));

        for (struct bytes_writer *done[] = { &snapshot, &then, &update, &again, NULL }, **w = done; *w != NULL; w++)
            bytes_writer_finish(*w);
        crdt_doc_destroy(doc);
        crdt_doc_destroy(restored);
    }
}

Test(snapshot, a_document_that_collects_has_no_past_and_one_that_lacks_units_says_so) {
    struct crdt_type *text;
    struct crdt_type *other_text;
    struct crdt_doc *collecting = doc_make(true, &text);
    struct crdt_doc *other = doc_make(false, &other_text);
    struct bytes_writer snapshot = writer();
    struct bytes_writer out = writer();
    edit(collecting, text, 0, 0, "abc");
    cr_assert_eq(crdt_snapshot_encode(collecting, CRDT_V1, &snapshot), STATUS_OK);

    cr_expect_eq(crdt_snapshot_restore(collecting, CRDT_V1, bytes_written(&snapshot), &out), STATUS_CONFLICT);
    cr_expect_eq(crdt_snapshot_restore(other, CRDT_V1, bytes_written(&snapshot), &out), STATUS_NOT_FOUND);
    cr_expect_eq(crdt_snapshot_restore(other, CRDT_V1, bytes_of("\x07", 1), &out), STATUS_MALFORMED);

    cr_expect_eq(out.size, 0);
    bytes_writer_finish(&snapshot);
    bytes_writer_finish(&out);
    crdt_doc_destroy(collecting);
    crdt_doc_destroy(other);
}

Test(snapshot, the_same_in_other_pieces_is_equal) {
    /* Units 1 and 2 deleted, as one range and as two. */
    static const uint8_t one[] = { 1, 1, 1, 1, 2, 1, 1, 3 };
    static const uint8_t two[] = { 1, 1, 2, 1, 1, 2, 1, 1, 1, 3 };
    static const uint8_t fewer[] = { 1, 1, 1, 1, 1, 1, 1, 3 };
    bool equal;
    cr_assert_eq(crdt_snapshot_equal(CRDT_V1, bytes_of(one, sizeof one), bytes_of(two, sizeof two), &equal), STATUS_OK);
    cr_expect(equal);
    cr_assert_eq(crdt_snapshot_equal(CRDT_V1, bytes_of(one, sizeof one), bytes_of(fewer, sizeof fewer), &equal), STATUS_OK);
    cr_expect_not(equal);
}
