#include "crdt/crdt.h"

#include <criterion/criterion.h>

/* An observer that keeps the events of the last transaction. */
struct watcher {
    struct crdt_observer observer;
    struct arena arena;
    struct crdt_events events;
    const void *origin;
    unsigned calls;
};

static void watch(struct crdt_observer *self, struct crdt_txn *txn) {
    struct watcher *watcher = (struct watcher *)self;
    watcher->calls++;
    watcher->origin = crdt_txn_origin(txn);
    cr_assert_eq(crdt_txn_events(txn, NULL, &watcher->arena, &watcher->events), STATUS_OK);
}

static struct crdt_doc *doc_make(struct watcher *watcher) {
    struct crdt_doc *doc;
    cr_assert_eq(crdt_doc_create(&(struct crdt_doc_options){ .client_id = 1, .gc = true }, &doc), STATUS_OK);
    *watcher = (struct watcher){ .observer.on_change = watch };
    arena_init(&watcher->arena, &mem_default, SIZE_MAX);
    return doc;
}

static void doc_finish(struct crdt_doc *doc, struct watcher *watcher) {
    arena_finish(&watcher->arena);
    crdt_doc_destroy(doc);
}

static struct crdt_type *root(struct crdt_doc *doc, const char *name) {
    struct crdt_type *type;
    cr_assert_eq(crdt_doc_root(doc, bytes_text(name), &type), STATUS_OK);
    return type;
}

static struct crdt_object_value attribute(struct crdt_member *member, const char *key, struct crdt_value value) {
    *member = (struct crdt_member){ bytes_text(key), value };
    return (struct crdt_object_value){ member, 1 };
}

Test(observe, a_text_tells_what_is_kept_inserted_deleted_and_formatted) {
    struct watcher watcher;
    struct crdt_doc *doc = doc_make(&watcher);
    struct crdt_type *text = root(doc, "t");
    struct crdt_txn *txn = crdt_txn_begin(doc);
    cr_assert_eq(crdt_text_insert(txn, text, 0, bytes_text("hello world")), STATUS_OK);
    crdt_txn_commit(txn, NULL, NULL);
    crdt_doc_observe(doc, &watcher.observer);
    struct crdt_member bold;
    struct crdt_object_value attributes = attribute(&bold, "bold", crdt_bool(true));

    txn = crdt_txn_begin(doc);
    cr_assert_eq(crdt_text_delete(txn, text, 0, 1), STATUS_OK);
    cr_assert_eq(crdt_text_insert(txn, text, 4, bytes_text("!")), STATUS_OK);
    cr_assert_eq(crdt_text_format(txn, text, 6, 5, &attributes), STATUS_OK);
    crdt_txn_commit(txn, NULL, NULL);

    cr_assert_eq(watcher.events.count, 1);
    const struct crdt_event *event = &watcher.events.list[0];
    cr_expect(bytes_equal_text(event->root, "t") && event->path_length == 0);
    cr_assert_eq(event->delta_count, 5);
    cr_expect(event->delta[0].kind == CRDT_DELETE && event->delta[0].length == 1);
    cr_expect(event->delta[1].kind == CRDT_RETAIN && event->delta[1].length == 4 && event->delta[1].attributes.count == 0);
    cr_expect(event->delta[2].kind == CRDT_INSERT && bytes_equal_text(event->delta[2].insert.bytes, "!"));
    cr_expect(event->delta[3].kind == CRDT_RETAIN && event->delta[3].length == 1);
    cr_expect(event->delta[4].kind == CRDT_RETAIN && event->delta[4].length == 5 && event->delta[4].attributes.count == 1);
    doc_finish(doc, &watcher);
}

Test(observe, a_run_that_grew_is_old_and_new) {
    struct watcher watcher;
    struct crdt_doc *doc = doc_make(&watcher);
    struct crdt_type *text = root(doc, "t");
    struct crdt_txn *txn = crdt_txn_begin(doc);
    cr_assert_eq(crdt_text_insert(txn, text, 0, bytes_text("abc")), STATUS_OK);
    crdt_txn_commit(txn, NULL, NULL);
    crdt_doc_observe(doc, &watcher.observer);

    txn = crdt_txn_begin(doc);
    cr_assert_eq(crdt_text_insert(txn, text, 3, bytes_text("def")), STATUS_OK);
    crdt_txn_commit(txn, NULL, NULL);

    const struct crdt_event *event = &watcher.events.list[0];
    cr_assert_eq(event->delta_count, 2);
    cr_expect(event->delta[0].kind == CRDT_RETAIN && event->delta[0].length == 3);
    cr_expect(bytes_equal_text(event->delta[1].insert.bytes, "def"));
    doc_finish(doc, &watcher);
}

