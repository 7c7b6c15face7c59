#include "crdt/crdt.h"
#include "doc_check.h"

#include <criterion/criterion.h>

static uint64_t now;

static uint64_t clock_now(void *context) {
    (void)context;
    return now;
}

struct stage {
    struct crdt_doc *doc;
    struct crdt_type *text;
    struct crdt_undo *undo;
};

static struct stage stage_make(const struct crdt_undo_options *given) {
    struct stage stage;
    struct crdt_undo_options options = given == NULL ? (struct crdt_undo_options){ .doc = NULL } : *given;
    cr_assert_eq(crdt_doc_create(&(struct crdt_doc_options){ .client_id = 1, .gc = true }, &stage.doc), STATUS_OK);
    cr_assert_eq(crdt_doc_root(stage.doc, bytes_text("t"), &stage.text), STATUS_OK);
    options.doc = stage.doc;
    cr_assert_eq(crdt_undo_create(&options, &stage.undo), STATUS_OK);
    return stage;
}

static void stage_finish(struct stage *stage) {
    crdt_undo_destroy(stage->undo);
    cr_expect_eq(doc_check(stage->doc, NULL), 0);
    crdt_doc_destroy(stage->doc);
}

static void type_at(struct stage *stage, const void *origin, uint64_t index, const char *typed) {
    struct crdt_txn *txn = crdt_txn_begin(stage->doc);
    crdt_txn_set_origin(txn, origin);
    cr_assert_eq(crdt_text_insert(txn, stage->text, index, bytes_text(typed)), STATUS_OK);
    crdt_txn_commit(txn, NULL, NULL);
}

static void delete_at(struct stage *stage, uint64_t index, uint64_t length) {
    struct crdt_txn *txn = crdt_txn_begin(stage->doc);
    cr_assert_eq(crdt_text_delete(txn, stage->text, index, length), STATUS_OK);
    crdt_txn_commit(txn, NULL, NULL);
}

static bool undo(struct stage *stage) {
    bool done;
    cr_assert_eq(crdt_undo(stage->undo, NULL, &done), STATUS_OK);
    return done;
}

static bool redo(struct stage *stage) {
    bool done;
    cr_assert_eq(crdt_redo(stage->undo, NULL, &done), STATUS_OK);
    return done;
}

static void expect_text(const struct stage *stage, const char *wanted) {
    struct bytes_writer text;
    bytes_writer_init(&text, &mem_default, SIZE_MAX);
    cr_assert_eq(crdt_text_write(stage->doc, stage->text, &text), STATUS_OK);
    cr_expect(bytes_equal_text(bytes_written(&text), wanted), "%.*s", (int)text.size, (const char *)text.data);
    bytes_writer_finish(&text);
}

Test(undo, what_was_typed_goes_and_comes_again) {
    struct stage stage = stage_make(NULL);
    type_at(&stage, NULL, 0, "hello");
    type_at(&stage, NULL, 5, " world");
    delete_at(&stage, 0, 6);
    expect_text(&stage, "world");

    cr_expect(undo(&stage));
    expect_text(&stage, "hello world");
    cr_expect(undo(&stage));
    expect_text(&stage, "hello");
    cr_expect(undo(&stage));
    expect_text(&stage, "");
    cr_expect_not(undo(&stage));

    cr_expect(redo(&stage) && redo(&stage));
    expect_text(&stage, "hello world");
    cr_expect(redo(&stage));
    expect_text(&stage, "world");
    cr_expect_not(redo(&stage));
    stage_finish(&stage);
}

/* "x" by client 2 into the middle of what client 1 typed, as update. */
static const uint8_t by_other[] = { 1, 1, 2, 0, 0xc4, 1, 1, 1, 2, 1, 'x', 0 };

Test(undo, what_others_typed_stays) {
    struct stage stage = stage_make(NULL);
    type_at(&stage, NULL, 0, "abcd");
    struct crdt_txn *txn = crdt_txn_begin(stage.doc);
    cr_assert_eq(crdt_update_apply(txn, bytes_of(by_other, sizeof by_other), NULL), STATUS_OK);
    crdt_txn_commit(txn, NULL, NULL);
    expect_text(&stage, "abxcd");
    cr_expect_eq(crdt_undo_count(stage.undo), 1);

    undo(&stage);
    expect_text(&stage, "x");
    redo(&stage);
    expect_text(&stage, "abxcd");
    stage_finish(&stage);
}

