#include "crdt/crdt.h"
#include "doc_check.h"
#include "ground/varint.h"

#include <criterion/criterion.h>

struct stage {
    struct crdt_doc *doc;
    struct crdt_type *root;
    struct crdt_txn *txn;
    struct arena arena;
};

static struct stage stage_make(void) {
    struct stage stage;
    cr_assert_eq(crdt_doc_create(&(struct crdt_doc_options){ .client_id = 1, .gc = true }, &stage.doc), STATUS_OK);
    cr_assert_eq(crdt_doc_root(stage.doc, bytes_text("r"), &stage.root), STATUS_OK);
    arena_init(&stage.arena, &mem_default, SIZE_MAX);
    stage.txn = crdt_txn_begin(stage.doc);
    return stage;
}

static void stage_finish(struct stage *stage) {
    crdt_txn_commit(stage->txn, NULL, NULL);
    cr_expect_eq(doc_check(stage->doc, NULL), 0);
    arena_finish(&stage->arena);
    crdt_doc_destroy(stage->doc);
}

Test(edit, values_of_all_kinds_come_back_as_they_were) {
    struct stage stage = stage_make();
    struct crdt_value inner[] = { crdt_number(1.5), crdt_string(bytes_text("한글")) };
    struct crdt_member members[] = { { bytes_text("k"), crdt_bool(true) } };
    struct crdt_value values[] = { crdt_null(),
                                   { .kind = CRDT_UNDEFINED },
                                   { .kind = CRDT_BIGINT, .bigint = INT64_MIN },
                                   { .kind = CRDT_BYTES, .bytes = bytes_of("\0\1", 2) },
                                   { .kind = CRDT_ARRAY, .array = { inner, 2 } },
                                   { .kind = CRDT_OBJECT, .object = { members, 1 } },
                                   { .kind = CRDT_SUBDOC, .subdoc = { bytes_text("guid"), NULL } } };
    struct crdt_array_value all;

    cr_assert_eq(crdt_array_insert(stage.txn, stage.root, 0, values, 7), STATUS_OK);
    cr_assert_eq(crdt_array_values(stage.doc, stage.root, &stage.arena, &all), STATUS_OK);

    cr_assert_eq(all.count, 7);
    for (size_t i = 0; i < 7; i++)
        cr_expect_eq(all.items[i].kind, values[i].kind);
    cr_expect_eq(all.items[2].bigint, INT64_MIN);
    cr_expect(bytes_equal(all.items[3].bytes, values[3].bytes));
    cr_expect(bytes_equal_text(all.items[4].array.items[1].bytes, "한글"));
    cr_expect(bytes_equal_text(all.items[5].object.members[0].key, "k"));
    cr_expect(bytes_equal_text(all.items[6].subdoc.guid, "guid"));
    stage_finish(&stage);
}

Test(edit, what_lies_outside_is_refused_and_changes_nothing) {
    struct stage stage = stage_make();
    struct crdt_value value = crdt_number(1);
    struct crdt_value bad = crdt_string(bytes_of("\xff", 1));
    struct crdt_type *made;

    cr_expect_eq(crdt_array_insert(stage.txn, stage.root, 1, &value, 1), STATUS_RANGE);
    cr_expect_eq(crdt_array_delete(stage.txn, stage.root, 0, 1), STATUS_RANGE);
    cr_expect_eq(crdt_array_insert(stage.txn, stage.root, 0, &bad, 1), STATUS_MALFORMED);
    cr_expect_eq(crdt_map_set(stage.txn, stage.root, bytes_of("\xff", 1), &value), STATUS_MALFORMED);
    cr_expect_eq(crdt_array_insert_type(stage.txn, stage.root, 0, CRDT_TYPE_XML_ELEMENT, bytes_of("\xff", 1), &made),
                 STATUS_MALFORMED);

    cr_expect_eq(crdt_type_length(stage.root), 0);
    cr_expect_eq(crdt_doc_clock(stage.doc, 1), 0);
    stage_finish(&stage);
}