Test(observe, nested_types_have_a_path_and_keys_tell_what_was) {
    struct watcher watcher;
    struct crdt_doc *doc = doc_make(&watcher);
    struct crdt_type *array = root(doc, "a");
    struct crdt_type *map;
    struct crdt_value values[] = { crdt_number(1), crdt_number(2) };
    struct crdt_value old = crdt_string(bytes_text("old"));
    struct crdt_value fresh = crdt_string(bytes_text("new"));
    struct crdt_txn *txn = crdt_txn_begin(doc);
    cr_assert_eq(crdt_array_insert(txn, array, 0, values, 2), STATUS_OK);
    cr_assert_eq(crdt_array_insert_type(txn, array, 2, CRDT_TYPE_MAP, bytes_text(""), &map), STATUS_OK);
    cr_assert_eq(crdt_map_set(txn, map, bytes_text("k"), &old), STATUS_OK);
    cr_assert_eq(crdt_map_set(txn, map, bytes_text("gone"), &old), STATUS_OK);
    crdt_txn_commit(txn, NULL, NULL);
    crdt_doc_observe(doc, &watcher.observer);

    txn = crdt_txn_begin(doc);
    crdt_txn_set_origin(txn, &watcher);
    cr_assert_eq(crdt_array_insert(txn, array, 1, values, 1), STATUS_OK);
    cr_assert_eq(crdt_map_set(txn, map, bytes_text("k"), &fresh), STATUS_OK);
    crdt_map_delete(txn, map, bytes_text("gone"));
    crdt_txn_commit(txn, NULL, NULL);

    cr_expect_eq(watcher.origin, &watcher);
    cr_assert_eq(watcher.events.count, 2);
    const struct crdt_event *outer = &watcher.events.list[0];
    const struct crdt_event *inner = &watcher.events.list[1];
    cr_expect(outer->type == array && outer->delta_count == 2 && outer->delta[1].insert.array.count == 1);
    cr_assert(inner->type == map && inner->path_length == 1 && inner->key_count == 2);
    cr_expect(!inner->path[0].is_key && inner->path[0].index == 3);
    for (size_t i = 0; i < inner->key_count; i++) {
        bool updated = bytes_equal_text(inner->keys[i].key, "k");
        cr_expect_eq(inner->keys[i].action, updated ? CRDT_KEY_UPDATED : CRDT_KEY_REMOVED);
        cr_expect(bytes_equal_text(inner->keys[i].before.bytes, "old"));
    }
    doc_finish(doc, &watcher);
}

Test(observe, a_scope_leaves_out_what_is_outside_and_a_new_type_tells_nothing_of_its_own) {
    struct watcher watcher;
    struct crdt_doc *doc = doc_make(&watcher);
    struct crdt_type *array = root(doc, "a");
    struct crdt_type *made;
    struct crdt_events inside;
    struct crdt_events outside;

    struct crdt_txn *txn = crdt_txn_begin(doc);
    cr_assert_eq(crdt_array_insert_type(txn, array, 0, CRDT_TYPE_TEXT, bytes_text(""), &made), STATUS_OK);
    cr_assert_eq(crdt_text_insert(txn, made, 0, bytes_text("x")), STATUS_OK);
    cr_assert_eq(crdt_txn_events(txn, array, &watcher.arena, &inside), STATUS_OK);
    cr_assert_eq(crdt_txn_events(txn, root(doc, "other"), &watcher.arena, &outside), STATUS_OK);
    crdt_txn_commit(txn, NULL, NULL);

    cr_expect_eq(inside.count, 1);
    cr_expect_eq(outside.count, 0);
    doc_finish(doc, &watcher);
}

Test(observe, nobody_is_called_when_nothing_changed_or_after_leaving) {
    struct watcher watcher;
    struct crdt_doc *doc = doc_make(&watcher);
    crdt_doc_observe(doc, &watcher.observer);
    crdt_txn_commit(crdt_txn_begin(doc), NULL, NULL);
    cr_expect_eq(watcher.calls, 0);

    crdt_doc_unobserve(doc, &watcher.observer);
    struct crdt_txn *txn = crdt_txn_begin(doc);
    cr_assert_eq(crdt_text_insert(txn, root(doc, "t"), 0, bytes_text("x")), STATUS_OK);
    crdt_txn_commit(txn, NULL, NULL);

    cr_expect_eq(watcher.calls, 0);
    doc_finish(doc, &watcher);
}
