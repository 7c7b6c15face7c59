/* conform_main.c — crdt-conform: the engine behind a pipe, one JSON question a line, one answer a line.
 *
 * What the engine does not offer is answered `unsupported`. */
#include "conform.h"

static const struct conform_op *const tables[] = { conform_documents, conform_formats, conform_reading, conform_local,
                                                   conform_observing };

static const struct conform_op *find_op(const char *name) {
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const struct conform_op *op = tables[i]; op->name != NULL; op++)
            if (strcmp(op->name, name) == 0)
                return op;
    return NULL;
}

static void answer_question(json_t *question, json_t *answer) {
    const char *name = json_string_value(json_object_get(question, "op"));
    const char *doc_name = json_string_value(json_object_get(question, "doc"));
    json_object_set_new(answer, "ok", json_true());
    if (name != NULL && strcmp(name, "hello") == 0) {
        json_object_set_new(answer, "name", json_string("vibesync crdt"));
        return;
    }
    const struct conform_op *op = name == NULL ? NULL : find_op(name);
    struct conform_handle *handle = doc_name == NULL ? NULL : conform_handle_find(doc_name);
    if (op == NULL || (handle == NULL && !op->without_doc))
        conform_answer_unsupported(answer);
    else
        op->answer(question, answer, handle == NULL ? NULL : handle->doc);
    handle = doc_name == NULL ? NULL : conform_handle_find(doc_name);
    if (handle != NULL && handle->events != NULL && json_array_size(handle->events) > 0) {
        json_object_set_new(answer, "events", handle->events);
        handle->events = json_array();
    }
}

int main(void) {
    char *line = NULL;
    size_t capacity = 0;
    ssize_t size;
    while ((size = getline(&line, &capacity, stdin)) > 0) {
        json_t *question = conform_question(line, (size_t)size);
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
    conform_handles_finish();
    return 0;
}
