/* repair.c — vibesyncd doc quarantine, and doc release.
 *
 *   quarantine   the file is marked. Running servers ask for that every two seconds (document/standing.c) and tell whoever has it
 * open release      the mark goes if the document loads as it is; a damaged one stays out release --version N, --text FILE a new
 * epoch, whose whole history is the insertion of that text. Replicas of the old epoch are never merged with it: their people
 * choose. The rows of the old epoch stay for whoever wants to look.
 *
 * A release waits until every server has let go of the file: an edit that one of them still took would land in the old epoch. */
#include "operator/operator.h"

#include "document/standing.h"
#include "ground/utf.h"
#include "ground/varint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

struct repair_file {
    int64_t epoch;
    bool quarantined;
    int64_t quarantined_s;
};

static int repair_ask_file(struct desk *desk, const struct uuid *file, struct repair_file *out) {
    *out = (struct repair_file){ 0 };
    struct arena arena;
    arena_init(&arena, &mem_default, 4096);
    struct params *params = params_new(&arena);
    params_add_uuid(params, file);
    struct reply reply = desk_ask(desk, "desk_file", params);
    arena_finish(&arena);
    if (reply.status != STATUS_OK)
        return operator_failed("reading the file", &reply);
    if (reply.row_count == 0) {
        fprintf(stderr, "vibesyncd: there is no such document\n");
        return OPERATOR_FAILED;
    }
    struct row row = reply_row(&reply, 0);
    *out = (struct repair_file){
        .epoch = row_i64(&row, 3),
        .quarantined = !row_is_null(&row, 4),
        .quarantined_s = row_i64(&row, 5),
    };
    return OPERATOR_OK;
}

int operator_quarantine(struct desk *desk, const struct operator_words *words) {
    struct repair_file file;
    if (words->reason == NULL) {
        fprintf(stderr, "vibesyncd: a quarantine needs --reason TEXT, for whoever wonders\n");
        return OPERATOR_USAGE;
    }
    int result = repair_ask_file(desk, &words->file, &file);
    if (result != OPERATOR_OK)
        return result;
    struct arena arena;
    arena_init(&arena, &mem_default, 4096);
    struct params *params = params_new(&arena);
    params_add_uuid(params, &words->file);
    params_add_text(params, bytes_text(words->reason));
    struct reply reply = desk_ask(desk, "desk_quarantine", params);
    arena_finish(&arena);
    if (reply.status != STATUS_OK)
        return operator_failed("marking the file", &reply);
    struct row row = reply_row(&reply, 0);
    struct bytes reason = row_text(&row, 0);
    printf("quarantined: %.*s\n", (int)reason.size, (const char *)reason.data);
    return OPERATOR_OK;
}

/* ---- release ---- */

static int repair_wait_settled(struct desk *desk, const struct uuid *file, struct repair_file *out) {
    for (;;) {
        int result = repair_ask_file(desk, file, out);
        if (result != OPERATOR_OK)
            return result;
        if (!out->quarantined) {
            fprintf(stderr, "vibesyncd: the file is not quarantined\n");
            return OPERATOR_FAILED;
        }
        if (out->quarantined_s * 1000 >= STANDING_SETTLED_MS)
            return OPERATOR_OK;
        sleep(1);
    }
}

static int repair_release_as_is(struct desk *desk, const struct uuid *file) {
    struct loaded_document loaded;
    char reason[DESK_REASON];
    struct crdt_doc *doc = NULL;
    enum status status = desk_load(desk, file, LOAD_QUARANTINED, &loaded, reason);
    if (status == STATUS_OK)
        status = operator_document(&loaded, NULL, &doc);
    crdt_doc_destroy(doc);
    if (status != STATUS_OK) {
        fprintf(stderr, "vibesyncd: it stays quarantined: %s\n",
                reason[0] != '\0' ? reason : "the stored updates cannot be applied");
        fprintf(stderr, "vibesyncd: repair its rows, or begin a new epoch with --version N or --text FILE\n");
        return OPERATOR_FAILED;
    }
    struct arena arena;
    arena_init(&arena, &mem_default, 4096);
    struct params *params = params_new(&arena);
    params_add_uuid(params, file);
    struct reply reply = desk_ask(desk, "desk_release", params);
    arena_finish(&arena);
    if (reply.status != STATUS_OK)
        return operator_failed("releasing the file", &reply);
    printf("released as it is\n");
    return OPERATOR_OK;
}

