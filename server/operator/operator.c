/* operator.c — what the operator's commands share; see operator.h. */
#include "operator/operator.h"

#include "document/root.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPERATOR_BYTES_MAX = 1 << 30 }; /* what one bytea holds */

const char *operator_option(int count, char **arguments, int *index, const char *name) {
    const char *argument = arguments[*index];
    size_t size = strlen(name);
    assert(argument != NULL && *index < count);
    if (strncmp(argument, name, size) != 0)
        return NULL;
    if (argument[size] == '=')
        return argument + size + 1;
    if (argument[size] != '\0')
        return NULL;
    return *index + 1 < count ? arguments[++*index] : "";
}

struct bytes_writer operator_writer(void) {
    struct bytes_writer writer;
    bytes_writer_init(&writer, &mem_default, OPERATOR_BYTES_MAX);
    return writer;
}

int operator_open(const char *url, struct desk **out) {
    char reason[DESK_REASON] = "";
    if (url == NULL || url[0] == '\0') {
        fprintf(stderr, "vibesyncd: this needs --database URL\n");
        return OPERATOR_USAGE;
    }
    enum status status = desk_open(url, reason, out);
    if (status == STATUS_OK)
        return OPERATOR_OK;
    fprintf(stderr, "vibesyncd: %s\n", reason[0] != '\0' ? reason : status_sentence(status));
    return OPERATOR_FAILED;
}

int operator_failed(const char *doing, const struct reply *reply) {
    fprintf(stderr, "vibesyncd: %s: %s\n", doing, reply->error[0] != '\0' ? reply->error : status_sentence(reply->status));
    return OPERATOR_FAILED;
}

static enum status operator_apply(struct crdt_doc *doc, struct bytes update, unsigned *skipped) {
    struct crdt_txn *txn = crdt_txn_begin(doc);
    enum status status = crdt_update_apply(txn, update, NULL);
    crdt_txn_commit(txn, NULL, NULL);
    if (status == STATUS_OK || status == STATUS_NO_MEMORY)
        return status;
    if (skipped == NULL)
        return STATUS_DAMAGED;
    ++*skipped;
    return STATUS_OK;
}

enum status operator_document(struct loaded_document *loaded, unsigned *out_skipped, struct crdt_doc **out) {
    struct crdt_doc_options options = { .gc = true,
                                        .update_bytes_max = OPERATOR_BYTES_MAX,
                                        .pending_bytes_max = OPERATOR_BYTES_MAX };
    struct crdt_doc *doc;
    enum status status = crdt_doc_create(&options, &doc);
    if (status != STATUS_OK)
        return status;
    if (loaded->state.size > 0)
        status = operator_apply(doc, loaded->state, out_skipped);
    struct bytes root_name = loaded->root_name;
    struct journal_entry entry;
    while (status == STATUS_OK && loaded_document_next(loaded, &entry)) {
        bool was_empty = crdt_doc_size(doc).structs == 0;
        status = operator_apply(doc, entry.update, out_skipped);
        if (status == STATUS_OK && was_empty && (entry.flags & JOURNAL_DOOR))
            root_name = root_after_door(doc, root_name);
    }
    if (status != STATUS_OK) {
        crdt_doc_destroy(doc);
        return status;
    }
    loaded->root_name = root_name;
    *out = doc;
    return STATUS_OK;
}

enum status operator_text(struct crdt_doc *doc, struct bytes root_name, struct bytes_writer *out) {
    struct crdt_roots roots = crdt_doc_roots(doc, root_name);
    struct crdt_type *root = NULL;
    if (!roots.named && roots.others)
        return STATUS_NOT_FOUND;
    enum status status = crdt_doc_root(doc, root_name, &root);
    return status == STATUS_OK ? crdt_text_write(doc, root, out) : status;
}

static int operator_say_usage(void) {
    fprintf(stderr, "usage: vibesyncd doc dump FILE [--as text|salvage|update|log|version] [--database URL]\n"
                    "       vibesyncd doc quarantine FILE --reason TEXT [--database URL]\n"
                    "       vibesyncd doc release FILE [--version N | --text FILE] [--database URL]\n"
                    "FILE is a file's id, as in the table files and in the server's log\n");
    return OPERATOR_USAGE;
}

int operator_doc(int count, char **arguments) {
    static const struct {
        const char *verb;
        int (*run)(struct desk *desk, const struct operator_words *words);
    } verbs[] = { { "dump", operator_dump }, { "quarantine", operator_quarantine }, { "release", operator_release } };
    struct operator_words words = { .url = getenv("VIBESYNC_DATABASE") };
    unsigned verb = 0;
    while (verb < 3 && (count < 2 || strcmp(arguments[0], verbs[verb].verb) != 0))
        verb++;
    if (verb == 3)
        return operator_say_usage();
    if (!uuid_parse(bytes_text(arguments[1]), &words.file)) {
        fprintf(stderr, "vibesyncd: \"%s\" is no id of a file\n", arguments[1]);
        return OPERATOR_USAGE;
    }
    struct {
        const char *name;
        unsigned verb; /* 3: all */
        const char **value;
    } options[] = { { "--database", 3, &words.url },
                    { "--as", 0, &words.as },
                    { "--reason", 1, &words.reason },
                    { "--version", 2, &words.version },
                    { "--text", 2, &words.text } };
    for (int i = 2; i < count; i++) {
        unsigned at = 0;
        const char *value = NULL;
        for (; at < 5 && value == NULL; at++)
            if (options[at].verb == 3 || options[at].verb == verb)
                if ((value = operator_option(count, arguments, &i, options[at].name)) != NULL)
                    *options[at].value = value;
        if (value == NULL || value[0] == '\0')
            return operator_say_usage();
    }
    struct desk *desk = NULL;
    int result = operator_open(words.url, &desk);
    if (result == OPERATOR_OK)
        result = verbs[verb].run(desk, &words);
    desk_close(desk);
    return result;
}
