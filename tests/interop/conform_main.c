/* conform_main.c — crdt-conform: the engine behind a pipe, one JSON question a line, one answer a line.
 *
 * The questions are those of tests/data/yjs-corpus/crdt-conformance.md; what the engine does not offer is answered `unsupported`. A
 * test tool: it looks into the document where the public headers do not lead (which clients pending waits for). */
#include "crdt/crdt.h"
#include "src/doc_check.h"
#include "src/store.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { HANDLES_MAX = 64 };

static struct handle {
    char *name;
    struct crdt_doc *doc;
} handles[HANDLES_MAX];

static struct handle *handle_find(const char *name) {
    for (size_t i = 0; i < HANDLES_MAX; i++)
        if (handles[i].name != NULL && strcmp(handles[i].name, name) == 0)
            return &handles[i];
    return NULL;
}

static void handle_free(struct handle *handle) {
    if (handle == NULL)
        return;
    crdt_doc_destroy(handle->doc);
    free(handle->name);
    *handle = (struct handle){ NULL, NULL };
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static json_t *base64_encode(struct bytes bytes) {
    char *text = malloc((bytes.size + 2) / 3 * 4 + 1);
    size_t size = 0;
    for (size_t i = 0; i < bytes.size; i += 3) {
        uint32_t group = (uint32_t)bytes.data[i] << 16;
        group |= i + 1 < bytes.size ? (uint32_t)bytes.data[i + 1] << 8 : 0;
        group |= i + 2 < bytes.size ? bytes.data[i + 2] : 0;
        text[size++] = base64_digits[group >> 18];
        text[size++] = base64_digits[group >> 12 & 63];
        text[size++] = i + 1 < bytes.size ? base64_digits[group >> 6 & 63] : '=';
        text[size++] = i + 2 < bytes.size ? base64_digits[group & 63] : '=';
    }
    json_t *value = json_stringn(text, size);
    free(text);
    return value;
}

static struct bytes base64_decode(const char *text) {
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

static struct bytes question_bytes(json_t *question, const char *member) {
    const char *text = json_string_value(json_object_get(question, member));
    return base64_decode(text == NULL ? "" : text);
}

static void free_bytes(struct bytes bytes) {
    free((void *)(uintptr_t)bytes.data);
}

static void answer_error(json_t *answer, const char *what) {
    json_object_set_new(answer, "ok", json_false());
    json_object_set_new(answer, "error", json_string(what));
}

static void answer_unsupported(json_t *answer) {
    json_object_set_new(answer, "ok", json_false());
    json_object_set_new(answer, "unsupported", json_true());
}

static void answer_status(json_t *answer, enum status status) {
    if (status != STATUS_OK)
        answer_error(answer, status_sentence(status));
}

static void answer_check(json_t *answer, const struct crdt_doc *doc) {
    const char *what;
    int invariant = doc_check(doc, &what);
    if (invariant != 0)
        answer_error(answer, what);
}

static void answer_writer(json_t *answer, const char *member, enum status status, struct bytes_writer *writer) {
    if (status == STATUS_OK)
        json_object_set_new(answer, member, base64_encode(bytes_written(writer)));
    else
        answer_status(answer, status);
    bytes_writer_finish(writer);
}

static void op_new(json_t *question, json_t *answer, const char *name) {
    handle_free(handle_find(name));
    json_t *gc = json_object_get(question, "gc");
    struct crdt_doc_options options = { .client_id = (uint64_t)json_integer_value(json_object_get(question, "clientID")),
                                        .gc = gc == NULL || json_is_true(gc) };
    for (size_t i = 0; i < HANDLES_MAX; i++)
        if (handles[i].name == NULL) {
            enum status status = crdt_doc_create(&options, &handles[i].doc);
            if (status == STATUS_OK)
                handles[i].name = strdup(name);
            answer_status(answer, status);
            return;
        }
    answer_error(answer, "too many documents");
}

static void op_apply(json_t *question, json_t *answer, struct crdt_doc *doc) {
    struct bytes update = question_bytes(question, "update");
    struct crdt_update_result result = { 0 };
    struct bytes_writer emitted;
    bytes_writer_init(&emitted, &mem_default, SIZE_MAX);
    struct crdt_txn *txn = crdt_txn_begin(doc);
    enum status status = crdt_update_apply(txn, update, &result);
    enum status committed = crdt_txn_commit(txn, &emitted, NULL);
    answer_status(answer, status == STATUS_OK ? committed : status);
    /* Beyond the protocol: what a server would tell the others. */
    struct bytes relay = result.verbatim ? update : bytes_written(&emitted);
    json_object_set_new(answer, "relay", relay.size > 0 ? base64_encode(relay) : json_null());
    json_object_set_new(answer, "verbatim", json_boolean(result.verbatim));
    bytes_writer_finish(&emitted);
    answer_check(answer, doc);
    free_bytes(update);
}

static void op_pending(json_t *answer, const struct crdt_doc *doc) {
    json_t *missing = json_array();
    for (const struct client *client = doc->pending.missing; client != NULL; client = client->missing_next)
        json_array_append_new(missing, json_pack("[I,I]", (json_int_t)client->id, (json_int_t)client->missing));
    struct crdt_doc_size size = crdt_doc_size(doc);
    json_object_set_new(answer, "structs", json_boolean(size.pending_structs));
    json_object_set_new(answer, "ds", json_boolean(size.pending_deletes));
    json_object_set_new(answer, "missing", missing);
}

/* The root text that `at` names; NULL for anything else. */
static struct crdt_type *address_text(json_t *at, struct crdt_doc *doc) {
    const char *kind = json_string_value(json_object_get(at, "kind"));
    json_t *root = json_object_get(at, "root");
    struct crdt_type *text;
    if (kind == NULL || strcmp(kind, "Text") != 0 || json_array_size(json_object_get(at, "path")) != 0 ||
        crdt_doc_root(doc, bytes_of(json_string_value(root), json_string_length(root)), &text) != STATUS_OK)
        return NULL;
    return text;
}

static void op_text(json_t *question, json_t *answer, struct crdt_doc *doc, bool as_json) {
    struct crdt_type *text = address_text(json_object_get(question, "at"), doc);
    if (text == NULL) {
        answer_unsupported(answer);
        return;
    }
    struct bytes_writer writer;
    bytes_writer_init(&writer, &mem_default, SIZE_MAX);
    enum status status = crdt_text_write(doc, text, &writer);
    if (status == STATUS_OK)
        json_object_set_new(answer, as_json ? "json" : "text",
                            json_stringn(writer.size == 0 ? "" : (const char *)writer.data, writer.size));
    else
        answer_status(answer, status);
    bytes_writer_finish(&writer);
}

/* Plain text only; answers false before anything is changed if an edit is not. */
static bool local_supported(json_t *ops, struct crdt_doc *doc) {
    size_t index;
    json_t *op;
    json_array_foreach(ops, index, op) {
        const char *name = json_string_value(json_object_get(op, "op"));
        struct crdt_type *text = address_text(json_object_get(op, "at"), doc);
        if (name == NULL || text == NULL || json_object_get(op, "attrs") != NULL || text->has_formats)
            return false;
        if (strcmp(name, "insertText") != 0 && strcmp(name, "deleteText") != 0)
            return false;
    }
    return true;
}

static void op_local(json_t *question, json_t *answer, struct crdt_doc *doc) {
    json_t *ops = json_object_get(question, "ops");
    if (!local_supported(ops, doc)) {
        answer_unsupported(answer);
        return;
    }
    struct bytes_writer writer;
    bytes_writer_init(&writer, &mem_default, SIZE_MAX);
    struct crdt_txn *txn = crdt_txn_begin(doc);
    enum status status = STATUS_OK;
    size_t number;
    json_t *op;
    json_array_foreach(ops, number, op) {
        struct crdt_type *text = address_text(json_object_get(op, "at"), doc);
        uint64_t index = (uint64_t)json_integer_value(json_object_get(op, "index"));
        uint64_t length = crdt_text_length(text);
        index = index > length ? length : index;
        if (strcmp(json_string_value(json_object_get(op, "op")), "insertText") == 0) {
            json_t *inserted = json_object_get(op, "text");
            status = crdt_text_insert(txn, text, index, bytes_of(json_string_value(inserted), json_string_length(inserted)));
        } else {
            uint64_t wanted = (uint64_t)json_integer_value(json_object_get(op, "len"));
            status = crdt_text_delete(txn, text, index, wanted > length - index ? length - index : wanted);
        }
        if (status != STATUS_OK)
            break;
    }
    enum status committed = crdt_txn_commit(txn, &writer, NULL);
    status = status == STATUS_OK ? committed : status;
    answer_check(answer, doc);
    json_object_set_new(answer, "updateV2", json_null());
    if (status == STATUS_OK && writer.size == 0) {
        json_object_set_new(answer, "update", json_null());
        bytes_writer_finish(&writer);
    } else {
        answer_writer(answer, "update", status, &writer);
    }
}

static void answer_question(json_t *question, json_t *answer) {
    const char *op = json_string_value(json_object_get(question, "op"));
    const char *name = json_string_value(json_object_get(question, "doc"));
    op = op == NULL ? "" : op;
    json_object_set_new(answer, "ok", json_true());
    if (strcmp(op, "hello") == 0) {
        json_object_set_new(answer, "name", json_string("vibesync crdt"));
        return;
    }
    if (strcmp(op, "new") == 0 && name != NULL) {
        op_new(question, answer, name);
        return;
    }
    struct handle *handle = name == NULL ? NULL : handle_find(name);
    if (handle == NULL) {
        answer_unsupported(answer);
        return;
    }
    struct crdt_doc *doc = handle->doc;
    struct bytes_writer writer;
    bytes_writer_init(&writer, &mem_default, SIZE_MAX);
    if (strcmp(op, "free") == 0) {
        handle_free(handle);
    } else if (strcmp(op, "apply") == 0) {
        op_apply(question, answer, doc);
    } else if (strcmp(op, "pending") == 0) {
        op_pending(answer, doc);
    } else if (strcmp(op, "stateVector") == 0) {
        answer_writer(answer, "sv", crdt_state_vector_encode(doc, &writer), &writer);
    } else if (strcmp(op, "encode") == 0) {
        answer_writer(answer, "update", crdt_update_encode(doc, &writer), &writer);
    } else if (strcmp(op, "diff") == 0 && json_integer_value(json_object_get(question, "v")) == 1) {
        struct bytes state_vector = question_bytes(question, "sv");
        answer_writer(answer, "update", crdt_update_encode_diff(doc, state_vector, &writer), &writer);
        free_bytes(state_vector);
    } else if (strcmp(op, "text") == 0) {
        op_text(question, answer, doc, false);
    } else if (strcmp(op, "json") == 0) {
        op_text(question, answer, doc, true);
    } else if (strcmp(op, "local") == 0) {
        op_local(question, answer, doc);
    } else {
        answer_unsupported(answer);
    }
}

int main(void) {
    char *line = NULL;
    size_t capacity = 0;
    ssize_t size;
    while ((size = getline(&line, &capacity, stdin)) > 0) {
        json_t *question = json_loadb(line, (size_t)size, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
        json_t *answer = json_object();
        json_t *id = json_object_get(question, "id");
        json_object_set(answer, "id", id == NULL ? json_null() : id);
        answer_question(question, answer);
        json_dumpf(answer, stdout, JSON_COMPACT);
        putchar('\n');
        fflush(stdout);
        json_decref(answer);
        json_decref(question);
    }
    free(line);
    for (size_t i = 0; i < HANDLES_MAX; i++)
        if (handles[i].name != NULL)
            handle_free(&handles[i]);
    return 0;
}