Test(undo, transactions_close_in_time_are_one_item_until_capturing_stops) {
    struct stage stage = stage_make(&(struct crdt_undo_options){ .now_ms = clock_now });
    now = 1000;
    type_at(&stage, NULL, 0, "a");
    now = 1499;
    type_at(&stage, NULL, 1, "b");
    now = 1999; /* 500 after the last */
    type_at(&stage, NULL, 2, "c");
    crdt_undo_stop_capturing(stage.undo);
    type_at(&stage, NULL, 3, "d");
    cr_expect_eq(crdt_undo_count(stage.undo), 3);

    undo(&stage);
    expect_text(&stage, "abc");
    undo(&stage);
    expect_text(&stage, "ab");
    undo(&stage);
    expect_text(&stage, "");
    stage_finish(&stage);
}

Test(undo, what_came_and_went_in_one_item_does_not_come_again) {
    struct stage stage = stage_make(&(struct crdt_undo_options){ .now_ms = clock_now });
    type_at(&stage, NULL, 0, "abc");
    delete_at(&stage, 1, 1);
    cr_expect_eq(crdt_undo_count(stage.undo), 1);

    undo(&stage);

    expect_text(&stage, "");
    stage_finish(&stage);
}

Test(undo, only_tracked_origins_count) {
    static const char mine, theirs;
    const void *const origins[] = { &mine };
    struct stage stage = stage_make(&(struct crdt_undo_options){ .origins = origins, .origin_count = 1 });
    type_at(&stage, &theirs, 0, "a");
    type_at(&stage, NULL, 1, "b");
    type_at(&stage, &mine, 2, "c");
    cr_expect_eq(crdt_undo_count(stage.undo), 1);

    undo(&stage);

    expect_text(&stage, "ab");
    stage_finish(&stage);
}

Test(undo, only_what_is_in_scope_counts) {
    struct stage stage = stage_make(NULL);
    crdt_undo_destroy(stage.undo);
    struct crdt_type *other;
    struct crdt_value value = crdt_number(1);
    cr_assert_eq(crdt_doc_root(stage.doc, bytes_text("m"), &other), STATUS_OK);
    struct crdt_type *const scopes[] = { other };
    struct crdt_undo_options options = { .doc = stage.doc, .scopes = scopes, .scope_count = 1 };
    cr_assert_eq(crdt_undo_create(&options, &stage.undo), STATUS_OK);

    type_at(&stage, NULL, 0, "outside");
    struct crdt_txn *txn = crdt_txn_begin(stage.doc);
    cr_assert_eq(crdt_map_set(txn, other, bytes_text("k"), &value), STATUS_OK);
    cr_assert_eq(crdt_text_insert(txn, stage.text, 0, bytes_text("also ")), STATUS_OK);
    crdt_txn_commit(txn, NULL, NULL);
    cr_expect_eq(crdt_undo_count(stage.undo), 1);

    undo(&stage);

    struct arena arena;
    arena_init(&arena, &mem_default, SIZE_MAX);
    cr_expect_eq(crdt_map_get(stage.doc, other, bytes_text("k"), &arena, &value), STATUS_NOT_FOUND);
    arena_finish(&arena);
    expect_text(&stage, "also outside");
    stage_finish(&stage);
}

Test(undo, a_deleted_tree_of_types_comes_again_though_garbage_is_collected) {
    struct stage stage = stage_make(NULL);
    struct crdt_type *array;
    struct crdt_type *map;
    struct crdt_type *inner;
    struct arena arena;
    struct crdt_value json;
    arena_init(&arena, &mem_default, SIZE_MAX);
    cr_assert_eq(crdt_doc_root(stage.doc, bytes_text("a"), &array), STATUS_OK);
    struct crdt_txn *txn = crdt_txn_begin(stage.doc);
    cr_assert_eq(crdt_array_insert_type(txn, array, 0, CRDT_TYPE_MAP, bytes_text(""), &map), STATUS_OK);
    cr_assert_eq(crdt_map_set_type(txn, map, bytes_text("k"), CRDT_TYPE_TEXT, bytes_text(""), &inner), STATUS_OK);
    cr_assert_eq(crdt_text_insert(txn, inner, 0, bytes_text("deep")), STATUS_OK);
    crdt_txn_commit(txn, NULL, NULL);
    txn = crdt_txn_begin(stage.doc);
    cr_assert_eq(crdt_array_delete(txn, array, 0, 1), STATUS_OK);
    crdt_txn_commit(txn, NULL, NULL);

    undo(&stage);

    cr_assert_eq(crdt_type_json(stage.doc, array, CRDT_TYPE_ARRAY, &arena, &json), STATUS_OK);
    cr_assert_eq(json.array.count, 1);
    cr_assert_eq(json.array.items[0].object.count, 1);
    cr_expect(bytes_equal_text(json.array.items[0].object.members[0].value.bytes, "deep"));
    arena_finish(&arena);
    stage_finish(&stage);
}

