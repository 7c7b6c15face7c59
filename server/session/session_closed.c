/* session_closed.c — see session_closed.h.
 *
 *   session_closed_ask ─▶ [session_closed: those with people, answered are those that take nobody] ─▶ session_closed_on_asked
 *
 * One question is on the way at a time, for at most SESSION_CLOSED_COUNT_MAX sessions; the next goes on behind it. */
#include "session/session_closed.h"

#include "log.h"
#include "store/store.h"
#include "wire/rpc.h"
#include "wire/session_wire.h"

enum { SESSION_CLOSED_ASK_MS = 2000, SESSION_CLOSED_COUNT_MAX = 4096 };

uint64_t session_closed_end(struct session *session, const char *reason) {
    struct wire_session_closed closed = { bytes_text("closed"), bytes_text(reason) };
    struct bytes_writer values = connection_writer();
    wire_notification_begin(&values, "session.closed");
    wire_session_closed_write(&values, &closed);
    struct frame *frame = values.status == STATUS_OK ? frame_of_values(bytes_written(&values)) : NULL;
    bytes_writer_finish(&values);
    if (frame != NULL)
        session_broadcast(session, frame, NULL);
    frame_release(frame);
    uint64_t count = 0;
    list_each (link, &session->connections) {
        connection_close(list_entry(link, struct connection, session_link), WIRE_CLOSE_GONE, reason);
        count++;
    }
    return count;
}

static void session_closed_on_asked(void *context, const struct reply *reply) {
    struct server *server = context;
    server->closed_asked = false;
    for (unsigned i = 0; reply->status == STATUS_OK && i < reply->row_count; i++) {
        struct row row = reply_row(reply, i);
        struct uuid id = row_uuid(&row, 0);
        struct session *session = session_find(server, &id);
        if (session == NULL || session->connection_count == 0)
            continue;
        uint64_t count = session_closed_end(session, "the session was closed");
        log_info((&(struct log_subject){ .session = &id }), "session.withdrawn", "connections=%llu", (unsigned long long)count);
    }
}

/* Those behind the session that the last question ended with; the list is in the order of their numbers. */
static size_t session_closed_collect(struct server *server, struct uuid *ids) {
    size_t count = 0;
    uint64_t behind = server->closed_asked_to;
    server->closed_asked_to = 0;
    list_each (link, &server->session_list) {
        const struct session *session = list_entry(link, struct session, server_link);
        if (session->connection_count == 0 || session->number <= behind)
            continue;
        ids[count++] = session->id;
        if (count == SESSION_CLOSED_COUNT_MAX) {
            server->closed_asked_to = session->number;
            break;
        }
    }
    return count;
}

void session_closed_ask(struct server *server, uint64_t now_ms) {
    if (server->closed_asked || list_empty(&server->session_list) || now_ms < server->closed_asked_ms + SESSION_CLOSED_ASK_MS)
        return;
    server->closed_asked_ms = now_ms;
    struct arena arena;
    arena_init(&arena, &mem_default, SESSION_CLOSED_COUNT_MAX * 64 + 4096);
    struct uuid *ids = arena_alloc(&arena, SESSION_CLOSED_COUNT_MAX * sizeof *ids);
    struct params *params = params_new(&arena);
    if (ids != NULL && params != NULL) {
        size_t count = session_closed_collect(server, ids);
        params_add_uuid_array(params, ids, count);
        server->closed_asked =
            count > 0 && store_submit(server->store, NULL, "session_closed", params, session_closed_on_asked, server) == STATUS_OK;
    }
    arena_finish(&arena);
}
