#include "crdt/crdt.h"
#include "doc_check.h"

#include <criterion/criterion.h>

struct pad {
    struct crdt_doc *doc;
    struct crdt_type *text;
};

static struct pad make(uint64_t client_id, bool gc) {
    struct crdt_doc_options options = { .client_id = client_id, .gc = gc };
    struct pad pad;
    cr_assert_eq(crdt_doc_create(&options, &pad.doc), STATUS_OK);
    cr_assert_eq(crdt_doc_root(pad.doc, bytes_text("t"), &pad.text), STATUS_OK);
    return pad;
}

static enum status edit(struct pad pad, struct bytes_writer *update, uint64_t index, uint64_t deleted, const char *inserted) {
    struct crdt_txn *txn = crdt_txn_begin(pad.doc);
    enum status status = crdt_text_delete(txn, pad.text, index, deleted);
    if (status == STATUS_OK)
        status = crdt_text_insert(txn, pad.text, index, bytes_text(inserted));
    cr_assert_eq(crdt_txn_commit(txn, update, NULL), STATUS_OK);
    const char *broken = "";
    cr_assert_eq(doc_check(pad.doc, &broken), 0, "%s", broken);
    return status;
}

static void hear(struct pad pad, struct bytes update) {
    struct crdt_txn *txn = crdt_txn_begin(pad.doc);
    cr_assert_eq(crdt_update_apply(txn, update, NULL), STATUS_OK);
    cr_assert_eq(crdt_txn_commit(txn, NULL, NULL), STATUS_OK);
    cr_assert_eq(doc_check(pad.doc, NULL), 0);
}

static void expect(struct pad pad, const char *wanted) {
    struct bytes_writer writer;
    bytes_writer_init(&writer, &mem_default, 10000);
    cr_assert_eq(crdt_text_write(pad.doc, pad.text, &writer), STATUS_OK);
    cr_assert(bytes_equal_text(bytes_written(&writer), wanted), "got %.*s, wanted %s", (int)writer.size, (const char *)writer.data,
              wanted);
    bytes_writer_finish(&writer);
}

Test(text, is_edited_by_index) {
    struct pad pad = make(1, true);

    cr_assert_eq(edit(pad, NULL, 0, 0, "hello"), STATUS_OK);
    cr_assert_eq(edit(pad, NULL, 5, 0, " world"), STATUS_OK);
    cr_assert_eq(edit(pad, NULL, 0, 1, "J"), STATUS_OK);
    cr_assert_eq(edit(pad, NULL, 3, 2, ""), STATUS_OK);
    cr_assert_eq(edit(pad, NULL, 9, 0, "!"), STATUS_OK);

    expect(pad, "Jel world!");
    cr_assert_eq(crdt_text_length(pad.text), 10);
    crdt_doc_destroy(pad.doc);
}

Test(text, edits_outside_and_broken_text_are_refused_and_change_nothing) {
    struct pad pad = make(1, true);
    edit(pad, NULL, 0, 0, "abc");

    cr_assert_eq(edit(pad, NULL, 4, 0, "x"), STATUS_RANGE);
    cr_assert_eq(edit(pad, NULL, 2, 2, ""), STATUS_RANGE);
    cr_assert_eq(edit(pad, NULL, UINT64_MAX, 1, ""), STATUS_RANGE);
    cr_assert_eq(edit(pad, NULL, 1, UINT64_MAX, ""), STATUS_RANGE);
    cr_assert_eq(edit(pad, NULL, 1, 0, "\xff"), STATUS_MALFORMED);
    cr_assert_eq(edit(pad, NULL, 3, 0, ""), STATUS_OK);

    expect(pad, "abc");
    cr_assert_eq(crdt_doc_clock(pad.doc, 1), 3);
    crdt_doc_destroy(pad.doc);
}