/* As Yjs: what stands in a type that somebody else deletes is kept by keeping the type. */
Test(undo, what_may_be_wanted_again_is_not_collected_with_its_holder) {
    struct stage stage = stage_make(NULL);
    struct crdt_type *map;
    struct crdt_type *inner;
    int somebody_else;
    cr_assert_eq(crdt_doc_root(stage.doc, bytes_text("m"), &map), STATUS_OK);
    struct crdt_txn *txn = crdt_txn_begin(stage.doc);
    cr_assert_eq(crdt_map_set_type(txn, map, bytes_text("k"), CRDT_TYPE_TEXT, bytes_text(""), &inner), STATUS_OK);
    cr_assert_eq(crdt_text_insert(txn, inner, 0, bytes_text("a wanted word")), STATUS_OK);
    crdt_txn_commit(txn, NULL, NULL);
    txn = crdt_txn_begin(stage.doc);
    cr_assert_eq(crdt_text_delete(txn, inner, 2, 6), STATUS_OK);
    crdt_txn_commit(txn, NULL, NULL);

    txn = crdt_txn_begin(stage.doc);
    crdt_txn_set_origin(txn, &somebody_else);
    cr_assert_eq(crdt_map_delete(txn, map, bytes_text("k")), STATUS_OK);
    crdt_txn_commit(txn, NULL, NULL);

    struct bytes_writer state;
    bytes_writer_init(&state, &mem_default, SIZE_MAX);
    cr_assert_eq(crdt_update_encode(stage.doc, &state), STATUS_OK);
    cr_expect_not_null(memmem(state.data, state.size, "wanted", 6));
    cr_expect_null(memmem(state.data, state.size, "word", 4));
    bytes_writer_finish(&state);
    stage_finish(&stage);
}

Test(undo, a_new_edit_forgets_what_could_be_done_again_and_data_stays_with_its_item) {
    struct stage stage = stage_make(NULL);
    int cursor = 7;
    type_at(&stage, NULL, 0, "a");
    *crdt_undo_meta(stage.undo) = &cursor;
    type_at(&stage, NULL, 1, "b");
    cr_expect_eq(*crdt_undo_meta(stage.undo), NULL);
    undo(&stage);
    cr_expect_eq(*crdt_undo_meta(stage.undo), &cursor);
    cr_expect_eq(crdt_redo_count(stage.undo), 1);

    type_at(&stage, NULL, 1, "c");

    cr_expect_eq(crdt_redo_count(stage.undo), 0);
    cr_expect_eq(crdt_redo_meta(stage.undo), NULL);
    crdt_undo_clear(stage.undo);
    cr_expect_not(undo(&stage));
    stage_finish(&stage);
}

/* "ab" and "é" are two items here and one in Yjs, where all of it comes back before "a": so what another client has inserted
 * between them stands behind it, not inside. The same with the halves of a cut pair. */
Test(undo, a_run_that_is_kept_in_pieces_comes_back_as_one) {
    static const uint8_t between[] = { 1, 1, 0, 0, 0xc4, 1, 1, 1, 2, 1, 'X', 0 };
    struct stage stage = stage_make(NULL);
    type_at(&stage, NULL, 0, "ab");
    type_at(&stage, NULL, 2, "é");
    delete_at(&stage, 0, 3);

    cr_expect(undo(&stage));
    struct crdt_txn *txn = crdt_txn_begin(stage.doc);
    cr_assert_eq(crdt_update_apply(txn, bytes_of(between, sizeof between), NULL), STATUS_OK);
    cr_assert_eq(crdt_txn_commit(txn, NULL, NULL), STATUS_OK);

    expect_text(&stage, "abéX");
    stage_finish(&stage);
}

/* What others have written into two types goes with them, that of the last one first, and comes again in that order: so the units
 * that come have the clocks that Yjs gives them. */
