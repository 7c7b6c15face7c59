/* verify.c — vibesyncd verify: every document of the database, read and checked as a server would, and more.
 *
 *   of each document        every check sum; checkpoint and journal can be applied, and make what the state vector says;
 *                           the text of a document without journal has the hash that `files` names
 *   of its versions         the newest is there and has its hash
 *   of its history          every chunk unpacks, every row in it passes its check
 *   besides                 journal rows of files that are gone, rows of older epochs
 *
 * Changes nothing; may run beside a server: what it compares is of one moment (desk_moment). One line on standard output for each
 * finding; exit status 1 if a document is damaged.
 */
#include "operator/operator.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { VERIFY_ARENA_BYTES = 4096, VERIFY_PAGE = 500, VERIFY_PATH_BYTES = 1025 };

struct verify {
    struct desk *desk;
    unsigned long long documents;
    unsigned long long damaged;
    unsigned long long quarantined;
    unsigned long long journal_rows;
    unsigned long long chunks;
    int failed; /* OPERATOR_FAILED: the database could not be asked */
};

/* One file of a page, copied: the next question ends the answer. */
struct verify_file {
    struct uuid id;
    char path[VERIFY_PATH_BYTES];
    int64_t epoch;
    bool quarantined;
    char hash[CONTENT_HASH_SIZE + 1];
    int32_t head_version;
    char head_hash[CONTENT_HASH_SIZE + 1];
    bool damaged;
};

