/* dump.c — vibesyncd doc dump: what the database holds of one document, on standard output, also when it is quarantined.
 *
 *   --as text      the text, or why it cannot be had
 *        salvage   the text of everything that can still be read; what is left out is said on stderr
 *        update    the whole document as one Yjs update v1
 *        version   the newest saved version's text: independent of the document's own bytes
 *        log       who added and deleted how much when: a replay of the history and the journal of this epoch
 *
 * The log is how a deletion finds its author: Yjs keeps none, but the entry that deleted was written by somebody. */
#include "operator/operator.h"

#include <stdio.h>
#include <time.h>

static int dump_write(struct bytes bytes) {
    if (bytes.size > 0 && fwrite(bytes.data, 1, bytes.size, stdout) != bytes.size) {
        fprintf(stderr, "vibesyncd: writing failed\n");
        return OPERATOR_FAILED;
    }
    return fflush(stdout) == 0 ? OPERATOR_OK : OPERATOR_FAILED;
}

static int dump_fail(enum status status, const char *reason) {
    fprintf(stderr, "vibesyncd: %s\n", reason[0] != '\0' ? reason : status_sentence(status));
    if (status == STATUS_DAMAGED)
        fprintf(stderr, "vibesyncd: --as salvage shows what can still be read, --as version the newest saved version\n");
    return OPERATOR_FAILED;
}

static int dump_version(struct desk *desk, const struct operator_words *words) {
    struct arena arena;
    arena_init(&arena, &mem_default, 4096);
    struct params *params = params_new(&arena);
    params_add_uuid(params, &words->file);
    params_add_i32(params, 0);
    struct reply reply = desk_ask(desk, "desk_head", params);
    arena_finish(&arena);
    if (reply.status != STATUS_OK)
        return operator_failed("reading the newest version", &reply);
    if (reply.row_count == 0)
        return dump_fail(STATUS_NOT_FOUND, "no version of this file was saved");
    struct row row = reply_row(&reply, 0);
    return dump_write(row_is_null(&row, 1) ? row_bytea(&row, 2) : row_text(&row, 1));
}

static int dump_document(struct desk *desk, const struct operator_words *words, bool as_update, bool salvage) {
    struct loaded_document loaded;
    char reason[DESK_REASON];
    unsigned skipped = 0;
    struct crdt_doc *doc = NULL;
    enum status status = desk_load(desk, &words->file, LOAD_QUARANTINED | (salvage ? LOAD_SALVAGE : 0), &loaded, reason);
    if (status == STATUS_OK) {
        if (salvage && reason[0] != '\0')
            fprintf(stderr, "vibesyncd: %s\n", reason);
        status = operator_document(&loaded, salvage ? &skipped : NULL, &doc);
    }
    if (status != STATUS_OK)
        return dump_fail(status, reason[0] != '\0' ? reason : "the stored updates cannot be applied");
    if (skipped > 0)
        fprintf(stderr, "vibesyncd: %u updates could not be applied\n", skipped);
    struct bytes_writer out = operator_writer();
    status = as_update ? crdt_update_encode(doc, &out) : operator_text(doc, loaded.root_name, &out);
    int result = status == STATUS_OK ? dump_write(bytes_written(&out))
                                     : dump_fail(status, status == STATUS_NOT_FOUND ? "the document has no text" : "");
    bytes_writer_finish(&out);
    crdt_doc_destroy(doc);
    return result;
}

/* ---- the log ---- */

static void dump_entry(struct crdt_doc *doc, const struct journal_entry *entry) {
    char author[UUID_TEXT_SIZE + 1], when[32];
    struct crdt_update_result result = { 0 };
    time_t seconds = (time_t)(entry->at_ms / 1000);
    struct tm utc;
    uuid_format(&entry->author, author);
    gmtime_r(&seconds, &utc);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &utc);
    struct crdt_txn *txn = crdt_txn_begin(doc);
    enum status status = crdt_update_apply(txn, entry->update, &result);
    crdt_txn_commit(txn, NULL, NULL);
    printf("%s.%03uZ  %s  +%llu -%llu%s%s%s\n", when, (unsigned)(entry->at_ms % 1000), author, (unsigned long long)result.units_new,
           (unsigned long long)result.units_deleted, entry->flags & JOURNAL_RELAYED ? "  relayed" : "",
           result.parked ? "  waits for what it builds on" : "", status == STATUS_OK ? "" : "  CANNOT BE APPLIED");
}

