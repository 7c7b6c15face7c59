/* observing.c — {"op": "observe", "doc"}: from now on every answer about the document has the events since the last one, if any.
 *
 *     {"root": name, "path": [key or index…], "delta": [{"retain" | "delete": n} | {"insert": value}, "attributes"]…,
 *      "keys": {key: {"action": "added" | "updated" | "removed", "before": value}}}
 *
 * {"op": "undo", "doc", "redo": bool} → {"done": bool, "update": base64 | null}; transactions since "observe" can be taken back. */
#include "conform.h"

#include <stddef.h>

static json_t *path_json(const struct crdt_event *event) {
    json_t *path = json_array();
    for (size_t i = 0; i < event->path_length; i++) {
        const struct crdt_path_step *step = &event->path[i];
        json_array_append_new(path, step->is_key ? conform_text(step->key) : json_integer((json_int_t)step->index));
    }
    return path;
}

static json_t *delta_json(const struct crdt_doc *doc, const struct crdt_event *event, struct arena *arena) {
    json_t *delta = json_array();
    for (size_t i = 0; i < event->delta_count; i++) {
        const struct crdt_delta_step *step = &event->delta[i];
        json_t *json = json_object();
        if (step->kind == CRDT_INSERT)
            json_object_set_new(json, "insert", conform_tagged(doc, &step->insert, arena));
        else
            json_object_set_new(json, step->kind == CRDT_RETAIN ? "retain" : "delete", json_integer((json_int_t)step->length));
        if (step->attributes.count > 0)
            json_object_set_new(json, "attributes", conform_tagged_object(doc, step->attributes, arena));
        json_array_append_new(delta, json);
    }
    return delta;
}

static json_t *keys_json(const struct crdt_doc *doc, const struct crdt_event *event, struct arena *arena) {
    static const char *const actions[] = { "added", "updated", "removed" };
    json_t *keys = json_object();
    for (size_t i = 0; i < event->key_count; i++) {
        const struct crdt_key_change *change = &event->keys[i];
        json_t *json = json_object();
        json_object_set_new(json, "action", json_string(actions[change->action]));
        if (change->action != CRDT_KEY_ADDED)
            json_object_set_new(json, "before", conform_tagged(doc, &change->before, arena));
        json_object_setn_new(keys, change->key.size == 0 ? "" : (const char *)change->key.data, change->key.size, json);
    }
    return keys;
}

static void on_change(struct crdt_observer *self, struct crdt_txn *txn) {
    struct conform_handle *handle = (struct conform_handle *)(void *)((char *)self - offsetof(struct conform_handle, observer));
    struct arena arena;
    struct crdt_events events;
    arena_init(&arena, &mem_default, SIZE_MAX);
    if (crdt_txn_events(txn, NULL, &arena, &events) != STATUS_OK)
        abort();
    for (size_t i = 0; i < events.count; i++) {
        const struct crdt_event *event = &events.list[i];
        json_t *json = json_object();
        json_object_set_new(json, "root", conform_text(event->root));
        json_object_set_new(json, "path", path_json(event));
        json_object_set_new(json, "delta", delta_json(handle->doc, event, &arena));
        json_object_set_new(json, "keys", keys_json(handle->doc, event, &arena));
        json_array_append_new(handle->events, json);
    }
    arena_finish(&arena);
}

static void op_observe(json_t *question, json_t *answer, struct crdt_doc *doc) {
    (void)answer;
    struct conform_handle *handle = conform_handle_find(json_string_value(json_object_get(question, "doc")));
    if (handle->events != NULL)
        return;
    handle->events = json_array();
    handle->observer.on_change = on_change;
    crdt_doc_observe(doc, &handle->observer);
    conform_answer_status(answer, crdt_undo_create(&(struct crdt_undo_options){ .doc = doc }, &handle->undo));
}

static void op_undo(json_t *question, json_t *answer, struct crdt_doc *doc) {
    struct conform_handle *handle = conform_handle_find(json_string_value(json_object_get(question, "doc")));
    struct bytes_writer update;
    bool done;
    bytes_writer_init(&update, &mem_default, SIZE_MAX);
    enum status status = json_is_true(json_object_get(question, "redo")) ? crdt_redo(handle->undo, &update, &done)
                                                                         : crdt_undo(handle->undo, &update, &done);
    conform_answer_status(answer, status);
    conform_answer_check(answer, doc);
    json_object_set_new(answer, "done", json_boolean(done));
    json_object_set_new(answer, "update", update.size == 0 ? json_null() : conform_base64_encode(bytes_written(&update)));
    bytes_writer_finish(&update);
}

const struct conform_op conform_observing[] = { { "observe", op_observe, false },
                                                { "undo", op_undo, false },
                                                { NULL, NULL, false } };