static void verify_say(struct verify *verify, struct verify_file *file, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void verify_say(struct verify *verify, struct verify_file *file, const char *format, ...) {
    char id[UUID_TEXT_SIZE + 1];
    va_list args;
    uuid_format(&file->id, id);
    printf("damaged\t%s\t%s\t", id, file->path);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
    if (!file->damaged)
        verify->damaged++;
    file->damaged = true;
}

static void verify_copy(char *out, size_t size, struct bytes text) {
    snprintf(out, size, "%.*s", (int)text.size, text.data == NULL ? "" : (const char *)text.data);
}

static bool verify_ask(struct verify *verify, const char *name, const struct uuid *file, int64_t epoch, int64_t after,
                       struct reply *out) {
    struct arena arena;
    arena_init(&arena, &mem_default, VERIFY_ARENA_BYTES);
    struct params *params = params_new(&arena);
    params_add_uuid(params, file);
    if (epoch > 0) {
        params_add_i64(params, epoch);
        params_add_i64(params, after);
    } else if (after >= 0)
        params_add_i32(params, (int32_t)after);
    *out = desk_ask(verify->desk, name, params);
    arena_finish(&arena);
    if (out->status == STATUS_OK)
        return true;
    verify->failed = operator_failed(name, out);
    return false;
}

/* `step`: desk_moment, or desk_moment_over. */
static void verify_moment(struct verify *verify, const char *step) {
    struct arena arena;
    arena_init(&arena, &mem_default, VERIFY_ARENA_BYTES);
    struct reply reply = desk_ask(verify->desk, step, params_new(&arena));
    if (reply.status != STATUS_OK)
        verify->failed = operator_failed(step, &reply);
    arena_finish(&arena);
}

/* ---- one document ---- */

static void verify_state(struct verify *verify, struct verify_file *file, struct loaded_document *loaded) {
    struct crdt_doc_options options = { .gc = true, .update_bytes_max = loaded->state.size + 65536 };
    struct crdt_doc *checkpoint = NULL, *doc = NULL;
    struct bytes_writer out = operator_writer();
    if (loaded->state.size > 0 && crdt_doc_create(&options, &checkpoint) == STATUS_OK) {
        bool peer_misses = true, doc_misses = true;
        struct crdt_txn *txn = crdt_txn_begin(checkpoint);
        enum status status = crdt_update_apply(txn, loaded->state, NULL);
        crdt_txn_commit(txn, NULL, NULL);
        if (status != STATUS_OK)
            verify_say(verify, file, "the checkpoint's state cannot be applied");
        else if (crdt_state_vector_compare(checkpoint, loaded->state_vector, &peer_misses, &doc_misses) != STATUS_OK ||
                 peer_misses || doc_misses)
            verify_say(verify, file, "the checkpoint's state vector is not that of its state");
    }
    crdt_doc_destroy(checkpoint);
    if (file->damaged)
        goto done;
    unsigned rows = loaded->row_count;
    verify->journal_rows += rows;
    enum status status = operator_document(loaded, NULL, &doc);
    if (status != STATUS_OK)
        verify_say(verify, file, "the journal cannot be applied");
    else if (rows == 0 && loaded->state.size > 0 && operator_text(doc, loaded->root_name, &out) == STATUS_OK) {
        char hash[CONTENT_HASH_SIZE + 1];
        content_hash(out.size == 0 ? bytes_text("") : bytes_written(&out), hash);
        if (strcmp(hash, file->hash) != 0)
            verify_say(verify, file, "the text has the hash %s, the file says %s", hash, file->hash);
    }
    crdt_doc_destroy(doc);
done:
    bytes_writer_finish(&out);
}

static void verify_head(struct verify *verify, struct verify_file *file) {
    struct reply reply;
    if (file->head_version == 0 || !verify_ask(verify, "desk_head", &file->id, 0, 0, &reply))
        return;
    if (reply.row_count == 0) {
        verify_say(verify, file, "its newest version %d is not there", (int)file->head_version);
        return;
    }
    struct row row = reply_row(&reply, 0);
    char hash[CONTENT_HASH_SIZE + 1];
    if (row_is_null(&row, 1) && row_is_null(&row, 2)) {
        verify_say(verify, file, "its newest version %d has no text", (int)file->head_version);
        return;
    }
    content_hash(row_is_null(&row, 1) ? row_bytea(&row, 2) : row_text(&row, 1), hash);
    if (strcmp(hash, file->head_hash) != 0)
        verify_say(verify, file, "its newest version %d has the hash %s, the file says %s", (int)file->head_version, hash,
                   file->head_hash);
}

static void verify_chunk(struct verify *verify, struct verify_file *file, const struct row *row) {
    struct bytes_writer raw = operator_writer();
    long long chunk = (long long)row_i64(row, 0);
    unsigned rows = 0;
    verify->chunks++;
    if (history_unpack(row_bytea(row, 2), &raw) != STATUS_OK) {
        verify_say(verify, file, "chunk %lld of the history cannot be unpacked", chunk);
    } else {
        struct bytes rest = bytes_written(&raw), payload;
        struct journal_row_reader reader;
        bool good = true;
        for (; good && history_next(&rest, &payload); rows++)
            good = journal_row_open(payload, &reader) == STATUS_OK;
        if (!good || rest.size > 0 || rows != (unsigned)row_i32(row, 1))
            verify_say(verify, file, "chunk %lld of the history is not what it says", chunk);
    }
    bytes_writer_finish(&raw);
}

static void verify_history(struct verify *verify, struct verify_file *file) {
    struct reply reply;
    int64_t after = 0;
    while (verify_ask(verify, "desk_history", &file->id, file->epoch, after, &reply) && reply.row_count > 0)
        for (unsigned i = 0; i < reply.row_count; i++) {
            struct row row = reply_row(&reply, i);
            after = row_i64(&row, 0);
            verify_chunk(verify, file, &row);
        }
}

/* What the file's row says; false: deleted since the page was read, or the database could not be asked. */
static bool verify_stand(struct verify *verify, struct verify_file *file) {
    struct reply reply;
    if (!verify_ask(verify, "desk_stand", &file->id, 0, -1, &reply) || reply.row_count == 0)
        return false;
    struct row row = reply_row(&reply, 0);
    file->epoch = row_i64(&row, 0);
    file->quarantined = !row_is_null(&row, 1);
    verify_copy(file->hash, sizeof file->hash, row_text(&row, 2));
    file->head_version = row_i32(&row, 3);
    verify_copy(file->head_hash, sizeof file->head_hash, row_text(&row, 4));
    return true;
}

static void verify_document(struct verify *verify, struct verify_file *file) {
    struct loaded_document loaded;
    char reason[DESK_REASON];
    if (!verify_stand(verify, file))
        return;
    verify->documents++;
    verify->quarantined += file->quarantined;
    enum status status = desk_load(verify->desk, &file->id, LOAD_QUARANTINED, &loaded, reason);
    if (status == STATUS_DAMAGED) {
        verify_say(verify, file, "%s", reason);
        verify_moment(verify, "desk_moment_over"); /* what PostgreSQL itself could not read has spoiled it */
        verify_moment(verify, "desk_moment");
    } else if (status != STATUS_OK) {
        fprintf(stderr, "vibesyncd: %s\n", reason);
        verify->failed = OPERATOR_FAILED;
        return;
    } else
        verify_state(verify, file, &loaded);
    verify_head(verify, file);
    verify_history(verify, file);
}

/* ---- all ---- */

static void verify_strays(struct verify *verify) {
    struct arena arena;
    arena_init(&arena, &mem_default, VERIFY_ARENA_BYTES);
    struct reply reply = desk_ask(verify->desk, "desk_strays", params_new(&arena));
    arena_finish(&arena);
    if (reply.status != STATUS_OK) {
        verify->failed = operator_failed("looking for strays", &reply);
        return;
    }
    struct row row = reply_row(&reply, 0);
    if (row_i64(&row, 0) > 0)
        printf("note\t%lld journal rows of files that are gone\n", (long long)row_i64(&row, 0));
    if (row_i64(&row, 1) > 0 || row_i64(&row, 2) > 0)
        printf("note\t%lld journal rows and %lld checkpoints of older epochs\n", (long long)row_i64(&row, 1),
               (long long)row_i64(&row, 2));
}

static void verify_all(struct verify *verify) {
    static struct verify_file page[VERIFY_PAGE];
    struct uuid after = { { 0 } };
    struct reply reply;
    while (verify->failed == OPERATOR_OK && verify_ask(verify, "desk_files", &after, 0, -1, &reply) && reply.row_count > 0) {
        unsigned count = reply.row_count;
        for (unsigned i = 0; i < count; i++) {
            struct row row = reply_row(&reply, i);
            page[i] = (struct verify_file){ .id = row_uuid(&row, 0) };
            verify_copy(page[i].path, sizeof page[i].path, row_text(&row, 2));
        }
        after = page[count - 1].id;
        for (unsigned i = 0; i < count && verify->failed == OPERATOR_OK; i++) {
            verify_moment(verify, "desk_moment"); /* of its own: a long one would hold up vacuum */
            verify_document(verify, &page[i]);
            verify_moment(verify, "desk_moment_over");
        }
    }
    if (verify->failed == OPERATOR_OK)
        verify_strays(verify);
}

int operator_verify(int count, char **arguments) {
    const char *url = getenv("VIBESYNC_DATABASE"), *value;
    for (int i = 0; i < count; i++) {
        if ((value = operator_option(count, arguments, &i, "--database")) == NULL || value[0] == '\0') {
            fprintf(stderr, "usage: vibesyncd verify [--database URL]\n");
            return OPERATOR_USAGE;
        }
        url = value;
    }
    struct verify verify = { 0 };
    int result = operator_open(url, &verify.desk);
    if (result != OPERATOR_OK)
        return result;
    verify_all(&verify);
    desk_close(verify.desk);
    printf("%llu documents, %llu damaged, %llu quarantined; %llu journal rows, %llu chunks of history\n", verify.documents,
           verify.damaged, verify.quarantined, verify.journal_rows, verify.chunks);
    return verify.failed != OPERATOR_OK || verify.damaged > 0 ? OPERATOR_FAILED : OPERATOR_OK;
}
