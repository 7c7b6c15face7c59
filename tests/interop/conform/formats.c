/* formats.c — questions about update v2, updates without a document, snapshots. */
#include "conform.h"
#include "src/doc_check.h"

static struct bytes_writer writer_make(void) {
    struct bytes_writer writer;
    bytes_writer_init(&writer, &mem_default, SIZE_MAX);
    return writer;
}

static enum crdt_format format_of(json_t *question, const char *member) {
    return json_integer_value(json_object_get(question, member)) == 2 ? CRDT_V2 : CRDT_V1;
}

static void op_apply_v2(json_t *question, json_t *answer, struct crdt_doc *doc) {
    struct bytes update = conform_question_bytes(question, "update");
    struct crdt_txn *txn = crdt_txn_begin(doc);
    enum status status = crdt_update_apply_v2(txn, update, NULL);
    crdt_txn_commit(txn, NULL, NULL);
    conform_answer_status(answer, status);
    conform_answer_check(answer, doc);
    conform_free_bytes(update);
}

static void op_encode_v2(json_t *question, json_t *answer, struct crdt_doc *doc) {
    (void)question;
    struct bytes_writer writer = writer_make();
    conform_answer_writer(answer, "update", crdt_update_encode_v2(doc, &writer), &writer);
}

static void op_diff(json_t *question, json_t *answer, struct crdt_doc *doc) {
    struct bytes state_vector = conform_question_bytes(question, "sv");
    struct bytes_writer writer = writer_make();
    enum status status = format_of(question, "v") == CRDT_V2 ? crdt_update_encode_diff_v2(doc, state_vector, &writer)
                                                             : crdt_update_encode_diff(doc, state_vector, &writer);
    conform_answer_writer(answer, "update", status, &writer);
    conform_free_bytes(state_vector);
}

static void op_merge(json_t *question, json_t *answer, struct crdt_doc *doc) {
    (void)doc;
    json_t *texts = json_object_get(question, "updates");
    size_t count = json_array_size(texts);
    struct bytes *updates = calloc(count + 1, sizeof *updates);
    for (size_t i = 0; i < count; i++)
        updates[i] = conform_base64_decode(json_string_value(json_array_get(texts, i)));
    struct bytes_writer writer = writer_make();
    conform_answer_writer(answer, "update", crdt_updates_merge(format_of(question, "v"), updates, count, &writer), &writer);
    for (size_t i = 0; i < count; i++)
        conform_free_bytes(updates[i]);
    free(updates);
}

static void op_diff_update(json_t *question, json_t *answer, struct crdt_doc *doc) {
    (void)doc;
    struct bytes update = conform_question_bytes(question, "update");
    struct bytes state_vector = conform_question_bytes(question, "sv");
    struct bytes_writer writer = writer_make();
    conform_answer_writer(answer, "update", crdt_updates_diff(format_of(question, "v"), update, state_vector, &writer), &writer);
    conform_free_bytes(update);
    conform_free_bytes(state_vector);
}

static void op_state_vector_of(json_t *question, json_t *answer, struct crdt_doc *doc) {
    (void)doc;
    struct bytes update = conform_question_bytes(question, "update");
    struct bytes_writer writer = writer_make();
    conform_answer_writer(answer, "sv", crdt_updates_state_vector(format_of(question, "v"), update, &writer), &writer);
    conform_free_bytes(update);
}

static void op_convert(json_t *question, json_t *answer, struct crdt_doc *doc) {
    (void)doc;
    struct bytes update = conform_question_bytes(question, "update");
    enum crdt_format to = format_of(question, "to");
    struct bytes_writer writer = writer_make();
    enum status status = crdt_updates_convert(to == CRDT_V1 ? CRDT_V2 : CRDT_V1, to, update, &writer);
    conform_answer_writer(answer, "update", status, &writer);
    conform_free_bytes(update);
}

static void op_snapshot(json_t *question, json_t *answer, struct crdt_doc *doc) {
    struct bytes_writer writer = writer_make();
    enum crdt_format format = json_object_get(question, "v") == NULL ? CRDT_V1 : format_of(question, "v");
    conform_answer_writer(answer, "snapshot", crdt_snapshot_encode(doc, format, &writer), &writer);
}

static void op_restore(json_t *question, json_t *answer, struct crdt_doc *doc) {
    struct bytes snapshot = conform_question_bytes(question, "snapshot");
    struct bytes_writer update = writer_make();
    enum status status = crdt_snapshot_restore(doc, CRDT_V1, snapshot, &update);
    struct crdt_doc *into = NULL;
    if (status == STATUS_OK)
        into = conform_handle_make(answer, json_string_value(json_object_get(question, "into")), &(struct crdt_doc_options){ 0 });
    if (into != NULL) {
        struct crdt_txn *txn = crdt_txn_begin(into);
        status = crdt_update_apply(txn, bytes_written(&update), NULL);
        crdt_txn_commit(txn, NULL, NULL);
        conform_answer_check(answer, into);
    }
    conform_answer_status(answer, status);
    bytes_writer_finish(&update);
    conform_free_bytes(snapshot);
}

const struct conform_op conform_formats[] = {
    { "applyV2", op_apply_v2, false },
    { "encodeV2", op_encode_v2, false },
    { "diff", op_diff, false },
    { "merge", op_merge, true },
    { "diffUpdate", op_diff_update, true },
    { "svFromUpdate", op_state_vector_of, true },
    { "convert", op_convert, true },
    { "snapshot", op_snapshot, false },
    { "restore", op_restore, false },
    { NULL, NULL, false },
};