Test(text, typing_makes_one_run_and_the_update_of_each_key_is_short) {
    static const uint8_t wanted[] = { 0x01, 0x01, 0x01, 0x04, 0x84, 0x01, 0x03, 0x01, 'o', 0x00 };
    struct pad pad = make(1, true);
    struct bytes_writer update;
    bytes_writer_init(&update, &mem_default, 1000);

    for (const char *key = "hello"; *key != '\0'; key++) {
        char one[] = { *key, '\0' };
        bytes_writer_reset(&update);
        edit(pad, &update, crdt_text_length(pad.text), 0, one);
    }

    cr_assert(bytes_equal(bytes_written(&update), bytes_of(wanted, sizeof wanted)));
    cr_assert_eq(crdt_doc_size(pad.doc).structs, 1);
    bytes_writer_finish(&update);
    crdt_doc_destroy(pad.doc);
}

Test(text, a_transaction_that_changes_nothing_says_nothing) {
    struct pad pad = make(1, true);
    struct bytes_writer update;
    bytes_writer_init(&update, &mem_default, 1000);

    edit(pad, &update, 0, 0, "");

    cr_assert_eq(update.size, 0);
    bytes_writer_finish(&update);
    crdt_doc_destroy(pad.doc);
}

Test(text, what_was_typed_and_deleted_at_once_is_still_told) {
    struct pad pad = make(1, true);
    struct pad other = make(2, true);
    struct bytes_writer update;
    struct crdt_changes changes;
    bytes_writer_init(&update, &mem_default, 1000);

    struct crdt_txn *txn = crdt_txn_begin(pad.doc);
    crdt_text_insert(txn, pad.text, 0, bytes_text("abc"));
    crdt_text_delete(txn, pad.text, 1, 1);
    crdt_txn_commit(txn, &update, &changes);
    hear(other, bytes_written(&update));

    cr_assert(changes.units_added == 3 && changes.units_deleted == 1);
    expect(other, "ac");
    cr_assert_eq(crdt_doc_clock(other.doc, 1), 3);
    bytes_writer_finish(&update);
    crdt_doc_destroy(pad.doc);
    crdt_doc_destroy(other.doc);
}

/* Yjs's bytes for an insertion between the halves of a surrogate pair. */
Test(text, a_cut_through_a_surrogate_pair_leaves_two_replacement_characters) {
    static const uint8_t wanted[] = { 0x01, 0x03, 0x03, 0x00, 0x04, 0x01, 0x01, 0x74, 0x03, 0xef, 0xbf, 0xbd, 0x84, 0x03,
                                      0x00, 0x03, 0xef, 0xbf, 0xbd, 0xc4, 0x03, 0x00, 0x03, 0x01, 0x01, 0x78, 0x00 };
    struct pad pad = make(3, true);
    struct bytes_writer whole;
    bytes_writer_init(&whole, &mem_default, 1000);

    edit(pad, NULL, 0, 0, "\xf0\x9f\x98\x80");
    cr_assert_eq(crdt_text_length(pad.text), 2);
    edit(pad, NULL, 1, 0, "x");
    crdt_update_encode(pad.doc, &whole);

    expect(pad, "\xef\xbf\xbd"
                "x\xef\xbf\xbd");
    cr_assert(bytes_equal(bytes_written(&whole), bytes_of(wanted, sizeof wanted)));
    bytes_writer_finish(&whole);
    crdt_doc_destroy(pad.doc);
}

Test(text, deleting_half_a_pair_leaves_the_other_half) {
    struct pad pad = make(3, false);

    edit(pad, NULL, 0, 0, "a\xf0\x9f\x98\x80z\xf0\x9f\x98\x80");
    edit(pad, NULL, 2, 3, "");

    expect(pad, "a\xef\xbf\xbd\xef\xbf\xbd");
    cr_assert_eq(crdt_text_length(pad.text), 3);
    crdt_doc_destroy(pad.doc);
}

