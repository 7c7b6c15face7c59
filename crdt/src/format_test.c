/* What stands in a formatted text after an edit, as Yjs 13.6 leaves it. A delta is cut wherever a mark stands, so its pieces show
 * where: `x{b}|y` is an x with the attribute b, and a y without. */
#include "crdt/crdt.h"
#include "doc_check.h"

#include <criterion/criterion.h>

struct page {
    struct crdt_doc *doc;
    struct crdt_type *text;
    struct crdt_txn *txn;
};

static struct page page_make(void) {
    struct page page;
    cr_assert_eq(crdt_doc_create(&(struct crdt_doc_options){ .client_id = 1, .gc = true }, &page.doc), STATUS_OK);
    cr_assert_eq(crdt_doc_root(page.doc, bytes_text("r"), &page.text), STATUS_OK);
    page.txn = crdt_txn_begin(page.doc);
    return page;
}

static void page_finish(struct page *page) {
    crdt_txn_commit(page->txn, NULL, NULL);
    cr_expect_eq(doc_check(page->doc, NULL), 0);
    crdt_doc_destroy(page->doc);
}

static void expect(const struct page *page, const char *wanted) {
    struct bytes_writer shown;
    struct crdt_delta delta;
    struct arena arena;
    bytes_writer_init(&shown, &mem_default, SIZE_MAX);
    arena_init(&arena, &mem_default, SIZE_MAX);
    cr_assert_eq(crdt_text_delta(page->doc, page->text, &arena, &delta), STATUS_OK);
    for (size_t i = 0; i < delta.count; i++) {
        const struct crdt_delta_op *op = &delta.ops[i];
        bytes_write(&shown, i > 0 ? bytes_text("|") : bytes_text(""));
        bytes_write(&shown, op->insert.bytes);
        for (size_t at = 0; at < op->attributes.count; at++) {
            bytes_write_u8(&shown, '{');
            bytes_write(&shown, op->attributes.members[at].key);
            bytes_write_u8(&shown, '}');
        }
    }
    cr_expect(bytes_equal_text(bytes_written(&shown), wanted), "%.*s", (int)shown.size, shown.data);
    arena_finish(&arena);
    bytes_writer_finish(&shown);
}

/* Inserts text with one attribute. */
static void type(struct page *page, uint64_t index, const char *text, const char *key, struct crdt_value value) {
    struct crdt_member member = { bytes_text(key), value };
    cr_assert_eq(
        crdt_text_insert_formatted(page->txn, page->text, index, bytes_text(text), &(struct crdt_object_value){ &member, 1 }),
        STATUS_OK);
}

static struct crdt_value object(struct crdt_member *members, size_t count) {
    return (struct crdt_value){ .kind = CRDT_OBJECT, .object = { members, count } };
}

static struct crdt_value array(struct crdt_value *items, size_t count) {
    return (struct crdt_value){ .kind = CRDT_ARRAY, .array = { items, count } };
}

/* Yjs compares the members by name and does not ask whether it is an array. */
Test(format, arrays_and_objects_with_the_same_members_are_the_same_value) {
    struct page empty = page_make();
    struct page one = page_make();
    struct crdt_value number = crdt_number(1);
    struct crdt_member member = { bytes_text("0"), crdt_number(1) };

    type(&empty, 0, "x", "b", object(NULL, 0));
    type(&empty, 0, "y", "b", array(NULL, 0));
    type(&one, 0, "x", "b", array(&number, 1));
    type(&one, 0, "y", "b", object(&member, 1));

    expect(&empty, "yx{b}");
    expect(&one, "yx{b}");
    page_finish(&empty);
    page_finish(&one);
}

/* The mark of what is deleted goes, and with it what it put in force: else the next insertion writes marks against it, and the text
 * behind becomes formatted. */
Test(format, what_a_deleted_mark_put_in_force_is_forgotten) {
    struct page page = page_make();
    struct crdt_value number = crdt_number(1);
    struct crdt_delta_step steps[] = { { .kind = CRDT_RETAIN, .length = 1 },
                                       { .kind = CRDT_DELETE, .length = 1 },
                                       { .kind = CRDT_INSERT, .insert = crdt_string(bytes_text("Z")) } };
    cr_assert_eq(crdt_text_insert(page.txn, page.text, 0, bytes_text("ab")), STATUS_OK);
    type(&page, 1, "E", "b", array(&number, 1));
    expect(&page, "a|E{b}|b");

    cr_assert_eq(crdt_text_apply_delta(page.txn, page.text, steps, 3), STATUS_OK);

    expect(&page, "aZb");
    page_finish(&page);
}

Test(format, the_end_lies_behind_the_marks_that_close) {
    struct page page = page_make();
    struct crdt_member italic = { bytes_text("i"), crdt_bool(true) };
    struct crdt_object_value attributes = { &italic, 1 };
    type(&page, 0, "x", "b", crdt_bool(true));

    cr_expect_eq(crdt_text_insert(page.txn, page.text, CRDT_TEXT_END, bytes_text("y")), STATUS_OK);
    cr_expect_eq(crdt_text_insert(page.txn, page.text, 1, bytes_text("z")), STATUS_OK);
    cr_expect_eq(crdt_text_format(page.txn, page.text, CRDT_TEXT_END, 2, &attributes), STATUS_OK);
    expect(&page, "xz{b}|y");
    type(&page, CRDT_TEXT_END, "!", "i", crdt_number(1));
    expect(&page, "xz{b}|y|!{i}");
    cr_expect_eq(crdt_text_insert(page.txn, page.text, 5, bytes_text("?")), STATUS_RANGE);
    cr_expect_eq(crdt_text_insert_formatted(page.txn, page.text, 5, bytes_text("?"), &attributes), STATUS_RANGE);
    cr_expect_eq(crdt_text_format(page.txn, page.text, 5, 1, &attributes), STATUS_RANGE);
    page_finish(&page);
}

Test(format, the_end_of_a_text_without_marks_is_its_length) {
    struct page page = page_make();

    cr_expect_eq(crdt_text_insert(page.txn, page.text, CRDT_TEXT_END, bytes_text("ab")), STATUS_OK);
    cr_expect_eq(crdt_text_insert(page.txn, page.text, CRDT_TEXT_END, bytes_text("")), STATUS_OK);
    cr_expect_eq(crdt_text_insert(page.txn, page.text, CRDT_TEXT_END, bytes_text("c")), STATUS_OK);

    expect(&page, "abc");
    page_finish(&page);
}

/* Containers in a container are never the same, so the insertion stops before the mark. */
Test(format, plain_insertion_compares_values_as_formatting_does) {
    struct page page = page_make();
    struct crdt_member inner = { bytes_text("b"), crdt_number(1) };
    struct crdt_member outer = { bytes_text("a"), object(&inner, 1) };
    struct crdt_member bold = { bytes_text("b"), object(&outer, 1) };
    struct crdt_object_value attributes = { &bold, 1 };
    type(&page, 0, "xy", "b", bold.value);
    cr_assert_eq(crdt_text_format(page.txn, page.text, 1, 1, &attributes), STATUS_OK);
    expect(&page, "x{b}|y{b}");

    cr_assert_eq(crdt_text_insert(page.txn, page.text, 1, bytes_text("z")), STATUS_OK);

    expect(&page, "xz{b}|y{b}");
    page_finish(&page);
}