static void dump_payload(struct crdt_doc *doc, struct bytes payload) {
    struct journal_row_reader reader;
    struct journal_entry entry;
    if (journal_row_open(payload, &reader) != STATUS_OK) {
        printf("a row of %zu bytes fails its check\n", payload.size);
        return;
    }
    while (journal_row_next(&reader, &entry))
        dump_entry(doc, &entry);
}

static void dump_chunk(struct crdt_doc *doc, struct bytes chunk) {
    struct bytes_writer raw = operator_writer();
    if (history_unpack(chunk, &raw) == STATUS_OK) {
        struct bytes rest = bytes_written(&raw), payload;
        while (history_next(&rest, &payload))
            dump_payload(doc, payload);
    } else
        printf("a chunk of the history of %zu bytes fails its check\n", chunk.size);
    bytes_writer_finish(&raw);
}

/* History first: a chunk holds what was older than the journal that is left. */
static int dump_history(struct desk *desk, const struct operator_words *words, int64_t epoch, struct crdt_doc *doc) {
    for (int64_t after = 0;;) {
        struct arena arena;
        arena_init(&arena, &mem_default, 4096);
        struct params *params = params_new(&arena);
        params_add_uuid(params, &words->file);
        params_add_i64(params, epoch);
        params_add_i64(params, after);
        struct reply reply = desk_ask(desk, "desk_history", params);
        arena_finish(&arena);
        if (reply.status != STATUS_OK)
            return operator_failed("reading the history", &reply);
        if (reply.row_count == 0)
            return OPERATOR_OK;
        for (unsigned i = 0; i < reply.row_count; i++) {
            struct row row = reply_row(&reply, i);
            after = row_i64(&row, 0);
            dump_chunk(doc, row_bytea(&row, 2));
        }
    }
}

static int dump_log(struct desk *desk, const struct operator_words *words) {
    struct loaded_document loaded;
    char reason[DESK_REASON];
    struct crdt_doc_options options = { .gc = false };
    struct crdt_doc *doc = NULL;
    enum status status = desk_load(desk, &words->file, LOAD_QUARANTINED | LOAD_SALVAGE, &loaded, reason);
    if (status == STATUS_OK)
        status = crdt_doc_create(&options, &doc);
    if (status != STATUS_OK)
        return dump_fail(status, reason);
    int result = dump_history(desk, words, loaded.epoch, doc);
    if (result == OPERATOR_OK)
        status = desk_load(desk, &words->file, LOAD_QUARANTINED | LOAD_SALVAGE, &loaded, reason);
    struct journal_entry entry;
    while (result == OPERATOR_OK && status == STATUS_OK && loaded_document_next(&loaded, &entry))
        dump_entry(doc, &entry);
    crdt_doc_destroy(doc);
    return status == STATUS_OK ? result : dump_fail(status, reason);
}

int operator_dump(struct desk *desk, const struct operator_words *words) {
    const char *as = words->as == NULL ? "text" : words->as;
    if (strcmp(as, "text") == 0)
        return dump_document(desk, words, false, false);
    if (strcmp(as, "salvage") == 0)
        return dump_document(desk, words, false, true);
    if (strcmp(as, "update") == 0)
        return dump_document(desk, words, true, false);
    if (strcmp(as, "version") == 0)
        return dump_version(desk, words);
    if (strcmp(as, "log") == 0)
        return dump_log(desk, words);
    fprintf(stderr, "vibesyncd: --as takes text, salvage, update, version or log, not \"%s\"\n", as);
    return OPERATOR_USAGE;
}