static int repair_read_version(struct desk *desk, const struct operator_words *words, struct bytes_writer *out) {
    char *end;
    long number = strtol(words->version, &end, 10);
    if (*end != '\0' || number < 0 || number > INT32_MAX) {
        fprintf(stderr, "vibesyncd: --version takes a version's number, or 0 for the newest\n");
        return OPERATOR_USAGE;
    }
    struct arena arena;
    arena_init(&arena, &mem_default, 4096);
    struct params *params = params_new(&arena);
    params_add_uuid(params, &words->file);
    params_add_i32(params, (int32_t)number);
    struct reply reply = desk_ask(desk, "desk_head", params);
    arena_finish(&arena);
    if (reply.status != STATUS_OK)
        return operator_failed("reading the version", &reply);
    struct row row = { 0 };
    if (reply.row_count > 0)
        row = reply_row(&reply, 0);
    if (reply.row_count == 0 || (row_is_null(&row, 1) && row_is_null(&row, 2))) {
        fprintf(stderr, "vibesyncd: there is no such version with its whole text\n");
        return OPERATOR_FAILED;
    }
    bytes_write(out, row_is_null(&row, 1) ? row_bytea(&row, 2) : row_text(&row, 1));
    return out->status == STATUS_OK ? OPERATOR_OK : OPERATOR_FAILED;
}

static int repair_read_text(const char *path, struct bytes_writer *out) {
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    uint8_t piece[65536];
    size_t size;
    if (file == NULL) {
        fprintf(stderr, "vibesyncd: %s: %s\n", path, strerror(errno));
        return OPERATOR_FAILED;
    }
    while ((size = fread(piece, 1, sizeof piece, file)) > 0)
        bytes_write(out, bytes_of(piece, size));
    bool failed = ferror(file) != 0 || out->status != STATUS_OK;
    if (file != stdin)
        fclose(file);
    if (failed)
        fprintf(stderr, "vibesyncd: %s cannot be read\n", path);
    return failed ? OPERATOR_FAILED : OPERATOR_OK;
}

/* A document whose whole history is one insertion. `client_id`: its writer, never used before. */
static enum status repair_seed(struct bytes text, struct bytes root_name, uint64_t client_id, struct bytes_writer *state,
                               struct bytes_writer *state_vector) {
    struct crdt_doc_options options = { .client_id = client_id, .gc = true, .update_bytes_max = state->size_max };
    struct crdt_doc *doc;
    struct crdt_type *root;
    enum status status = crdt_doc_create(&options, &doc);
    if (status != STATUS_OK)
        return status;
    status = crdt_doc_root(doc, root_name, &root);
    if (status == STATUS_OK && text.size > 0) {
        struct crdt_txn *txn = crdt_txn_begin(doc);
        status = crdt_text_insert(txn, root, 0, text);
        crdt_txn_commit(txn, NULL, NULL);
    }
    if (status == STATUS_OK)
        status = crdt_update_encode(doc, state);
    if (status == STATUS_OK)
        status = crdt_state_vector_encode(doc, state_vector);
    crdt_doc_destroy(doc);
    return status;
}

/* Appends the client ids of whatever can be read of the old epoch, none of which may write in the new one, and the name of its root
 * with a NUL. */
static void repair_old_clients(struct desk *desk, const struct uuid *file, struct bytes_writer *root_name,
                               struct bytes_writer *ids) {
    struct loaded_document loaded;
    char reason[DESK_REASON];
    unsigned skipped = 0;
    struct crdt_doc *doc = NULL;
    if (desk_load(desk, file, LOAD_QUARANTINED | LOAD_SALVAGE, &loaded, reason) != STATUS_OK)
        return;
    struct bytes_writer vector = operator_writer();
    enum status status = operator_document(&loaded, &skipped, &doc);
    bytes_write(root_name, loaded.root_name);
    bytes_write(root_name, bytes_of("", 1));
    if (status == STATUS_OK && crdt_state_vector_encode(doc, &vector) == STATUS_OK) {
        struct bytes_reader reader = bytes_reader(bytes_written(&vector));
        uint64_t count = 0, client, clock;
        varint_read(&reader, &count);
        for (; count > 0 && varint_read(&reader, &client) == STATUS_OK && varint_read(&reader, &clock) == STATUS_OK; count--)
            bytes_write(ids, bytes_of(&client, sizeof client));
    }
    bytes_writer_finish(&vector);
    crdt_doc_destroy(doc);
}