Test(edit, a_clock_cannot_pass_its_end) {
    struct stage stage = stage_make();
    /* A Skip-free update that brings client 1 to 2^53 - 2: one GC run. */
    struct bytes_writer update;
    struct crdt_value values[] = { crdt_number(1), crdt_number(2) };
    bytes_writer_init(&update, &mem_default, SIZE_MAX);
    const uint64_t numbers[] = { 1, 1, 1, 0, 0, VARINT_MAX - 1, 0 };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        varint_write(&update, numbers[i]);
    cr_assert_eq(crdt_update_apply(stage.txn, bytes_written(&update), NULL), STATUS_OK);

    cr_expect_eq(crdt_array_insert(stage.txn, stage.root, 0, values, 2), STATUS_RANGE);
    cr_expect_eq(crdt_array_insert(stage.txn, stage.root, 0, values, 1), STATUS_OK);

    bytes_writer_finish(&update);
    stage_finish(&stage);
}

Test(edit, keys_are_set_replaced_deleted_and_cleared) {
    struct stage stage = stage_make();
    struct crdt_value one = crdt_number(1);
    struct crdt_value two = crdt_number(2);
    struct crdt_value read;
    struct crdt_object_value entries;
    cr_assert_eq(crdt_map_set(stage.txn, stage.root, bytes_text("b"), &one), STATUS_OK);
    cr_assert_eq(crdt_map_set(stage.txn, stage.root, bytes_text("a"), &one), STATUS_OK);
    cr_assert_eq(crdt_map_set(stage.txn, stage.root, bytes_text("b"), &two), STATUS_OK);

    cr_assert_eq(crdt_map_get(stage.doc, stage.root, bytes_text("b"), &stage.arena, &read), STATUS_OK);
    cr_expect_eq(read.number, 2);
    cr_assert_eq(crdt_map_entries(stage.doc, stage.root, &stage.arena, &entries), STATUS_OK);
    cr_expect(entries.count == 2 && bytes_equal_text(entries.members[0].key, "b"));

    crdt_map_delete(stage.txn, stage.root, bytes_text("b"));
    crdt_map_delete(stage.txn, stage.root, bytes_text("never there"));
    cr_expect_eq(crdt_map_get(stage.doc, stage.root, bytes_text("b"), &stage.arena, &read), STATUS_NOT_FOUND);
    crdt_map_clear(stage.txn, stage.root);
    cr_assert_eq(crdt_map_entries(stage.doc, stage.root, &stage.arena, &entries), STATUS_OK);
    cr_expect_eq(entries.count, 0);
    stage_finish(&stage);
}

/* The only contents that have no bytes; alone in a document they need a place all the same. */
Test(edit, bytes_may_be_none) {
    struct crdt_value none = { .kind = CRDT_BYTES };
    struct stage list = stage_make();
    struct stage map = stage_make();
    struct crdt_value got;

    cr_assert_eq(crdt_array_insert(list.txn, list.root, 0, &none, 1), STATUS_OK);
    cr_assert_eq(crdt_map_set(map.txn, map.root, bytes_text("k"), &none), STATUS_OK);

    cr_assert_eq(crdt_array_get(list.doc, list.root, 0, &list.arena, &got), STATUS_OK);
    cr_expect(got.kind == CRDT_BYTES && got.bytes.size == 0);
    cr_assert_eq(crdt_map_get(map.doc, map.root, bytes_text("k"), &map.arena, &got), STATUS_OK);
    cr_expect(got.kind == CRDT_BYTES && got.bytes.size == 0);
    stage_finish(&list);
    stage_finish(&map);
}

