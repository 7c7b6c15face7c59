/* conform.h — what the files of crdt-conform share: documents by handle, bytes as base64, answers.
 *
 * The questions are those of tests/data/yjs-corpus/crdt-conformance.md. Each file answers a group of them and has a table:
 *
 *     documents.c   new, apply, pending, encode …        formats.c   applyV2, merge, snapshot …
 *     reading.c     text, json …                         local.c     local
 *     observing.c   beyond the protocol: observe, undo   question.c    no questions: what a line says
 */
#ifndef TESTS_CONFORM_H
#define TESTS_CONFORM_H

#include "crdt/crdt.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

struct conform_handle {
    char *name;
    struct crdt_doc *doc;
    struct crdt_observer observer;
    json_t *events; /* of the last transactions; NULL: nobody observes */
    struct crdt_undo *undo;
};

struct conform_op {
    const char *name; /* NULL ends a table */
    /* `doc` NULL: the question names no document that exists. */
    void (*answer)(json_t *question, json_t *answer, struct crdt_doc *doc);
    bool without_doc;
};

extern const struct conform_op conform_documents[], conform_formats[], conform_reading[], conform_local[], conform_observing[];

/* What the line says; NULL: not JSON. */
json_t *conform_question(const char *line, size_t size);

/* NULL if there is none of that name. */
struct conform_handle *conform_handle_find(const char *name);
void conform_handle_free(struct conform_handle *handle);
/* Makes the handle, in place of one of the same name; the question's error is answered. NULL on failure. */
struct crdt_doc *conform_handle_make(json_t *answer, const char *name, const struct crdt_doc_options *options);
void conform_handles_finish(void);

json_t *conform_base64_encode(struct bytes bytes);
/* The question's member, decoded; to be freed with conform_free_bytes. */
struct bytes conform_question_bytes(json_t *question, const char *member);
struct bytes conform_base64_decode(const char *text);
void conform_free_bytes(struct bytes bytes);

void conform_answer_error(json_t *answer, const char *what);
void conform_answer_unsupported(json_t *answer);
/* An error, if it is one. */
void conform_answer_status(json_t *answer, enum status status);
/* An error, if an invariant of the document is broken. */
void conform_answer_check(json_t *answer, const struct crdt_doc *doc);
/* What was written, as base64, or the error; finishes the writer. */
void conform_answer_writer(json_t *answer, const char *member, enum status status, struct bytes_writer *writer);

/* The type that the question's `at` names; NULL after answering an error. `out_kind` may be NULL. */
struct crdt_type *conform_address(json_t *question, json_t *answer, struct crdt_doc *doc, enum crdt_type_kind *out_kind);
enum crdt_type_kind conform_kind(const char *name);
/* {"root": name} or {"item": [client, clock]}. */
json_t *conform_type_name(const struct crdt_doc *doc, const struct crdt_type *type);
json_t *conform_text(struct bytes bytes);
json_t *conform_tagged_object(const struct crdt_doc *doc, struct crdt_object_value object, struct arena *arena);
/* A value as tagged JSON. The arena may grow. */
json_t *conform_tagged(const struct crdt_doc *doc, const struct crdt_value *value, struct arena *arena);

#endif
