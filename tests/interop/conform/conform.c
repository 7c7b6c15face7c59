/* conform.c — see conform.h. */
#include "conform.h"

#include "src/doc_check.h"
#include "src/store.h"

enum { HANDLES_MAX = 64 };

static struct conform_handle handles[HANDLES_MAX];

struct conform_handle *conform_handle_find(const char *name) {
    for (size_t i = 0; i < HANDLES_MAX; i++)
        if (handles[i].name != NULL && strcmp(handles[i].name, name) == 0)
            return &handles[i];
    return NULL;
}

void conform_handle_free(struct conform_handle *handle) {
    if (handle == NULL)
        return;
    crdt_undo_destroy(handle->undo);
    crdt_doc_destroy(handle->doc);
    free(handle->name);
    json_decref(handle->events);
    *handle = (struct conform_handle){ .name = NULL };
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

json_t *conform_base64_encode(struct bytes bytes) {
    char *text = malloc((bytes.size + 2) / 3 * 4 + 1);
    size_t size = 0;
    for (size_t i = 0; i < bytes.size; i += 3) {
        uint32_t group = (uint32_t)bytes.data[i] << 16;
        group |= i + 1 < bytes.size ? (uint32_t)bytes.data[i + 1] << 8 : 0;
        group |= i + 2 < bytes.size ? bytes.data[i + 2] : 0;
        text[size++] = base64_digits[group >> 18];
        text[size++] = base64_digits[group >> 12 & 63];
        text[size++] = (char)(i + 1 < bytes.size ? base64_digits[group >> 6 & 63] : '=');
        text[size++] = (char)(i + 2 < bytes.size ? base64_digits[group & 63] : '=');
    }
    json_t *value = json_stringn(text, size);
    free(text);
    return value;
}

struct bytes conform_base64_decode(const char *text) {
    size_t size = strlen(text);
    uint8_t *data = malloc(size / 4 * 3 + 1);
    size_t out = 0;
    uint32_t group = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < size && text[i] != '='; i++) {
        const char *digit = strchr(base64_digits, text[i]);
        group = group << 6 | (uint32_t)(digit == NULL ? 0 : digit - base64_digits);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            data[out++] = (uint8_t)(group >> bits);
        }
    }
    return bytes_of(data, out);
}

struct bytes conform_question_bytes(json_t *question, const char *member) {
    const char *text = json_string_value(json_object_get(question, member));
    return conform_base64_decode(text == NULL ? "" : text);
}

void conform_free_bytes(struct bytes bytes) {
    free((void *)(uintptr_t)bytes.data);
}

void conform_answer_error(json_t *answer, const char *what) {
    json_object_set_new(answer, "ok", json_false());
    json_object_set_new(answer, "error", json_string(what));
}

void conform_answer_unsupported(json_t *answer) {
    json_object_set_new(answer, "ok", json_false());
    json_object_set_new(answer, "unsupported", json_true());
}

void conform_answer_status(json_t *answer, enum status status) {
    if (status != STATUS_OK)
        conform_answer_error(answer, status_sentence(status));
}

void conform_answer_check(json_t *answer, const struct crdt_doc *doc) {
    const char *what;
    int invariant = doc_check(doc, &what);
    if (invariant != 0)
        conform_answer_error(answer, what);
}

void conform_answer_writer(json_t *answer, const char *member, enum status status, struct bytes_writer *writer) {
    if (status == STATUS_OK)
        json_object_set_new(answer, member, conform_base64_encode(bytes_written(writer)));
    else
        conform_answer_status(answer, status);
    bytes_writer_finish(writer);
}

struct crdt_doc *conform_handle_make(json_t *answer, const char *name, const struct crdt_doc_options *options) {
    conform_handle_free(conform_handle_find(name));
    for (size_t i = 0; i < HANDLES_MAX; i++)
        if (handles[i].name == NULL) {
            enum status status = crdt_doc_create(options, &handles[i].doc);
            conform_answer_status(answer, status);
            if (status != STATUS_OK)
                return NULL;
            handles[i].name = strdup(name);
            return handles[i].doc;
        }
    conform_answer_error(answer, "too many documents");
    return NULL;
}

void conform_handles_finish(void) {
    for (size_t i = 0; i < HANDLES_MAX; i++)
        if (handles[i].name != NULL)
            conform_handle_free(&handles[i]);
}

struct crdt_type *conform_address(json_t *question, json_t *answer, struct crdt_doc *doc, enum crdt_type_kind *out_kind) {
    json_t *at = json_object_get(question, "at");
    json_t *root = json_object_get(at, "root");
    json_t *path = json_object_get(at, "path");
    struct crdt_type *type = NULL;
    struct crdt_value value;
    struct arena arena;
    size_t index;
    json_t *step;
    enum status status = crdt_doc_root(doc, bytes_of(json_string_value(root), json_string_length(root)), &type);
    arena_init(&arena, &mem_default, SIZE_MAX);
    json_array_foreach(path, index, step) {
        if (status != STATUS_OK)
            break;
        struct bytes key = json_is_string(step) ? bytes_of(json_string_value(step), json_string_length(step)) : bytes_of(NULL, 0);
        status = json_is_string(step) ? crdt_map_get(doc, type, key, &arena, &value)
                                      : crdt_array_get(doc, type, (uint64_t)json_integer_value(step), &arena, &value);
        if (status == STATUS_OK && value.kind != CRDT_TYPE)
            status = STATUS_NOT_FOUND;
        type = status == STATUS_OK ? value.type : NULL;
    }
    arena_finish(&arena);
    conform_answer_status(answer, status);
    if (out_kind != NULL)
        *out_kind = conform_kind(json_string_value(json_object_get(at, "kind")));
    return status == STATUS_OK ? type : NULL;
}

json_t *conform_type_name(const struct crdt_doc *doc, const struct crdt_type *type) {
    if (type->item == ITEM_NONE)
        return json_pack("{s:s#}", "root", type->name.size == 0 ? "" : (const char *)type->name.data, (int)type->name.size);
    const struct item *item = doc_item(doc, type->item);
    return json_pack("{s:[I,I]}", "item", (json_int_t)doc->clients[item->client]->id, (json_int_t)item->clock);
}