Test(text, an_insertion_goes_behind_the_tombstones_at_its_place) {
    static const uint8_t wanted[] = { 0x01, 0x01, 0x01, 0x03, 0xc4, 0x01, 0x01, 0x01, 0x02, 0x01, 'X', 0x00 };
    struct pad pad = make(1, true);
    struct bytes_writer update;
    bytes_writer_init(&update, &mem_default, 1000);
    edit(pad, NULL, 0, 0, "abc");
    edit(pad, NULL, 1, 1, "");

    edit(pad, &update, 1, 0, "X");

    cr_assert(bytes_equal(bytes_written(&update), bytes_of(wanted, sizeof wanted)), "origin b, right origin c");
    expect(pad, "aXc");
    bytes_writer_finish(&update);
    crdt_doc_destroy(pad.doc);
}

Test(text, the_smaller_client_goes_left) {
    struct pad small = make(10, true);
    struct pad big = make(20, true);
    struct bytes_writer a;
    struct bytes_writer b;
    bytes_writer_init(&a, &mem_default, 1000);
    bytes_writer_init(&b, &mem_default, 1000);
    edit(small, &a, 0, 0, "small");
    edit(big, &b, 0, 0, "BIG");

    hear(small, bytes_written(&b));
    hear(big, bytes_written(&a));

    expect(small, "smallBIG");
    expect(big, "smallBIG");
    bytes_writer_finish(&a);
    bytes_writer_finish(&b);
    crdt_doc_destroy(small.doc);
    crdt_doc_destroy(big.doc);
}

Test(text, marks_and_embeds_of_others_are_kept_and_left_out) {
    /* bold on, "hi", bold off, an embed */
    static const uint8_t rich[] = { 0x01, 0x04, 0x08, 0x00, 0x06, 0x01, 0x01, 't',  0x04, 'b',  'o',  'l',  'd',  0x04, 't',
                                    'r',  'u',  'e',  0x84, 0x08, 0x00, 0x02, 'h',  'i',  0x86, 0x08, 0x02, 0x04, 'b',  'o',
                                    'l',  'd',  0x04, 'n',  'u',  'l',  'l',  0x85, 0x08, 0x03, 0x02, '{',  '}',  0x00 };
    struct pad pad = make(1, true);
    hear(pad, bytes_of(rich, sizeof rich));

    expect(pad, "hi");
    cr_assert_eq(crdt_text_length(pad.text), 3);
    edit(pad, NULL, 1, 0, "-");
    edit(pad, NULL, 4, 0, "end");
    edit(pad, NULL, 3, 1, "");
    expect(pad, "h-iend");
    crdt_doc_destroy(pad.doc);
}

Test(roots, only_those_that_held_something_count) {
    static const uint8_t in_x[] = { 0x01, 0x01, 0x09, 0x00, 0x07, 0x01, 0x01, 'x', 0x05, 0x01, 'h', 0x00 };
    struct pad pad = make(1, true);
    struct crdt_type *asked;
    cr_assert_eq(crdt_doc_root(pad.doc, bytes_text("asked"), &asked), STATUS_OK);

    struct crdt_roots roots = crdt_doc_roots(pad.doc, bytes_text("t"));
    cr_assert(!roots.named && !roots.others);
    edit(pad, NULL, 0, 0, "x");
    edit(pad, NULL, 0, 1, "");
    roots = crdt_doc_roots(pad.doc, bytes_text("t"));
    cr_assert(roots.named && !roots.others);
    hear(pad, bytes_of(in_x, sizeof in_x));
    roots = crdt_doc_roots(pad.doc, bytes_text("t"));
    cr_assert(roots.named && roots.others);
    cr_assert(!crdt_doc_roots(pad.doc, bytes_text("asked")).named);
    edit((struct pad){ pad.doc, asked }, NULL, 0, 0, "by one who wrote elsewhere before");
    cr_assert(crdt_doc_roots(pad.doc, bytes_text("asked")).named);

    struct crdt_type *again;
    cr_assert_eq(crdt_doc_root(pad.doc, bytes_text("asked"), &again), STATUS_OK);
    cr_assert_eq(asked, again);
    cr_assert_eq(crdt_doc_root(pad.doc, bytes_text("\xff"), &again), STATUS_MALFORMED);
    crdt_doc_destroy(pad.doc);
}

