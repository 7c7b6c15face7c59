/* session.c — the registry of one loop's sessions, and who is in each. */
#include "session/session.h"

#include "config.h"
#include "document/document.h"
#include "feature/registry.h"
#include "log.h"
#include "session/visit.h"
#include "wire/session_wire.h"

#include <assert.h>

enum {
    SESSION_LINGER_MS = 10000, /* an empty session stays this long: a reload finds it warm */
    SESSION_TICK_MS = 1000,
    SESSION_CROWD = 100,              /* connections: in a larger session who comes and goes is told with the tick */
    SESSION_NEWS_BYTES_MAX = 1 << 16, /* or before, when so much waits */
};

static void session_room_flush(struct room *room);

struct session *session_find(struct server *server, const struct uuid *id) {
    struct session *session = table_get(&server->sessions, uuid_key(id));
    while (session != NULL && !uuid_equal(&session->id, id))
        session = session->chain;
    return session;
}

enum status session_open(struct server *server, const struct uuid *id, struct session **out) {
    struct session *session = session_find(server, id);
    if (session != NULL) {
        *out = session;
        return STATUS_OK;
    }
    session = mem_zalloc(&mem_default, sizeof *session);
    if (session == NULL)
        return STATUS_NO_MEMORY;
    session->server = server;
    session->id = *id;
    session->number = ++server->session_next;
    session->empty_since_ms = server_now_ms(server);
    list_init(&session->connections);
    list_init(&session->documents);
    table_init(&session->documents_by_number, &mem_default);
    attendance_init(&session->attendance);
    room_init(&session->room, server, session_room_flush);
    session->news = connection_writer();
    session->chain = table_get(&server->sessions, uuid_key(id));
    enum status status = registry_session_open(session);
    if (status == STATUS_OK)
        status = table_put(&server->sessions, uuid_key(id), session);
    if (status != STATUS_OK) {
        registry_session_close(session);
        mem_free(&mem_default, session, sizeof *session);
        return status;
    }
    list_append(&server->session_list, &session->server_link);
    log_info(&(struct log_subject){ .session = id }, "session.opened", "loop=%u sessions=%zu", server->index,
             table_count(&server->sessions));
    *out = session;
    return STATUS_OK;
}

void session_destroy(struct session *session) {
    struct server *server = session->server;
    list_each (link, &session->connections)
        connection_doom(list_entry(link, struct connection, session_link));
    list_each (link, &session->documents)
        document_destroy(list_entry(link, struct document, session_link));
    registry_session_close(session);
    attendance_finish(&session->attendance);
    room_finish(&session->room);
    bytes_writer_finish(&session->news);
    table_finish(&session->documents_by_number);

    uint64_t key = uuid_key(&session->id);
    struct session *first = table_get(&server->sessions, key);
    if (first == session) {
        if (session->chain != NULL)
            table_put(&server->sessions, key, session->chain); /* replaces: cannot fail */
        else
            table_remove(&server->sessions, key);
    } else {
        while (first->chain != session)
            first = first->chain;
        first->chain = session->chain;
    }
    list_remove(&session->server_link);
    placement_left(server, &session->id, false);
    log_info(&(struct log_subject){ .session = &session->id }, "session.closed", "sessions=%zu", table_count(&server->sessions));
    mem_free(&mem_default, session, sizeof *session);
}

/* ---- who is here ---- */

static struct wire_participant session_wire_participant(const struct connection *connection) {
    const struct participant *participant = &connection->participant;
    return (struct wire_participant){
        .id = connection->id,
        .user = participant->user,
        .username = bytes_text(participant->username),
        .display_name = bytes_text(participant->display_name),
        .role = bytes_text(participant->role),
    };
}

static void session_tell(struct session *session, struct bytes_writer *values, const struct connection *except) {
    struct frame *frame = values->status == STATUS_OK && values->size > 0 ? frame_of_values(bytes_written(values)) : NULL;
    bytes_writer_finish(values);
    *values = connection_writer();
    if (frame != NULL)
        session_broadcast(session, frame, except);
    frame_release(frame);
}

/* In a crowd of n each coming told by itself would be n writes, n² in all: what a tick gathers is one write to each. */
static void session_announce(struct session *session, const struct connection *connection, enum wire_participant_what what) {
    struct wire_participant_event event = { .what = what, .participant = session_wire_participant(connection) };
    wire_notification_begin(&session->news, "session.participant");
    wire_participant_event_write(&session->news, &event);
    if (session->connection_count <= SESSION_CROWD)
        session_tell(session, &session->news, connection);
    else if (session->news.size >= SESSION_NEWS_BYTES_MAX)
        session_tell(session, &session->news, NULL);
    else
        room_touch(&session->room);
}

enum status session_enter(struct session *session, struct connection *connection) {
    enum status status = attendance_enter(&session->attendance, &connection->participant.user);
    if (status != STATUS_OK)
        return status;
    connection->session = session;
    connection->state = CONNECTION_JOINED;
    connection_settled(connection);
    metrics_count(&session->server->metrics, METRIC_joins);
    connection->deadline_ms = server_now_ms(session->server) + server_config(session->server)->ping_ms;
    struct list *at = &session->connections; /* in order of ids, for paging; a connection may join after a younger one */
    while (at->previous != &session->connections && list_entry(at->previous, struct connection, session_link)->id > connection->id)
        at = at->previous;
    list_insert_before(at, &connection->session_link);
    session->connection_count++;
    session->empty_since_ms = 0;
    session_announce(session, connection, WIRE_PARTICIPANT_JOINED);
    registry_participant_joined(session, connection);
    return STATUS_OK;
}

