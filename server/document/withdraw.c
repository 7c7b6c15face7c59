/* withdraw.c — see withdraw.h.
 *
 *   withdraw_tick ─▶ [document_withdrawn: quarantined since the last answer] ─▶ withdraw_on_answer ─▶ document_gone
 *
 * The times compared are all the database's. */
#include "document/withdraw.h"

#include "document/document.h"
#include "log.h"

enum { WITHDRAW_ARENA_BYTES = 1024 };

static void withdraw_on_answer(void *context, const struct reply *reply) {
    struct server *server = context;
    server->withdraw_asking = false;
    if (reply->status != STATUS_OK)
        return; /* the next question reaches back as far as this one */
    for (unsigned i = 0; i < reply->row_count; i++) {
        struct row row = reply_row(reply, i);
        if (row_is_null(&row, 1)) {
            server->withdraw_since_ms = row_time_ms(&row, 0);
            continue;
        }
        struct uuid session_id = row_uuid(&row, 1);
        struct uuid file = row_uuid(&row, 2);
        struct session *session = session_find(server, &session_id);
        struct document *document = session == NULL ? NULL : document_find(session, &file);
        if (document == NULL || document->state != DOCUMENT_OPEN)
            continue;
        log_warn((&(struct log_subject){ .session = &session_id, .file = &file }), "document.withdrawn", "epoch=%lld",
                 (long long)document->epoch);
        document_gone(document, WIRE_GONE_QUARANTINED, 0);
    }
}

void withdraw_tick(struct server *server, uint64_t now_ms) {
    if (server->withdraw_asking || list_empty(&server->session_list) || now_ms < server->withdraw_asked_ms + WITHDRAW_MS)
        return;
    struct arena arena;
    arena_init(&arena, &mem_default, WITHDRAW_ARENA_BYTES);
    struct params *params = params_new(&arena);
    params_add_time(params, server->withdraw_since_ms);
    server->withdraw_asked_ms = now_ms;
    server->withdraw_asking =
        params != NULL && store_submit(server->store, NULL, "document_withdrawn", params, withdraw_on_answer, server) == STATUS_OK;
    arena_finish(&arena);
}
