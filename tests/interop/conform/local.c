/* local.c — local edits, one transaction a question. */
#include "conform.h"

#include <math.h>

/* ---- tagged JSON → values, in an arena ---- */

static const char *tag_of(json_t *json) {
    if (!json_is_object(json) || json_object_size(json) != 1)
        return NULL;
    const char *key = json_object_iter_key(json_object_iter(json));
    return key[0] == '$' && key[1] != '$' ? key : NULL;
}

static struct bytes text_of(json_t *json) {
    return bytes_of(json_string_value(json), json_string_length(json));
}

static struct crdt_value value_of(json_t *json, struct arena *arena);

static struct crdt_object_value object_of(json_t *json, struct arena *arena) {
    struct crdt_member *members = arena_alloc(arena, (json_object_size(json) + 1) * sizeof *members);
    size_t count = 0;
    for (void *at = json_object_iter(json); at != NULL; at = json_object_iter_next(json, at)) {
        struct bytes key = bytes_of(json_object_iter_key(at), json_object_iter_key_len(at));
        bool escaped = key.size > 0 && key.data[0] == '$';
        members[count].key = bytes_of(key.data + escaped, key.size - escaped);
        members[count++].value = value_of(json_object_iter_value(at), arena);
    }
    return (struct crdt_object_value){ members, count };
}

static struct crdt_value tagged_value(const char *tag, json_t *inner, struct arena *arena) {
    struct crdt_value value = { .kind = CRDT_UNDEFINED };
    if (strcmp(tag, "$n") == 0) {
        const char *name = json_string_value(inner);
        return crdt_number(strcmp(name, "NaN") == 0         ? NAN
                           : strcmp(name, "-0") == 0        ? -0.0
                           : strcmp(name, "-Infinity") == 0 ? -INFINITY
                                                            : INFINITY);
    }
    if (strcmp(tag, "$i") == 0)
        return (struct crdt_value){ .kind = CRDT_BIGINT, .bigint = strtoll(json_string_value(inner), NULL, 10) };
    if (strcmp(tag, "$b") == 0) {
        struct bytes bytes = conform_base64_decode(json_string_value(inner));
        value = (struct crdt_value){ .kind = CRDT_BYTES, .bytes = arena_copy(arena, bytes) };
        conform_free_bytes(bytes);
    } else if (strcmp(tag, "$doc") == 0) {
        struct crdt_value *options = arena_alloc(arena, sizeof *options);
        *options = (struct crdt_value){ .kind = CRDT_OBJECT, .object = object_of(json_object_get(inner, "opts"), arena) };
        value.kind = CRDT_SUBDOC;
        value.subdoc.guid = text_of(json_object_get(inner, "guid"));
        value.subdoc.options = options;
    }
    return value;
}

static struct crdt_value value_of(json_t *json, struct arena *arena) {
    const char *tag = tag_of(json);
    if (tag != NULL)
        return tagged_value(tag, json_object_get(json, tag), arena);
    if (json_is_string(json))
        return crdt_string(text_of(json));
    if (json_is_number(json))
        return crdt_number(json_number_value(json));
    if (json_is_boolean(json))
        return crdt_bool(json_is_true(json));
    if (json_is_object(json))
        return (struct crdt_value){ .kind = CRDT_OBJECT, .object = object_of(json, arena) };
    if (!json_is_array(json))
        return crdt_null();
    struct crdt_value *items = arena_alloc(arena, (json_array_size(json) + 1) * sizeof *items);
    for (size_t i = 0; i < json_array_size(json); i++)
        items[i] = value_of(json_array_get(json, i), arena);
    return (struct crdt_value){ .kind = CRDT_ARRAY, .array = { items, json_array_size(json) } };
}

/* ---- edits ---- */

struct local {
    struct crdt_txn *txn;
    struct arena arena;
};

static json_t *new_of(json_t *value) {
    const char *tag = tag_of(value);
    return tag != NULL && strcmp(tag, "$new") == 0 ? json_object_get(value, "$new") : NULL;
}

