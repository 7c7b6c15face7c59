/* reading.c — questions about what a document holds. */
#include "conform.h"

static void answer_text(json_t *question, json_t *answer, struct crdt_doc *doc, bool as_json) {
    struct crdt_type *text = conform_address_text(json_object_get(question, "at"), doc);
    if (text == NULL) {
        conform_answer_unsupported(answer);
        return;
    }
    struct bytes_writer writer;
    bytes_writer_init(&writer, &mem_default, SIZE_MAX);
    enum status status = crdt_text_write(doc, text, &writer);
    if (status == STATUS_OK)
        json_object_set_new(answer, as_json ? "json" : "text",
                            json_stringn(writer.size == 0 ? "" : (const char *)writer.data, writer.size));
    else
        conform_answer_status(answer, status);
    bytes_writer_finish(&writer);
}

static void op_text(json_t *question, json_t *answer, struct crdt_doc *doc) {
    answer_text(question, answer, doc, false);
}

static void op_json(json_t *question, json_t *answer, struct crdt_doc *doc) {
    answer_text(question, answer, doc, true);
}

const struct conform_op conform_reading[] = { { "text", op_text, false }, { "json", op_json, false }, { NULL, NULL, false } };
