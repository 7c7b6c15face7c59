/* checkpoint.c — a document's journal folded into its checkpoint.
 *
 *   store_checkpoint ─▶ checkpoint_read ─▶ …_on_read ─▶ merge, encode ─▶ checkpoint_encoded ─▶ …_on_written ─▶ done
 *                            ▲                                                │ no row: another writer was faster
 *                            └────────────────────────────────────────────────┘ at most ATTEMPTS_MAX times
 *
 * The write is one statement (checkpoint_write in sql/bulk.sql): it takes effect whole or not at all, and only if the checkpoint in
 * the database is still the one that was read. No lock is held between reading and writing. */
#include "digest.h"
#include "ground/utf.h"
#include "loaded.h"
#include "squeeze.h"
#include "store_inside.h"

#include <assert.h>
#include <stdio.h>

enum { ATTEMPTS_MAX = 4 };

enum { JOB_IDLE, JOB_READING, JOB_ENCODING, JOB_WRITING };

/* The journal rows that were read: exactly these leave the journal. */
struct checkpoint_rows {
    unsigned count;
    unsigned capacity;
    struct uuid *writers;
    int64_t *seqs;
    struct bytes_writer state; /* that was read, of a job that is `whole` */
    unsigned kept;             /* those of them that go into the history */
    struct bytes_writer raw;   /* their payloads, each behind its size */
    uint64_t from_ms;
    uint64_t to_ms;
    uint64_t bytes;
    int64_t version; /* of the checkpoint that was read: memory holds it */
};

static void checkpoint_rows_free(struct checkpoint_job *job) {
    struct checkpoint_rows *rows = job->rows;
    job->rows = NULL;
    if (rows == NULL)
        return;
    const struct mem *mem = job->store->mem;
    mem_free(mem, rows->writers, rows->capacity * sizeof *rows->writers);
    mem_free(mem, rows->seqs, rows->capacity * sizeof *rows->seqs);
    bytes_writer_finish(&rows->state);
    bytes_writer_finish(&rows->raw);
    mem_free(mem, rows, sizeof *rows);
}

static void checkpoint_done(struct checkpoint_job *job, struct checkpoint_outcome outcome) {
    checkpoint_rows_free(job);
    job->state = JOB_IDLE;
    if (outcome.reason == NULL)
        outcome.reason = "";
    if (outcome.status != STATUS_OK)
        outcome.version = job->version;
    job->handlers->done(job, &outcome);
}

static void checkpoint_failed(struct checkpoint_job *job, enum status status, const char *reason) {
    checkpoint_done(job, (struct checkpoint_outcome){ .status = status, .reason = reason });
}

/* ---- reading ---- */

static void checkpoint_on_read(void *context, const struct reply *reply);

/* The version whose state need not be read. */
static int64_t checkpoint_known(const struct checkpoint_job *job) {
    return job->whole ? 0 : job->version;
}

static enum status checkpoint_read(struct checkpoint_job *job) {
    struct arena arena;
    arena_init(&arena, job->store->mem, 16384);
    struct params *params = params_new(&arena);
    params_add_uuid(params, &job->file_id);
    params_add_i64(params, checkpoint_known(job));
    enum status status = params == NULL ? STATUS_NO_MEMORY
                                        : store_submit(job->store, &job->request, "document_read", params, checkpoint_on_read, job);
    arena_finish(&arena);
    if (status == STATUS_OK)
        job->state = JOB_READING;
    return status;
}

enum status store_checkpoint(struct store *store, struct checkpoint_job *job) {
    assert(job->state == JOB_IDLE && job->rows == NULL);
    job->store = store;
    job->attempts = 1;
    return checkpoint_read(job);
}

/* Notes every row and hands the updates of other writers to the caller.
 *
 * Rows of one's own whose commit has no answer yet are left for the next time. The story: the answer was lost, a checkpoint trimmed
 * the row, and then it was sent again: with nothing to be in conflict with, it stood in the journal and later in the history twice.
 * Another writer's checkpoint cannot know: it notes up to where it trimmed whose rows (crdt_trimmed), and a row that comes again
 * leaves the journal without going into the history. */
static enum status checkpoint_take_rows(struct checkpoint_job *job, const struct reply *reply) {
    struct checkpoint_rows *rows = job->rows;
    for (unsigned i = 1; i < reply->row_count; i++) {
        struct row row = reply_row(reply, i);
        struct uuid writer = row_uuid(&row, READ_WRITER);
        struct bytes payload = row_bytea(&row, READ_BYTES);
        bool own = uuid_equal(&writer, &job->store->writer);
        int64_t seq = row_i64(&row, READ_SEQ);
        if (own && journal_is_unfinished(job->store, seq))
            continue;
        rows->writers[rows->count] = writer;
        rows->seqs[rows->count++] = seq;
        rows->bytes += payload.size;
        if (!row_bool(&row, READ_IN_HISTORY)) {
            rows->kept++;
            bytes_write_u32(&rows->raw, (uint32_t)payload.size);
            bytes_write(&rows->raw, payload);
        }
        struct journal_row_reader reader;
        struct journal_entry entry;
        enum status status = journal_row_open(payload, &reader);
        while (status == STATUS_OK && journal_row_next(&reader, &entry)) {
            rows->from_ms = entry.at_ms < rows->from_ms ? entry.at_ms : rows->from_ms;
            rows->to_ms = entry.at_ms > rows->to_ms ? entry.at_ms : rows->to_ms;
            if (!own)
                status = job->handlers->merge_update(job, &entry);
        }
        if (status != STATUS_OK)
            return status;
    }
    return rows->raw.status;
}