static enum status fill_new(struct local *local, struct crdt_type *type, json_t *what);

static enum status insert_values(struct local *local, struct crdt_type *type, uint64_t index, json_t *values) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < json_array_size(values) && status == STATUS_OK;) {
        json_t *what = new_of(json_array_get(values, i));
        if (what != NULL) {
            struct crdt_type *made;
            status =
                crdt_array_insert_type(local->txn, type, index + i, conform_kind(json_string_value(json_object_get(what, "kind"))),
                                       text_of(json_object_get(what, "name")), &made);
            if (status == STATUS_OK)
                status = fill_new(local, made, what);
            i++;
            continue;
        }
        size_t end = i;
        while (end < json_array_size(values) && new_of(json_array_get(values, end)) == NULL)
            end++;
        struct crdt_value *plain = arena_alloc(&local->arena, (end - i) * sizeof *plain);
        for (size_t at = i; at < end; at++)
            plain[at - i] = value_of(json_array_get(values, at), &local->arena);
        status = crdt_array_insert(local->txn, type, index + i, plain, end - i);
        i = end;
    }
    return status;
}

static enum status set_key(struct local *local, struct crdt_type *type, json_t *key, json_t *value) {
    json_t *what = new_of(value);
    if (what == NULL) {
        struct crdt_value plain = value_of(value, &local->arena);
        return crdt_map_set(local->txn, type, text_of(key), &plain);
    }
    struct crdt_type *made;
    enum status status =
        crdt_map_set_type(local->txn, type, text_of(key), conform_kind(json_string_value(json_object_get(what, "kind"))),
                          text_of(json_object_get(what, "name")), &made);
    return status == STATUS_OK ? fill_new(local, made, what) : status;
}

static enum status fill_new(struct local *local, struct crdt_type *type, json_t *what) {
    json_t *text = json_object_get(what, "text");
    json_t *entries = json_object_get(what, "entries");
    enum status status = STATUS_OK;
    if (text != NULL)
        status = crdt_text_insert(local->txn, type, 0, text_of(text));
    if (status == STATUS_OK)
        status = insert_values(local, type, 0, json_object_get(what, "items"));
    for (size_t i = 0; i < json_array_size(entries) && status == STATUS_OK; i++) {
        json_t *entry = json_array_get(entries, i);
        status = set_key(local, type, json_array_get(entry, 0), json_array_get(entry, 1));
    }
    return status;
}

static enum status insert_embed(struct local *local, struct crdt_type *text, uint64_t index, json_t *value,
                                const struct crdt_object_value *attributes) {
    json_t *what = new_of(value);
    if (what == NULL) {
        struct crdt_value embed = value_of(value, &local->arena);
        return crdt_text_insert_embed(local->txn, text, index, &embed, attributes);
    }
    struct crdt_type *made;
    enum status status =
        crdt_text_insert_type(local->txn, text, index, conform_kind(json_string_value(json_object_get(what, "kind"))),
                              text_of(json_object_get(what, "name")), attributes, &made);
    return status == STATUS_OK ? fill_new(local, made, what) : status;
}

static enum status apply_delta(struct local *local, struct crdt_type *text, json_t *delta) {
    struct crdt_delta_step *steps = arena_alloc(&local->arena, (json_array_size(delta) + 1) * sizeof *steps);
    for (size_t i = 0; i < json_array_size(delta); i++) {
        json_t *op = json_array_get(delta, i);
        json_t *insert = json_object_get(op, "insert");
        json_t *retain = json_object_get(op, "retain");
        steps[i].kind = insert != NULL ? CRDT_INSERT : retain != NULL ? CRDT_RETAIN : CRDT_DELETE;
        steps[i].length = (uint64_t)json_integer_value(retain != NULL ? retain : json_object_get(op, "delete"));
        if (insert != NULL)
            steps[i].insert = value_of(insert, &local->arena);
        steps[i].attributes = object_of(json_object_get(op, "attributes"), &local->arena);
    }
    return crdt_text_apply_delta(local->txn, text, steps, json_array_size(delta));
}

