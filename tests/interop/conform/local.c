/* local.c — local edits, one transaction a question. */
#include "conform.h"
#include "src/store.h"

static struct crdt_type *local_text(json_t *op, struct crdt_doc *doc) {
    json_t *at = json_object_get(op, "at");
    const char *kind = json_string_value(json_object_get(at, "kind"));
    json_t *unused = json_object();
    bool plain = kind != NULL && strcmp(kind, "Text") == 0 && json_array_size(json_object_get(at, "path")) == 0;
    struct crdt_type *text = plain ? conform_address(op, unused, doc, NULL) : NULL;
    json_decref(unused);
    return text;
}

/* Plain text only; answers false before anything is changed if an edit is not. */
static bool local_supported(json_t *ops, struct crdt_doc *doc) {
    size_t index;
    json_t *op;
    json_array_foreach(ops, index, op) {
        const char *name = json_string_value(json_object_get(op, "op"));
        struct crdt_type *text = local_text(op, doc);
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
        conform_answer_unsupported(answer);
        return;
    }
    struct bytes_writer writer;
    bytes_writer_init(&writer, &mem_default, SIZE_MAX);
    struct crdt_txn *txn = crdt_txn_begin(doc);
    enum status status = STATUS_OK;
    size_t number;
    json_t *op;
    json_array_foreach(ops, number, op) {
        struct crdt_type *text = local_text(op, doc);
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
    conform_answer_check(answer, doc);
    json_object_set_new(answer, "updateV2", json_null());
    if (status == STATUS_OK && writer.size == 0) {
        json_object_set_new(answer, "update", json_null());
        bytes_writer_finish(&writer);
    } else {
        conform_answer_writer(answer, "update", status, &writer);
    }
}

const struct conform_op conform_local[] = { { "local", op_local, false }, { NULL, NULL, false } };