Test(undo, what_went_last_to_first_comes_again_so) {
    static const uint8_t x_in_first[] = { 1, 1, 40, 0, 4, 0, 1, 0, 1, 'x', 0 };
    static const uint8_t y_in_second[] = { 1, 1, 50, 0, 4, 0, 1, 1, 1, 'y', 0 };
    struct stage stage = stage_make(NULL);
    struct bytes_writer update;
    struct crdt_type *made;
    bool done;
    bytes_writer_init(&update, &mem_default, SIZE_MAX);
    struct crdt_txn *txn = crdt_txn_begin(stage.doc);
    for (uint64_t i = 0; i < 2; i++)
        cr_assert_eq(crdt_array_insert_type(txn, stage.text, i, CRDT_TYPE_TEXT, bytes_text(""), &made), STATUS_OK);
    crdt_txn_commit(txn, NULL, NULL);
    txn = crdt_txn_begin(stage.doc);
    cr_assert_eq(crdt_update_apply(txn, bytes_of(x_in_first, sizeof x_in_first), NULL), STATUS_OK);
    cr_assert_eq(crdt_update_apply(txn, bytes_of(y_in_second, sizeof y_in_second), NULL), STATUS_OK);
    crdt_txn_commit(txn, NULL, NULL);

    cr_expect(undo(&stage));
    cr_assert_eq(crdt_redo(stage.undo, &update, &done), STATUS_OK);

    const uint8_t *x = memchr(update.data, 'x', update.size);
    const uint8_t *y = memchr(update.data, 'y', update.size);
    cr_expect(x != NULL && y != NULL && y < x);
    bytes_writer_finish(&update);
    stage_finish(&stage);
}

/* A map with "m" beside a text with "t", both by others, in an array that is deleted: what the map holds goes before what stands
 * behind the map, and comes again in that order. */
Test(undo, a_tree_goes_depth_first_and_comes_again_so) {
    static const uint8_t m_in_map[] = { 1, 1, 40, 0, 0x28, 0, 1, 1, 1, 'k', 1, 0x77, 1, 'm', 0 };
    static const uint8_t t_in_text[] = { 1, 1, 50, 0, 4, 0, 1, 2, 1, 't', 0 };
    struct stage stage = stage_make(NULL);
    struct bytes_writer update;
    struct crdt_type *array;
    struct crdt_type *made;
    bool done;
    bytes_writer_init(&update, &mem_default, SIZE_MAX);
    struct crdt_txn *txn = crdt_txn_begin(stage.doc);
    cr_assert_eq(crdt_array_insert_type(txn, stage.text, 0, CRDT_TYPE_ARRAY, bytes_text(""), &array), STATUS_OK);
    cr_assert_eq(crdt_array_insert_type(txn, array, 0, CRDT_TYPE_MAP, bytes_text(""), &made), STATUS_OK);
    cr_assert_eq(crdt_array_insert_type(txn, array, 1, CRDT_TYPE_TEXT, bytes_text(""), &made), STATUS_OK);
    crdt_txn_commit(txn, NULL, NULL);
    txn = crdt_txn_begin(stage.doc);
    cr_assert_eq(crdt_update_apply(txn, bytes_of(m_in_map, sizeof m_in_map), NULL), STATUS_OK);
    cr_assert_eq(crdt_update_apply(txn, bytes_of(t_in_text, sizeof t_in_text), NULL), STATUS_OK);
    crdt_txn_commit(txn, NULL, NULL);
    delete_at(&stage, 0, 1);

    cr_assert_eq(crdt_undo(stage.undo, &update, &done), STATUS_OK);

    const uint8_t *m = memchr(update.data, 'm', update.size);
    const uint8_t *t = memchr(update.data, 't', update.size);
    cr_expect(m != NULL && t != NULL && m < t);
    bytes_writer_finish(&update);
    stage_finish(&stage);
}

/* "x" and "c" come back as one run; what follows "c" goes right of it and finds it on its right as well, where "c" was first. */
Test(undo, what_finds_its_left_neighbour_on_its_right_too_stays_behind_it) {
    struct stage stage = stage_make(NULL);
    struct crdt_type *array = stage.text;
    struct crdt_txn *txn = crdt_txn_begin(stage.doc);
    cr_assert_eq(crdt_array_insert_type(txn, array, 0, CRDT_TYPE_TEXT, bytes_text(""), &stage.text), STATUS_OK);
    crdt_txn_commit(txn, NULL, NULL);
    type_at(&stage, NULL, 0, "xcde");
    delete_at(&stage, 1, 3);
    cr_expect(undo(&stage));
    type_at(&stage, NULL, 2, "Z");
    cr_expect(undo(&stage));
    stage.text = array;
    delete_at(&stage, 0, 1);

    cr_expect(undo(&stage));

    struct arena arena;
    struct crdt_value json;
    arena_init(&arena, &mem_default, SIZE_MAX);
    cr_assert_eq(crdt_type_json(stage.doc, array, CRDT_TYPE_ARRAY, &arena, &json), STATUS_OK);
    cr_assert_eq(json.array.count, 1);
    cr_expect(bytes_equal_text(json.array.items[0].bytes, "xcde"), "%.*s", (int)json.array.items[0].bytes.size,
              (const char *)json.array.items[0].bytes.data);
    arena_finish(&arena);
    stage_finish(&stage);
}