static enum status edit(struct local *local, json_t *op, struct crdt_type *type) {
    const char *name = json_string_value(json_object_get(op, "op"));
    uint64_t length = crdt_type_length(type);
    uint64_t index = (uint64_t)json_integer_value(json_object_get(op, "index"));
    uint64_t wanted = (uint64_t)json_integer_value(json_object_get(op, "len"));
    json_t *given = json_object_get(op, "attrs");
    struct crdt_object_value attributes = object_of(given, &local->arena);
    if (strcmp(name, "mapSet") == 0)
        return set_key(local, type, json_object_get(op, "key"), json_object_get(op, "value"));
    if (strcmp(name, "insert") == 0)
        return insert_values(local, type, index, json_object_get(op, "values"));
    if (strcmp(name, "applyDelta") == 0)
        return apply_delta(local, type, json_object_get(op, "delta"));
    if (strcmp(name, "mapDelete") == 0)
        return crdt_map_delete(local->txn, type, text_of(json_object_get(op, "key")));
    if (strcmp(name, "mapClear") == 0)
        return crdt_map_clear(local->txn, type);
    /* Yjs takes what is behind the end of a text for its end; there is nothing to delete. */
    uint64_t place = index > length ? CRDT_TEXT_END : index;
    if (strcmp(name, "insertText") == 0)
        return crdt_text_insert_formatted(local->txn, type, place, text_of(json_object_get(op, "text")),
                                          given == NULL ? NULL : &attributes);
    if (strcmp(name, "insertEmbed") == 0)
        return insert_embed(local, type, place, json_object_get(op, "value"), given == NULL ? NULL : &attributes);
    if (strcmp(name, "format") == 0)
        return crdt_text_format(local->txn, type, place, wanted, &attributes);
    if (index > length)
        return STATUS_OK;
    wanted = wanted > length - index ? length - index : wanted;
    if (strcmp(name, "deleteText") == 0)
        return crdt_text_delete(local->txn, type, index, wanted);
    if (strcmp(name, "delete") == 0)
        return crdt_array_delete(local->txn, type, index, wanted);
    return STATUS_UNSUPPORTED;
}

static void op_local(json_t *question, json_t *answer, struct crdt_doc *doc) {
    json_t *ops = json_object_get(question, "ops");
    struct local local = { .txn = crdt_txn_begin(doc) };
    struct bytes_writer v1;
    struct bytes_writer v2;
    enum status status = STATUS_OK;
    size_t number;
    json_t *op;
    bytes_writer_init(&v1, &mem_default, SIZE_MAX);
    bytes_writer_init(&v2, &mem_default, SIZE_MAX);
    arena_init(&local.arena, &mem_default, SIZE_MAX);
    json_array_foreach(ops, number, op) {
        struct crdt_type *type = conform_address(op, answer, doc, NULL);
        status = type == NULL ? STATUS_NOT_FOUND : edit(&local, op, type);
        if (status != STATUS_OK)
            break;
    }
    enum status committed = crdt_txn_commit(local.txn, &v1, NULL);
    status = status == STATUS_OK ? committed : status;
    if (status == STATUS_OK && v1.size > 0)
        status = crdt_updates_convert(CRDT_V1, CRDT_V2, bytes_written(&v1), &v2);
    conform_answer_status(answer, status);
    conform_answer_check(answer, doc);
    json_object_set_new(answer, "update", v1.size == 0 ? json_null() : conform_base64_encode(bytes_written(&v1)));
    json_object_set_new(answer, "updateV2", v1.size == 0 ? json_null() : conform_base64_encode(bytes_written(&v2)));
    bytes_writer_finish(&v1);
    bytes_writer_finish(&v2);
    arena_finish(&local.arena);
}

const struct conform_op conform_local[] = { { "local", op_local, false }, { NULL, NULL, false } };
