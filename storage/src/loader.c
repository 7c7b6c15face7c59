/* loader.c — a document out of the database: checkpoint and journal tail in one snapshot, every byte checked before it is shown.
 *
 *   store_load ─▶ document_read ─▶ store_load_on_read ─▶ loaded()
 *
 * "No text" and "text lost" look alike in an empty answer, so the file's row says which checkpoint must exist: a file whose
 * checkpoint is missing, of another version or fails its check sum is damaged, never blank. */
#include "loaded.h"

#include "digest.h"
#include "store_inside.h"

#include <stdio.h>

static enum status loaded_damaged(char reason[LOADED_REASON], const char *what) {
    snprintf(reason, LOADED_REASON, "%s", what);
    return STATUS_DAMAGED;
}

/* The file's row and its checkpoint. */
static enum status loaded_read_checkpoint(const struct row *row, int64_t version_known, unsigned how, struct loaded_document *out,
                                          char reason[LOADED_REASON]) {
    out->session_id = row_uuid(row, READ_SESSION);
    out->epoch = row_i64(row, READ_EPOCH);
    out->version = row_i64(row, READ_FILE_VERSION);
    out->root_name = row_text(row, READ_ROOT);
    out->path = row_text(row, READ_PATH);
    out->is_binary = row_bool(row, READ_BINARY);
    if (!row_is_null(row, READ_QUARANTINE) && (how & LOAD_QUARANTINED) == 0) {
        struct bytes why = row_text(row, READ_QUARANTINE);
        snprintf(reason, LOADED_REASON, "quarantined: %.*s", (int)(why.size < 200 ? why.size : 200), (const char *)why.data);
        return STATUS_DAMAGED;
    }
    if (row_i64(row, READ_VERSION) != out->version) {
        snprintf(reason, LOADED_REASON, "checkpoint %lld is missing, found %lld", (long long)out->version,
                 (long long)row_i64(row, READ_VERSION));
        return STATUS_DAMAGED;
    }
    if (out->version == 0 || out->version == version_known)
        return STATUS_OK;
    struct bytes pieces[] = { row_bytea(row, READ_BYTES), row_bytea(row, READ_VECTOR) };
    struct bytes stored = row_bytea(row, READ_XXH3);
    uint8_t digest[DIGEST_128_SIZE];
    digest_128(pieces, 2, digest);
    out->format = row_i32(row, READ_FORMAT);
    out->state = pieces[0];
    out->state_vector = pieces[1];
    if (!bytes_equal(stored, bytes_of(digest, sizeof digest)))
        return loaded_damaged(reason, "the checkpoint fails its check sum");
    if (out->format != CRDT_FORMAT_YJS_V1)
        return loaded_damaged(reason, "the checkpoint has a format that this program does not know");
    return STATUS_OK;
}

enum status loaded_document_read(const struct reply *reply, int64_t version_known, unsigned how, struct loaded_document *out,
                                 char reason[LOADED_REASON]) {
    *out = (struct loaded_document){ .reply = reply, .row_next = 1 };
    bool salvage = (how & LOAD_SALVAGE) != 0;
    reason[0] = 0;
    if (reply->status != STATUS_OK) {
        snprintf(reason, LOADED_REASON, "%.200s", reply->error);
        /* What PostgreSQL itself calls corrupted (a page, an index) is damage of the document; another internal error may pass. */
        bool corrupted = strcmp(reply->sqlstate, "XX001") == 0 || strcmp(reply->sqlstate, "XX002") == 0;
        return corrupted ? STATUS_DAMAGED : reply->status;
    }
    if (reply->row_count == 0) {
        snprintf(reason, LOADED_REASON, "no such file");
        return STATUS_NOT_FOUND;
    }
    struct row first = reply_row(reply, 0);
    enum status status = loaded_read_checkpoint(&first, version_known, how, out, reason);
    out->row_count = reply->row_count - 1;
    for (unsigned i = 1; i < reply->row_count && (status == STATUS_OK || salvage); i++) {
        struct row row = reply_row(reply, i);
        struct bytes payload = row_bytea(&row, READ_BYTES);
        struct journal_row_reader reader;
        out->journal_bytes += payload.size;
        if (journal_row_open(payload, &reader) != STATUS_OK && status == STATUS_OK) {
            struct uuid writer = row_uuid(&row, READ_WRITER);
            char text[UUID_TEXT_SIZE + 1];
            uuid_format(&writer, text);
            snprintf(reason, LOADED_REASON, "journal row %lld of writer %s fails its check", (long long)row_i64(&row, READ_SEQ),
                     text);
            status = STATUS_DAMAGED;
        }
    }
    return salvage ? STATUS_OK : status;
}

bool loaded_document_next(struct loaded_document *loaded, struct journal_entry *out) {
    while (!loaded->row_open || !journal_row_next(&loaded->row, out)) {
        loaded->row_open = false;
        if (loaded->row_next > loaded->row_count)
            return false;
        struct row row = reply_row(loaded->reply, loaded->row_next++);
        /* What fails its check was refused by loaded_document_read(), or is left out. */
        loaded->row_open = journal_row_open(row_bytea(&row, READ_BYTES), &loaded->row) == STATUS_OK;
    }
    return true;
}

static void store_load_on_read(void *context, const struct reply *reply) {
    struct store_load *load = context;
    struct loaded_document loaded;
    char reason[LOADED_REASON];
    enum status status = loaded_document_read(reply, 0, 0, &loaded, reason);
    load->loaded(load->context, status, reason, status == STATUS_OK ? &loaded : NULL);
}

enum status store_load(struct store *store, struct store_load *load, const struct uuid *file_id, store_loaded loaded,
                       void *context) {
    if (journal_has_orphans(store, file_id))
        return STATUS_UNAVAILABLE;
    struct arena arena;
    arena_init(&arena, store->mem, 16384);
    struct params *params = params_new(&arena);
    load->store = store;
    load->loaded = loaded;
    load->context = context;
    load->file_id = *file_id;
    params_add_uuid(params, file_id);
    params_add_i64(params, 0);
    enum status status =
        params == NULL ? STATUS_NO_MEMORY : store_submit(store, &load->request, "document_read", params, store_load_on_read, load);
    arena_finish(&arena);
    return status;
}

void store_load_cancel(struct store_load *load) {
    store_cancel(&load->request);
}