Test(roots, the_text_is_the_only_one_that_is_nothing_else) {
    static const uint8_t element[] = { 0x01, 0x01, 0x09, 0x00, 0x07, 0x01, 0x01, 'x', 0x03, 0x01, 'p', 0x00 };
    struct pad pad = make(1, true);
    struct bytes name;
    cr_assert_not(crdt_doc_text_root(pad.doc, &name));
    hear(pad, bytes_of(element, sizeof element));
    cr_assert_not(crdt_doc_text_root(pad.doc, &name), "it holds an element");
    edit(pad, NULL, 0, 0, "x");
    cr_assert(crdt_doc_text_root(pad.doc, &name) && bytes_equal_text(name, "t"));
    struct crdt_type *second;
    cr_assert_eq(crdt_doc_root(pad.doc, bytes_text("second"), &second), STATUS_OK);
    cr_assert(crdt_doc_text_root(pad.doc, &name) && bytes_equal_text(name, "t"), "the other is empty");
    edit((struct pad){ pad.doc, second }, NULL, 0, 0, "y");
    cr_assert_not(crdt_doc_text_root(pad.doc, &name), "there are two");
    crdt_doc_destroy(pad.doc);

    pad = make(1, true);
    cr_assert_eq(crdt_doc_root(pad.doc, bytes_text(""), &pad.text), STATUS_OK);
    edit(pad, NULL, 0, 0, "of getText() without a name");
    cr_assert(crdt_doc_text_root(pad.doc, &name) && name.size == 0);
    crdt_doc_destroy(pad.doc);
}

Test(doc, client_ids_have_53_bits) {
    struct crdt_doc_options options = { .client_id = UINT64_C(1) << 53 };
    struct crdt_doc *doc;
    cr_assert_eq(crdt_doc_create(&options, &doc), STATUS_RANGE);
    struct pad pad = make((UINT64_C(1) << 53) - 1, true);
    cr_assert_eq(crdt_doc_set_client_id(pad.doc, UINT64_C(1) << 53), STATUS_RANGE);
    edit(pad, NULL, 0, 0, "a");
    cr_assert_eq(crdt_doc_set_client_id(pad.doc, 7), STATUS_OK);
    edit(pad, NULL, 1, 0, "b");

    cr_assert_eq(crdt_doc_clock(pad.doc, (UINT64_C(1) << 53) - 1), 1);
    cr_assert_eq(crdt_doc_clock(pad.doc, 7), 1);
    cr_assert_eq(crdt_doc_clock(pad.doc, 8), 0);
    cr_assert_eq(crdt_doc_size(pad.doc).clients, 2);
    expect(pad, "ab");
    crdt_doc_destroy(pad.doc);
}

static uint32_t below(uint32_t *seed, size_t limit) {
    *seed = *seed * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)(*seed >> 8) * limit >> 24);
}

/* Where a text has an index it is read from six places at once, which meet. */
Test(text, of_many_runs_is_read_whole_while_it_grows_and_shrinks) {
    enum { EDITS = 400, LONGEST = 70 };
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789,.:;-+*/=()!?";
    struct pad pad = make(1, true);
    char wanted[EDITS * LONGEST + 1] = "";
    size_t length = 0;
    uint32_t seed = 1;
    for (unsigned i = 0; i < EDITS; i++) {
        char inserted[LONGEST + 1] = "";
        size_t index = below(&seed, length + 1);
        size_t size = 1 + below(&seed, i % 4 == 0 ? LONGEST : 3);
        memcpy(inserted, letters + below(&seed, sizeof letters - size), size);
        memmove(wanted + index + size, wanted + index, length - index + 1);
        memcpy(wanted + index, inserted, size);
        length += size;
        edit(pad, NULL, index, 0, inserted);
        expect(pad, wanted);
    }
    while (length > 0) {
        size_t index = below(&seed, length);
        size_t size = 1 + below(&seed, length - index < 20 ? length - index : 20);
        memmove(wanted + index, wanted + index + size, length - index - size + 1);
        length -= size;
        edit(pad, NULL, index, size, "");
        expect(pad, wanted);
    }
    crdt_doc_destroy(pad.doc);
}