static enum status checkpoint_make_rows(struct checkpoint_job *job, unsigned count) {
    const struct mem *mem = job->store->mem;
    struct checkpoint_rows *rows = mem_zalloc(mem, sizeof *rows);
    if (rows == NULL)
        return STATUS_NO_MEMORY;
    job->rows = rows;
    rows->from_ms = UINT64_MAX;
    bytes_writer_init(&rows->state, mem, CHECKPOINT_BYTES_MAX);
    bytes_writer_init(&rows->raw, mem, CHECKPOINT_BYTES_MAX);
    if (count == 0)
        return STATUS_OK;
    rows->capacity = count;
    rows->writers = mem_alloc(mem, count * sizeof *rows->writers);
    rows->seqs = mem_alloc(mem, count * sizeof *rows->seqs);
    return rows->writers == NULL || rows->seqs == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

static void checkpoint_on_read(void *context, const struct reply *reply) {
    struct checkpoint_job *job = context;
    struct loaded_document loaded;
    char reason[LOADED_REASON];
    enum status status = loaded_document_read(reply, checkpoint_known(job), 0, &loaded, reason);
    if (status == STATUS_OK && loaded.epoch != job->epoch) {
        snprintf(reason, sizeof reason, "the file is at epoch %lld, the document at %lld", (long long)loaded.epoch,
                 (long long)job->epoch);
        checkpoint_done(job, (struct checkpoint_outcome){ .status = STATUS_CONFLICT, .reason = reason, .epoch = loaded.epoch });
        return;
    }
    if (status == STATUS_OK && loaded.version < job->version) {
        status = STATUS_DAMAGED;
        snprintf(reason, sizeof reason, "the database went back from checkpoint %lld to %lld", (long long)job->version,
                 (long long)loaded.version);
    }
    if (status == STATUS_OK && loaded.version != job->version) {
        job->stored_root = loaded.root_name;
        status = job->handlers->merge_state(job, loaded.format, loaded.state);
        if (status == STATUS_OK)
            job->version = loaded.version;
        else
            snprintf(reason, sizeof reason, "another writer's checkpoint cannot be merged");
    }
    if (status == STATUS_OK) {
        status = checkpoint_make_rows(job, loaded.row_count);
        if (status == STATUS_OK && job->whole) {
            bytes_write(&job->rows->state, loaded.state);
            status = job->rows->state.status;
        }
        if (status == STATUS_OK)
            status = checkpoint_take_rows(job, reply);
        if (status != STATUS_OK)
            snprintf(reason, sizeof reason, "the journal's rows cannot be merged");
    }
    if (status != STATUS_OK) {
        checkpoint_failed(job, status, reason);
        return;
    }
    if (job->read_only) {
        checkpoint_done(job, (struct checkpoint_outcome){ .status = STATUS_OK, .version = job->version });
        return;
    }
    job->rows->version = job->version;
    job->state = JOB_ENCODING;
    job->handlers->encode(job);
}

/* ---- writing ---- */

static void checkpoint_on_written(void *context, const struct reply *reply) {
    struct checkpoint_job *job = context;
    if (reply->status != STATUS_OK) {
        checkpoint_failed(job, reply->status, reply->error);
        return;
    }
    if (reply->row_count == 0) {
        checkpoint_rows_free(job);
        if (job->attempts++ >= ATTEMPTS_MAX) {
            checkpoint_failed(job, STATUS_CONFLICT, "other writers were faster several times");
            return;
        }
        enum status status = checkpoint_read(job);
        if (status != STATUS_OK)
            checkpoint_failed(job, status, "cannot read again");
        return;
    }
    struct row row = reply_row(reply, 0);
    job->version = row_i64(&row, 0);
    assert(row_i64(&row, 2) == (int64_t)job->rows->count);
    struct checkpoint_outcome outcome = { .status = STATUS_OK,
                                          .version = job->version,
                                          .version_number = row_i32(&row, 1),
                                          .rows_merged = job->rows->count,
                                          .bytes_merged = job->rows->bytes };
    checkpoint_done(job, outcome);
}

/* PostgreSQL's text holds UTF-8 without NUL; a Yjs text may hold more. */
static bool text_fits_postgres(struct bytes text) {
    return utf_check(text, NULL) && (text.size == 0 || memchr(text.data, 0, text.size) == NULL);
}

/* An empty value is not SQL NULL. */
static struct bytes not_null(struct bytes bytes) {
    return bytes.data == NULL ? bytes_text("") : bytes;
}

static enum status checkpoint_write(struct checkpoint_job *job, const struct checkpoint_content *content,
                                    const struct checkpoint_prepared *prepared, struct arena *arena) {
    struct checkpoint_rows *rows = job->rows;
    struct params *params = params_new(arena);
    struct bytes text = not_null(content->text);
    bool as_text = content->has_text && text_fits_postgres(text);
    struct bytes none = { NULL, 0 };
    params_add_uuid(params, &job->file_id);
    params_add_i64(params, job->epoch);
    params_add_i64(params, rows->version);
    params_add_i32(params, content->format);
    params_add_bytea(params, not_null(content->state));
    params_add_bytea(params, not_null(content->state_vector));
    params_add_bytea(params, bytes_of(prepared->digest, sizeof prepared->digest));
    params_add_i32(params, content->has_text ? (int32_t)text.size : 0);
    params_add_text(params, content->has_text ? bytes_text(prepared->hash) : none);
    params_add_text(params, as_text ? text : none);
    params_add_bytea(params, content->has_text && !as_text ? text : none);
    params_add_uuid(params, uuid_is_nil(&content->author) ? NULL : &content->author);
    params_add_text(params, content->root_name);
    params_add_uuid_array(params, rows->writers, rows->count);
    params_add_i64_array(params, rows->seqs, rows->count);
    params_add_bytea(params, rows->kept == 0 ? none : bytes_written(&prepared->history));
    params_add_i32(params, (int32_t)rows->kept);
    params_add_time(params, rows->kept == 0 ? 0 : (int64_t)rows->from_ms);
    params_add_time(params, (int64_t)rows->to_ms);
    params_add_uuid(params, &job->store->writer);
    if (params == NULL)
        return STATUS_NO_MEMORY;
    return store_submit(job->store, &job->request, "checkpoint_write", params, checkpoint_on_written, job);
}

enum status checkpoint_prepare(const struct checkpoint_content *content, struct bytes rows, struct checkpoint_prepared *out) {
    static_assert(sizeof out->digest == DIGEST_128_SIZE && sizeof out->hash == DIGEST_HEX_SIZE + 1, "XXH3-128");
    struct bytes pieces[] = { content->state, content->state_vector };
    bytes_writer_init(&out->history, &mem_default, CHECKPOINT_BYTES_MAX);
    digest_128(pieces, 2, out->digest);
    if (content->has_text)
        digest_hex(not_null(content->text), out->hash);
    return rows.size == 0 ? STATUS_OK : squeeze(rows, &out->history);
}

void checkpoint_prepared_finish(struct checkpoint_prepared *prepared) {
    bytes_writer_finish(&prepared->history);
}

void checkpoint_take_sources(struct checkpoint_job *job, struct bytes_writer *out_state, struct bytes_writer *out_rows) {
    assert(job->state == JOB_ENCODING && job->whole);
    *out_state = job->rows->state;
    *out_rows = job->rows->raw;
    bytes_writer_init(&job->rows->state, job->store->mem, CHECKPOINT_BYTES_MAX);
    bytes_writer_init(&job->rows->raw, job->store->mem, CHECKPOINT_BYTES_MAX);
}

void checkpoint_encoded_as(struct checkpoint_job *job, const struct checkpoint_content *content,
                           const struct checkpoint_prepared *prepared) {
    assert(job->state == JOB_ENCODING);
    enum status status = content->text.size > INT32_MAX || content->state.size > CHECKPOINT_BYTES_MAX ? STATUS_TOO_BIG : STATUS_OK;
    struct arena arena;
    size_t total = content->state.size + content->state_vector.size + content->text.size + prepared->history.size +
                   (size_t)job->rows->count * 40 + 65536;
    arena_init(&arena, job->store->mem, 2 * total);
    if (status == STATUS_OK)
        status = checkpoint_write(job, content, prepared, &arena);
    arena_finish(&arena);
    if (status == STATUS_OK)
        job->state = JOB_WRITING;
    else
        checkpoint_failed(job, status, "cannot write the checkpoint");
}

void checkpoint_encoded(struct checkpoint_job *job, const struct checkpoint_content *content) {
    struct checkpoint_prepared prepared = { 0 };
    enum status status = checkpoint_prepare(content, bytes_written(&job->rows->raw), &prepared);
    if (status == STATUS_OK)
        checkpoint_encoded_as(job, content, &prepared);
    else
        checkpoint_failed(job, status, "the journal's rows cannot be compressed");
    checkpoint_prepared_finish(&prepared);
}

void checkpoint_abandon(struct checkpoint_job *job, enum status status) {
    assert(job->state == JOB_ENCODING);
    checkpoint_failed(job, status, "the document could not be encoded");
}

void checkpoint_cancel(struct checkpoint_job *job) {
    if (job->store == NULL || job->state == JOB_IDLE)
        return;
    store_cancel(&job->request);
    checkpoint_rows_free(job);
    job->state = JOB_IDLE;
}