static int repair_renew(struct desk *desk, const struct operator_words *words, int64_t epoch, struct bytes text) {
    struct bytes_writer root_name = operator_writer(), ids = operator_writer();
    struct bytes_writer state = operator_writer(), state_vector = operator_writer();
    uint32_t client_id = 0;
    int result = OPERATOR_FAILED;
    repair_old_clients(desk, &words->file, &root_name, &ids);
    enum status status = getrandom(&client_id, sizeof client_id, 0) == sizeof client_id ? STATUS_OK : STATUS_IO;
    if (status == STATUS_OK && (root_name.size == 0 || text.size > INT32_MAX))
        status = STATUS_TOO_BIG;
    struct bytes root = bytes_text(root_name.size == 0 ? "" : (const char *)root_name.data);
    if (status == STATUS_OK)
        status = repair_seed(text, root, (uint64_t)client_id + 1, &state, &state_vector);
    struct arena arena;
    arena_init(&arena, &mem_default, 65536 + 2 * (state.size + text.size + 2 * ids.size));
    if (status == STATUS_OK) {
        struct params *params = params_new(&arena);
        char hash[CONTENT_HASH_SIZE + 1];
        uint8_t digest[CHECKPOINT_DIGEST_SIZE];
        struct bytes none = { NULL, 0 };
        bool as_text = utf_check(text, NULL) && (text.size == 0 || memchr(text.data, 0, text.size) == NULL);
        content_hash(text, hash);
        checkpoint_digest(bytes_written(&state), bytes_written(&state_vector), digest);
        params_add_uuid(params, &words->file);
        params_add_i64(params, epoch);
        params_add_i32(params, CRDT_FORMAT_YJS_V1);
        params_add_bytea(params, bytes_written(&state));
        params_add_bytea(params, bytes_written(&state_vector));
        params_add_bytea(params, bytes_of(digest, sizeof digest));
        params_add_i32(params, (int32_t)text.size);
        params_add_text(params, bytes_text(hash));
        params_add_text(params, as_text ? text : none);
        params_add_bytea(params, as_text ? none : text);
        params_add_i64(params, (int64_t)client_id + 1);
        params_add_i64_array(params, (const int64_t *)(const void *)ids.data, ids.size / sizeof(int64_t));
        params_add_text(params, root);
        struct reply reply = desk_ask(desk, "desk_renew", params);
        if (reply.status != STATUS_OK)
            operator_failed("beginning a new epoch", &reply);
        else if (reply.row_count == 0)
            fprintf(stderr, "vibesyncd: somebody else released the file\n");
        else {
            struct row row = reply_row(&reply, 0);
            printf("released with a new epoch: %lld\n", (long long)row_i64(&row, 0));
            result = OPERATOR_OK;
        }
    } else
        fprintf(stderr, "vibesyncd: the text cannot be made a document: %s\n", status_sentence(status));
    arena_finish(&arena);
    bytes_writer_finish(&state);
    bytes_writer_finish(&state_vector);
    bytes_writer_finish(&root_name);
    bytes_writer_finish(&ids);
    return result;
}

int operator_release(struct desk *desk, const struct operator_words *words) {
    struct repair_file file;
    struct bytes_writer text = operator_writer();
    if (words->version != NULL && words->text != NULL) {
        fprintf(stderr, "vibesyncd: --version or --text, not both\n");
        return OPERATOR_USAGE;
    }
    int result = repair_wait_settled(desk, &words->file, &file);
    if (result == OPERATOR_OK && words->version == NULL && words->text == NULL)
        return repair_release_as_is(desk, &words->file);
    if (result == OPERATOR_OK)
        result = words->version != NULL ? repair_read_version(desk, words, &text) : repair_read_text(words->text, &text);
    if (result == OPERATOR_OK) {
        struct bytes empty = bytes_text("");
        result = repair_renew(desk, words, file.epoch, text.size == 0 ? empty : bytes_written(&text));
    }
    bytes_writer_finish(&text);
    return result;
}