void session_leave(struct connection *connection) {
    struct session *session = connection->session;
    if (session == NULL)
        return;
    list_each (link, &connection->subscriptions)
        document_unsubscribe(list_entry(link, struct subscription, connection_link));
    list_remove(&connection->session_link);
    session->connection_count--;
    attendance_leave(&session->attendance, &connection->participant.user);
    connection->session = NULL;
    uint64_t now_ms = server_now_ms(session->server);
    room_leave(&session->room, &connection->room_member, now_ms);
    if (session->connection_count == 0)
        session->empty_since_ms = now_ms;
    session_announce(session, connection, WIRE_PARTICIPANT_LEFT);
    registry_participant_left(session, connection);
    if (attendance_of(&session->attendance, &connection->participant.user) == 0)
        visit_end(session, &connection->participant.user);
}

void session_broadcast(struct session *session, struct frame *frame, const struct connection *except) {
    list_each (link, &session->connections) {
        struct connection *connection = list_entry(link, struct connection, session_link);
        if (connection != except && connection->dialect->kind == DIALECT_NATIVE)
            connection_send(connection, frame);
    }
}

void session_write_participants(const struct session *session, uint64_t after, uint64_t limit, const struct connection *except,
                                struct bytes_writer *out, uint64_t *out_next) {
    uint32_t count = 0;
    uint64_t last = 0;
    *out_next = 0;
    struct bytes_writer page = connection_writer();
    const struct connection *last_one = server_connection(session->server, after);
    const struct list *link =
        last_one != NULL && last_one->session == session ? &last_one->session_link : session->connections.next;
    for (; link != &session->connections; link = link->next) {
        const struct connection *connection = list_entry(link, struct connection, session_link);
        if (connection->id <= after || connection == except)
            continue;
        if (count == limit) {
            *out_next = last;
            break;
        }
        struct wire_participant participant = session_wire_participant(connection);
        wire_participant_write(&page, &participant);
        last = connection->id;
        count++;
    }
    pack_write_array(out, count);
    pack_write_raw(out, bytes_written(&page));
    if (page.status != STATUS_OK)
        out->status = page.status;
    bytes_writer_finish(&page);
}

void session_participants(struct connection *connection, uint32_t msgid, struct bytes params) {
    struct wire_page page;
    struct pack_fields fields = wire_page_read(params, &page);
    if (fields.status != STATUS_OK) {
        struct wire_fault fault = wire_fault_of_fields(&fields);
        connection_send_fault(connection, msgid, &fault);
        return;
    }
    struct bytes_writer array = connection_writer();
    struct wire_participants_page result = { 0 };
    session_write_participants(connection->session, page.after, page.limit, NULL, &array, &result.next);
    result.participants = bytes_written(&array);
    struct bytes_writer values = connection_writer();
    wire_result_begin(&values, msgid);
    wire_participants_page_write(&values, &result);
    if (array.status != STATUS_OK)
        values.status = array.status;
    connection_send_values(connection, &values);
    bytes_writer_finish(&array);
}

/* ---- awareness of the session ---- */

enum status session_awareness(struct connection *connection, struct bytes update) {
    struct session *session = connection->session;
    struct log_subject subject = connection_subject(connection);
    enum status status =
        room_apply(&session->room, &connection->room_member, connection->id, update, server_now_ms(session->server));
    if (status != STATUS_OK && status != STATUS_MALFORMED)
        log_warn(&subject, "awareness.refused", "status=%s", status_name(status));
    return status;
}

static void session_room_flush(struct room *room) {
    struct session *session = list_entry(room, struct session, room);
    session_tell(session, &session->news, NULL); /* before what they do */
    uint64_t except;
    struct bytes_writer update;
    if (!room_changed(room, &update, &except))
        return;
    struct frame *frame = frame_of_sync(frame_native(0), FRAME_AWARENESS, bytes_written(&update));
    bytes_writer_finish(&update);
    list_each (link, &session->connections) {
        struct connection *connection = list_entry(link, struct connection, session_link);
        if (connection->id == except || connection->dialect->kind != DIALECT_NATIVE)
            continue;
        if (connection->wants_write || frame == NULL)
            room_miss(room, &connection->room_member);
        else
            connection_send(connection, frame);
    }
    frame_release(frame);
}

/* ---- time ---- */

void session_tick(struct session *session, uint64_t now_ms) {
    if (now_ms < session->ticked_ms + SESSION_TICK_MS)
        return;
    session->ticked_ms = now_ms;
    room_expire(&session->room, now_ms);
    list_each (link, &session->documents)
        document_tick(list_entry(link, struct document, session_link), now_ms);
    registry_session_tick(session, now_ms);
    bool empty = session->connection_count == 0 && session->calls == 0 && list_empty(&session->documents);
    if (empty && session->empty_since_ms != 0 && now_ms >= session->empty_since_ms + SESSION_LINGER_MS)
        session_destroy(session);
}
