/* standing.c — see standing.h.
 *
 *   standing_tick ─▶ [document_standing: the open documents, answered are those that stand elsewhere] ─▶ standing_on_answer
 *
 * One question is on the way at a time, for at most STANDING_COUNT_MAX documents, those first that were asked for longest ago. */
#include "document/standing.h"

#include "document/document.h"
#include "document/persist.h"
#include "log.h"

enum {
    STANDING_MS = 2000,
    STANDING_COUNT_MAX = 4096, /* with a question a second this many times ten are asked within STANDING_SETTLED_MS */
};

static void standing_judge(struct document *document, const struct row *row) {
    int64_t epoch = row_i64(row, 2);
    struct log_subject subject = { .session = &document->session->id, .file = &document->file };
    if (row_bool(row, 4)) {
        log_warn(&subject, "document.withdrawn", "why=quarantined");
        document_gone(document, WIRE_GONE_QUARANTINED, 0);
    } else if (row_bool(row, 5)) {
        document_gone(document, WIRE_GONE_DELETED, 0);
    } else if (epoch != document->epoch) {
        document_gone(document, WIRE_GONE_EPOCH, epoch);
    } else {
        persist_overtaken(document, row_i64(row, 3));
    }
}

static void standing_on_answer(void *context, const struct reply *reply) {
    struct server *server = context;
    server->standing_asked = false;
    for (unsigned i = 0; reply->status == STATUS_OK && i < reply->row_count; i++) {
        struct row row = reply_row(reply, i);
        struct uuid session_id = row_uuid(&row, 0);
        struct uuid file = row_uuid(&row, 1);
        struct session *session = session_find(server, &session_id);
        struct document *document = session == NULL ? NULL : document_find(session, &file);
        if (document != NULL && document->state == DOCUMENT_OPEN)
            standing_judge(document, &row);
    }
}

static size_t standing_collect(struct server *server, uint64_t now_ms, struct uuid *files, int64_t *epochs, int64_t *versions) {
    size_t count = 0;
    list_each (link, &server->session_list)
        list_each (each, &list_entry(link, struct session, server_link)->documents) {
            struct document *document = list_entry(each, struct document, session_link);
            if (document->state != DOCUMENT_OPEN || now_ms < document->standing_asked_ms + STANDING_MS ||
                count == STANDING_COUNT_MAX)
                continue;
            document->standing_asked_ms = now_ms;
            files[count] = document->file;
            epochs[count] = document->epoch;
            versions[count++] = document->checkpoint_version;
        }
    return count;
}

void standing_tick(struct server *server, uint64_t now_ms) {
    if (server->standing_asked || list_empty(&server->session_list))
        return;
    struct arena arena;
    arena_init(&arena, &mem_default, STANDING_COUNT_MAX * 128 + 4096);
    struct uuid *files = arena_alloc(&arena, STANDING_COUNT_MAX * sizeof *files);
    int64_t *epochs = arena_alloc(&arena, STANDING_COUNT_MAX * sizeof *epochs);
    int64_t *versions = arena_alloc(&arena, STANDING_COUNT_MAX * sizeof *versions);
    struct params *params = params_new(&arena);
    if (files != NULL && epochs != NULL && versions != NULL && params != NULL) {
        size_t count = standing_collect(server, now_ms, files, epochs, versions);
        params_add_uuid_array(params, files, count);
        params_add_i64_array(params, epochs, count);
        params_add_i64_array(params, versions, count);
        server->standing_asked =
            count > 0 && store_submit(server->store, NULL, "document_standing", params, standing_on_answer, server) == STATUS_OK;
    }
    arena_finish(&arena);
}
