/* documents.c — questions about whole documents. It looks into the document where the public headers do not lead (which clients
 * pending waits for). */
#include "conform.h"
#include "src/store.h"

static void op_new(json_t *question, json_t *answer, struct crdt_doc *doc) {
    (void)doc;
    json_t *gc = json_object_get(question, "gc");
    struct crdt_doc_options options = { .client_id = (uint64_t)json_integer_value(json_object_get(question, "clientID")),
                                        .gc = gc == NULL || json_is_true(gc) };
    conform_handle_make(answer, json_string_value(json_object_get(question, "doc")), &options);
}

static void op_free(json_t *question, json_t *answer, struct crdt_doc *doc) {
    (void)answer;
    (void)doc;
    conform_handle_free(conform_handle_find(json_string_value(json_object_get(question, "doc"))));
}

static void op_apply(json_t *question, json_t *answer, struct crdt_doc *doc) {
    struct bytes update = conform_question_bytes(question, "update");
    struct crdt_update_result result = { 0 };
    struct bytes_writer emitted;
    bytes_writer_init(&emitted, &mem_default, SIZE_MAX);
    struct crdt_txn *txn = crdt_txn_begin(doc);
    enum status status = crdt_update_apply(txn, update, &result);
    enum status committed = crdt_txn_commit(txn, &emitted, NULL);
    conform_answer_status(answer, status == STATUS_OK ? committed : status);
    /* Beyond the protocol: what a server would tell the others. */
    struct bytes relay = result.verbatim ? update : bytes_written(&emitted);
    json_object_set_new(answer, "relay", relay.size > 0 ? conform_base64_encode(relay) : json_null());
    json_object_set_new(answer, "verbatim", json_boolean(result.verbatim));
    json_object_set_new(answer, "woke", json_boolean(result.woke));
    bytes_writer_finish(&emitted);
    conform_answer_check(answer, doc);
    conform_free_bytes(update);
}

static void op_pending(json_t *question, json_t *answer, struct crdt_doc *doc) {
    (void)question;
    json_t *missing = json_array();
    for (const struct client *client = doc->seldom->pending.missing; client != NULL; client = client->missing_next)
        json_array_append_new(missing, json_pack("[I,I]", (json_int_t)client->id, (json_int_t)client->missing));
    struct crdt_doc_size size = crdt_doc_size(doc);
    json_object_set_new(answer, "structs", json_boolean(size.pending_structs));
    json_object_set_new(answer, "ds", json_boolean(size.pending_deletes));
    json_object_set_new(answer, "missing", missing);
}

static struct bytes_writer writer_make(void) {
    struct bytes_writer writer;
    bytes_writer_init(&writer, &mem_default, SIZE_MAX);
    return writer;
}

static void op_state_vector(json_t *question, json_t *answer, struct crdt_doc *doc) {
    (void)question;
    struct bytes_writer writer = writer_make();
    conform_answer_writer(answer, "sv", crdt_state_vector_encode(doc, &writer), &writer);
}

static void op_encode(json_t *question, json_t *answer, struct crdt_doc *doc) {
    (void)question;
    struct bytes_writer writer = writer_make();
    conform_answer_writer(answer, "update", crdt_update_encode(doc, &writer), &writer);
}

const struct conform_op conform_documents[] = {
    { "new", op_new, true },
    { "free", op_free, false },
    { "apply", op_apply, false },
    { "pending", op_pending, false },
    { "stateVector", op_state_vector, false },
    { "encode", op_encode, false },
    { NULL, NULL, false },
};