Test(edit, xml_is_written_as_markup) {
    struct stage stage = stage_make();
    struct crdt_type *element;
    struct crdt_type *text;
    struct crdt_value id = crdt_string(bytes_text("x"));
    struct crdt_value bold = crdt_bool(true);
    struct crdt_member member = { bytes_text("b"), { .kind = CRDT_OBJECT } };
    struct crdt_object_value attributes = { &member, 1 };
    struct bytes_writer out;
    bytes_writer_init(&out, &mem_default, SIZE_MAX);
    cr_assert_eq(crdt_array_insert_type(stage.txn, stage.root, 0, CRDT_TYPE_XML_ELEMENT, bytes_text("Div"), &element), STATUS_OK);
    cr_assert_eq(crdt_map_set(stage.txn, element, bytes_text("id"), &id), STATUS_OK);
    cr_assert_eq(crdt_map_set(stage.txn, element, bytes_text("class"), &bold), STATUS_OK);
    cr_assert_eq(crdt_array_insert_type(stage.txn, element, 0, CRDT_TYPE_XML_TEXT, bytes_text(""), &text), STATUS_OK);
    cr_assert_eq(crdt_text_insert(stage.txn, text, 0, bytes_text("hi")), STATUS_OK);
    cr_assert_eq(crdt_text_format(stage.txn, text, 0, 1, &attributes), STATUS_OK);

    cr_assert_eq(crdt_xml_write(stage.doc, stage.root, CRDT_TYPE_XML_FRAGMENT, &out), STATUS_OK);

    cr_expect(bytes_equal_text(bytes_written(&out), "<div class=\"true\" id=\"x\"><b>h</b>i</div>"), "%.*s", (int)out.size,
              out.data);
    bytes_writer_finish(&out);
    stage_finish(&stage);
}

Test(edit, formatting_gives_the_attributes_asked_for_and_no_more) {
    struct stage stage = stage_make();
    struct crdt_member bold = { bytes_text("bold"), crdt_bool(true) };
    struct crdt_member plain = { bytes_text("bold"), crdt_null() };
    struct crdt_object_value on = { &bold, 1 };
    struct crdt_object_value off = { &plain, 1 };
    struct crdt_delta delta;
    cr_assert_eq(crdt_text_insert(stage.txn, stage.root, 0, bytes_text("hello world")), STATUS_OK);
    cr_assert_eq(crdt_text_format(stage.txn, stage.root, 0, 11, &on), STATUS_OK);
    cr_assert_eq(crdt_text_format(stage.txn, stage.root, 5, 1, &off), STATUS_OK);
    cr_assert_eq(crdt_text_insert(stage.txn, stage.root, 5, bytes_text("!")), STATUS_OK); /* as what is before it */

    cr_assert_eq(crdt_text_delta(stage.doc, stage.root, &stage.arena, &delta), STATUS_OK);

    struct {
        const char *text;
        size_t attributes;
    } wanted[] = { { "hello!", 1 }, { " ", 0 }, { "world", 1 } };
    size_t at = 0; /* neighbours may have equal attributes */
    for (size_t i = 0; i < 3; i++)
        for (size_t done = 0; done < strlen(wanted[i].text); at++) {
            cr_assert_lt(at, delta.count);
            struct bytes piece = delta.ops[at].insert.bytes;
            cr_expect_eq(delta.ops[at].attributes.count, wanted[i].attributes);
            cr_expect(memcmp(wanted[i].text + done, piece.data, piece.size) == 0);
            done += piece.size;
        }
    cr_expect_eq(at, delta.count);
    stage_finish(&stage);
}

Test(edit, a_delta_is_applied_whole_or_not_at_all) {
    struct stage stage = stage_make();
    struct crdt_delta_step good[] = { { .kind = CRDT_INSERT, .insert = crdt_string(bytes_text("abc")) },
                                      { .kind = CRDT_RETAIN, .length = 2 } };
    struct crdt_delta_step bad[] = { { .kind = CRDT_DELETE, .length = 1 },
                                     { .kind = CRDT_INSERT, .insert = crdt_string(bytes_of("\xff", 1)) } };
    struct bytes_writer text;
    bytes_writer_init(&text, &mem_default, SIZE_MAX);

    cr_expect_eq(crdt_text_apply_delta(stage.txn, stage.root, good, 2), STATUS_OK);
    cr_expect_eq(crdt_text_apply_delta(stage.txn, stage.root, bad, 2), STATUS_MALFORMED);

    cr_assert_eq(crdt_text_write(stage.doc, stage.root, &text), STATUS_OK);
    cr_expect(bytes_equal_text(bytes_written(&text), "abc\n\n"), "what is kept behind the end becomes line feeds");
    bytes_writer_finish(&text);
    stage_finish(&stage);
}
