/* connection.c — the life of one WebSocket connection; what its messages mean is its dialect's.
 *
 * In order of a connection's life: open, bytes, send, flush, tick, close, doom. */
#include "connection/connection.h"

#include "config.h"
#include "connection/rate.h"
#include "document/delivery.h"
#include "log.h"
#include "loop/loop.h"
#include "loop/socket.h"
#include "session/session.h"
#include "session/session_token.h"
#include "shed.h"
#include "wire/rpc.h"

#include <assert.h>

enum {
    CONNECTION_PAUSE_MS_MAX = 10000,       /* of one that sends too much */
    CONNECTION_CLOSE_MS = 2000,            /* the peer's time to answer a close */
    CONNECTION_REFUSED_MS = 2000,          /* y-websocket 1.5 comes back 0.1 s after whatever close */
    CONNECTION_VALUES_BYTES_MAX = 1 << 28, /* one message that we write: a whole document and its headers */
    CONNECTION_SLICE_BYTES = 1 << 18,      /* written at most per turn: some 50 us of copying */
};

struct connection_verdict {
    uint16_t code;
    char reason[WS_REASON_MAX + 1];
};

static void connection_on_bytes(void *owner, struct bytes bytes);
static void connection_on_writable(void *owner);
static void connection_on_end(void *owner, enum status why);
static const struct socket_events connection_events = { connection_on_bytes, connection_on_writable, connection_on_end };

struct log_subject connection_subject(const struct connection *connection) {
    return (struct log_subject){ .session = &connection->session_id, .connection = connection->id, .request = connection->request };
}

/* ---- open ---- */

/* One close frame, as far as the kernel takes it, and the end: who is turned away must cost nothing. */
static void connection_turn_away(struct handoff *handoff, uint16_t code, const char *reason) {
    uint8_t payload[WS_CONTROL_MAX], bytes[WS_HEADER_MAX + WS_CONTROL_MAX];
    size_t size = strlen(reason);
    assert(size <= WS_REASON_MAX);
    payload[0] = (uint8_t)(code >> 8);
    payload[1] = (uint8_t)code;
    memcpy(payload + 2, reason, size);
    struct bytes_writer frame = { .data = bytes, .capacity = sizeof bytes, .size_max = sizeof bytes, .mem = &mem_default };
    ws_frame_write(&frame, WS_CLOSE, true, bytes_of(payload, 2 + size));
    socket_write_last(&handoff->line, bytes_written(&frame));
    handoff_destroy(handoff);
}

bool connection_open(struct server *server, struct handoff *handoff) {
    const struct config *config = server_config(server);
    enum limit limit;
    if (server->draining) {
        connection_turn_away(handoff, WIRE_CLOSE_DRAIN, "the server goes away; reconnect");
        return false;
    }
    const char *shed = shed_newcomer(server, &limit);
    if (shed != NULL) {
        metrics_limited(&server->metrics, limit);
        log_debug(NULL, "connection.shed", "peer=%s reason=\"%s\"", handoff->peer, shed);
        connection_turn_away(handoff, WIRE_CLOSE_UNAVAILABLE, shed);
        return false;
    }
    struct connection *connection = mem_zalloc(&mem_default, sizeof *connection);
    if (connection == NULL) {
        connection_turn_away(handoff, WIRE_CLOSE_UNAVAILABLE, "the server has no memory; try again");
        return false;
    }
    connection->server = server;
    connection->dialect = dialect_of(handoff->dialect);
    connection->id = server->connection_next++;
    connection->session_id = handoff->session;
    memcpy(connection->request, handoff->request, sizeof connection->request);
    connection->ponged = true;
    connection->deadline_ms = server_now_ms(server) + config->unjoined_ms;
    outbox_init(&connection->outbox);
    ws_conn_init(&connection->ws, &server->ws_pool, WS_SERVER, config->message_bytes_max);
    if (handoff->deflate_bits != 0)
        ws_conn_deflate(&connection->ws, handoff->deflate_bits);
    ws_conn_unpack_max(&connection->ws, config->unjoined_bytes_max);
    list_init(&connection->server_link);
    list_init(&connection->held_link);
    list_init(&connection->flush_link);
    list_init(&connection->doomed_link);
    list_init(&connection->session_link);
    list_init(&connection->paced_link);
    list_init(&connection->subscriptions);
    list_init(&connection->due);

    if (handoff->credential.size > 0) {
        connection->credential = mem_alloc(&mem_default, handoff->credential.size);
        if (connection->credential == NULL)
            goto fail;
        memcpy(connection->credential, handoff->credential.data, handoff->credential.size);
        connection->credential_size = handoff->credential.size;
        connection->credential_in_url = handoff->in_url;
    }
    if (table_put(&server->connections, connection->id, connection) != STATUS_OK)
        goto fail;
    if (socket_open(server->loop, handoff->line, &connection_events, connection, &connection->socket) != STATUS_OK)
        goto fail_table;
    handoff->line = (struct socket_line){ .fd = -1 };
    list_append(&server->connection_list, &connection->server_link);
    server->speaking[connection->dialect->kind]++;
    connection->counted_unjoined = true;
    server->unjoined++;
    struct log_subject subject = connection_subject(connection);
    log_debug(&subject, "connection.opened", "peer=%s", handoff->peer);
    connection->unread = handoff;
    connection->dialect->opened(connection);
    return true;

fail_table:
    table_remove(&server->connections, connection->id);
fail:
    mem_free(&mem_default, connection->credential, connection->credential_size);
    mem_free(&mem_default, connection, sizeof *connection);
    handoff_destroy(handoff);
    return false;
}

void connection_begin_reading(struct connection *connection) {
    struct handoff *handoff = connection->unread;
    assert(handoff != NULL);
    connection->unread = NULL;
    connection->ponged = true;
    socket_pause(connection->socket, connection->server->draining);
    if (handoff->early.size > 0)
        connection_on_bytes(connection, handoff->early);
    handoff_destroy(handoff);
}

/* ---- bytes in ---- */

static void connection_take_replies(struct connection *connection);
static void connection_slow_down(struct connection *connection);

static void connection_on_event(struct connection *connection, const struct ws_event *event) {
    struct log_subject subject = connection_subject(connection);
    switch (event->kind) {
    case WS_EVENT_BINARY:
        metrics_count(&connection->server->metrics, METRIC_messages);
        if (connection->state < CONNECTION_REFUSED)
            connection->dialect->message(connection, event->payload);
        break;
    case WS_EVENT_TEXT:
        connection_close(connection, WIRE_CLOSE_DATA, "only binary messages are taken");
        break;
    case WS_EVENT_PING:
    case WS_EVENT_PONG:
        break;
    case WS_EVENT_CLOSE:
    case WS_EVENT_FAILED:
        if (event->kind == WS_EVENT_FAILED && event->code == WIRE_CLOSE_TOO_BIG)
            metrics_limited(&connection->server->metrics, LIMIT_message_bytes_max);
        log_debug(&subject, "connection.closed_by_peer", "code=%u failed=%d", event->code, event->kind == WS_EVENT_FAILED);
        session_leave(connection);
        if (connection->state < CONNECTION_CLOSING) {
            connection->state = CONNECTION_CLOSING;
            connection->deadline_ms = server_now_ms(connection->server) + CONNECTION_CLOSE_MS;
        }
        break;
    }
}

static void connection_on_bytes(void *owner, struct bytes bytes) {
    struct connection *connection = owner;
    if (connection->state == CONNECTION_DOOMED)
        return;
    connection->ponged = true;
    connection->server->metrics.counters[METRIC_received_bytes] += bytes.size;
    if (connection->state < CONNECTION_JOINED) {
        connection->unjoined_bytes += bytes.size;
        if (connection->unjoined_bytes > server_config(connection->server)->unjoined_bytes_max) {
            metrics_limited(&connection->server->metrics, LIMIT_unjoined_bytes_max);
            connection_close(connection, WIRE_CLOSE_CREDENTIALS, "too much was sent before joining");
            return;
        }
    }
    ws_conn_feed(&connection->ws, bytes);
    struct ws_event event;
    enum status status;
    while ((status = ws_conn_next(&connection->ws, &event)) == STATUS_OK)
        connection_on_event(connection, &event);
    if (status == STATUS_NO_MEMORY || status == STATUS_OVERLOADED) {
        /* The rest of these bytes cannot be kept: without them the stream has no meaning any more. */
        struct log_subject subject = connection_subject(connection);
        log_warn(&subject, "connection.starved", "status=%s", status_name(status));
        connection_doom(connection);
        return;
    }
    connection_slow_down(connection);
    connection_take_replies(connection);
}

/* Spends what the last bytes held, and pauses who has spent too much. */
static void connection_slow_down(struct connection *connection) {
    struct server *server = connection->server;
    const struct config *config = server_config(server);
    uint64_t now_ms = server_now_ms(server);
    uint64_t frames = connection->ws.frames - connection->frames;
    uint64_t frames_ms = rate_spend(&connection->frames_full_us, config->frames_per_second, frames, now_ms);
    uint64_t updates_ms = rate_spend(&connection->updates_full_us, config->updates_per_second, connection->updates, now_ms);
    uint64_t pause_ms = frames_ms > updates_ms ? frames_ms : updates_ms;
    connection->frames += frames;
    connection->updates = 0;
    if (pause_ms == 0 || connection->state >= CONNECTION_REFUSED)
        return;
    metrics_limited(&server->metrics, frames_ms > updates_ms ? LIMIT_frames_per_second : LIMIT_updates_per_second);
    if (pause_ms > CONNECTION_PAUSE_MS_MAX) {
        connection_close(connection, WIRE_CLOSE_RATE, "sends much more than is allowed");
        return;
    }
    connection->paced_until_ms = now_ms + pause_ms;
    socket_pause(connection->socket, true);
    if (list_empty(&connection->paced_link))
        list_append(&server->paced, &connection->paced_link);
}

void connection_pace(struct connection *connection, uint64_t now_ms) {
    if (now_ms < connection->paced_until_ms || connection->server->draining)
        return;
    list_remove(&connection->paced_link);
    connection->ponged = true; /* its silence was ours */
    socket_pause(connection->socket, false);
}

void connection_settled(struct connection *connection) {
    connection->server->unjoined -= connection->counted_unjoined;
    connection->counted_unjoined = false;
    ws_conn_unpack_max(&connection->ws, SIZE_MAX);
}

/* Pongs and close frames that the protocol itself wants to send. */
static void connection_take_replies(struct connection *connection) {
    if (connection->state == CONNECTION_DOOMED)
        return;
    if (ws_conn_wants(&connection->ws) & WS_WANTS_WRITE) {
        struct bytes_writer writer;
        bytes_writer_init(&writer, &mem_default, 2 * WS_OUT_MAX);
        ws_conn_take(&connection->ws, &writer);
        struct frame *frame = writer.status == STATUS_OK ? frame_create(writer.size) : NULL;
        if (frame != NULL) {
            memcpy(frame->data, writer.data, writer.size);
            if (outbox_push(&connection->outbox, frame, SIZE_MAX) != STATUS_OK)
                connection_doom(connection);
            frame_release(frame);
        } else {
            connection_doom(connection);
        }
        bytes_writer_finish(&writer);
    }
    connection_wake(connection);
}

/* ---- frames out ---- */

void connection_wake(struct connection *connection) {
    if (list_empty(&connection->flush_link))
        list_append(&connection->server->flush, &connection->flush_link);
}

void connection_wake_later(struct connection *connection) {
    uint64_t now_ms = server_now_ms(connection->server);
    if (now_ms >= connection->told_ms + CONNECTION_HOLD_MS) {
        connection_wake(connection);
    } else if (connection->held_ms == 0) {
        connection->held_ms = now_ms;
        list_append(&connection->server->held, &connection->held_link);
    }
}

static void connection_unhold(struct connection *connection) {
    list_remove(&connection->held_link);
    connection->held_ms = 0;
}

/* May be called while somebody walks the session's connections: it closes nothing itself, connection_flush() does. */
void connection_send(struct connection *connection, struct frame *frame) {
    if (connection->state >= CONNECTION_CLOSING || connection->too_slow)
        return;
    enum status status = outbox_push(&connection->outbox, frame, server_config(connection->server)->outbox_bytes_max);
    connection->too_slow = status != STATUS_OK;
    metrics_count(&connection->server->metrics, METRIC_deliveries);
    connection_wake(connection);
}

struct frame *connection_pack(const struct connection *connection, struct frame *frame) {
    struct bytes payload = ws_frame_payload(bytes_of(frame->data, frame->size));
    if (!ws_conn_packs(&connection->ws, payload.size))
        return frame_acquire(frame);
    struct bytes_writer message = connection_writer();
    ws_conn_message(&connection->ws, &message, WS_BINARY, payload);
    struct frame *packed = message.status == STATUS_OK ? frame_create(message.size) : NULL;
    if (packed != NULL)
        memcpy(packed->data, message.data, message.size);
    bytes_writer_finish(&message);
    return packed != NULL ? packed : frame_acquire(frame);
}

struct bytes_writer connection_writer(void) {
    struct bytes_writer writer;
    bytes_writer_init(&writer, &mem_default, CONNECTION_VALUES_BYTES_MAX);
    return writer;
}

void connection_send_values(struct connection *connection, struct bytes_writer *values) {
    struct frame *frame = values->status == STATUS_OK ? frame_of_values(bytes_written(values)) : NULL;
    bytes_writer_finish(values);
    if (frame == NULL) { /* an answer that cannot be given would leave the peer waiting for ever */
        connection_doom(connection);
        return;
    }
    struct frame *packed = connection_pack(connection, frame);
    connection_send(connection, packed);
    frame_release(packed);
    frame_release(frame);
}

void connection_send_room(struct connection *connection, struct room *room, struct room_member *member, struct frame_address to) {
    struct frame *frames[ROOM_CATCH_UP_FRAMES];
    size_t count = room_catch_up(room, member, to, frames);
    for (size_t i = 0; i < count; i++) {
        connection_send(connection, frames[i]);
        frame_release(frames[i]);
    }
}

void connection_send_fault(struct connection *connection, uint32_t msgid, const struct wire_fault *fault) {
    struct bytes_writer values = connection_writer();
    wire_error_write(&values, msgid, fault);
    connection_send_values(connection, &values);
}

/* What is owed beyond what is queued already; the kernel takes bytes. */
static void connection_settle(struct connection *connection) {
    if (connection->room_member.missed)
        connection_send_room(connection, &connection->session->room, &connection->room_member, frame_native(0));
    if (!list_empty(&connection->due))
        delivery_settle(connection);
}

void connection_flush(struct connection *connection) {
    struct server *server = connection->server;
    if (connection->held_ms != 0)
        connection_unhold(connection);
    if (!outbox_empty(&connection->outbox))
        connection->told_ms = server_now_ms(server);
    if (connection->state == CONNECTION_JOINED && !connection->wants_write)
        connection_settle(connection);
    if (connection->too_slow && connection->state < CONNECTION_CLOSING) {
        struct log_subject subject = connection_subject(connection);
        metrics_limited(&server->metrics, connection->stalled ? LIMIT_outbox_stall_ms : LIMIT_outbox_bytes_max);
        log_warn(&subject, "outbox.full", "bytes=%zu", connection->outbox.bytes);
        outbox_drop_unsent(&connection->outbox);
        connection_close(connection, WIRE_CLOSE_TOO_SLOW, "reads slower than the session writes");
    }
    if (connection->ends_soon && connection->state < CONNECTION_CLOSING)
        connection_close(connection, WIRE_CLOSE_UNAVAILABLE, "a document was put aside; try again");
    if (connection->state == CONNECTION_DOOMED || connection->wants_write)
        return;
    if (connection->outbox.bytes > CONNECTION_SLICE_BYTES && server->turn_bytes_left == 0) {
        server_put_off(server, connection);
        return;
    }
    size_t written;
    enum status status = outbox_flush(&connection->outbox, connection->socket, CONNECTION_SLICE_BYTES, &written);
    server->turn_bytes_left -= written < server->turn_bytes_left ? written : server->turn_bytes_left;
    if (status == STATUS_MORE) {
        connection->wants_write = true;
        if (written > 0 || connection->moved_ms == 0)
            connection->moved_ms = server_now_ms(server);
        socket_want_write(connection->socket);
        return;
    }
    connection->moved_ms = 0;
    bool empty = outbox_empty(&connection->outbox);
    if (status != STATUS_OK)
        connection_doom(connection);
    else if (empty && (ws_conn_wants(&connection->ws) & WS_WANTS_END))
        /* Closing with unread bytes would reset the connection and could take the close frame with it: the peer ends it, or
         * connection_tick(). */
        socket_shutdown(connection->socket);
    else if (!empty || !list_empty(&connection->due))
        server_put_off(server, connection);
}

static void connection_on_writable(void *owner) {
    struct connection *connection = owner;
    connection->wants_write = false;
    connection_wake(connection);
}

/* ---- time ---- */

void connection_tick_held(struct server *server, uint64_t now_ms) {
    list_each (link, &server->held) {
        struct connection *connection = list_entry(link, struct connection, held_link);
        if (now_ms < connection->held_ms + CONNECTION_HOLD_MS)
            return;
        connection_unhold(connection);
        connection_wake(connection);
    }
}

void connection_tick(struct connection *connection, uint64_t now_ms) {
    if (connection->state == CONNECTION_JOINED)
        session_token_tick(connection);
    if (connection->state == CONNECTION_JOINED && connection->moved_ms != 0 &&
        now_ms >= connection->moved_ms + server_config(connection->server)->outbox_stall_ms) {
        connection->too_slow = connection->stalled = true;
        connection_wake(connection);
        return;
    }
    if (connection->state == CONNECTION_DOOMED || now_ms < connection->deadline_ms)
        return;
    struct log_subject subject = connection_subject(connection);
    switch (connection->state) {
    case CONNECTION_WAITING:
    case CONNECTION_JOINING:
        metrics_limited(&connection->server->metrics, LIMIT_unjoined_ms);
        connection_close(connection, WIRE_CLOSE_TOO_SLOW, "did not join in time");
        break;
    case CONNECTION_JOINED:
        if (!connection->ponged && list_empty(&connection->paced_link) && connection->unread == NULL) {
            metrics_limited(&connection->server->metrics, LIMIT_ping_ms);
            log_info(&subject, "connection.silent", "ms=%llu", (unsigned long long)server_config(connection->server)->ping_ms);
            connection_doom(connection);
            break;
        }
        connection->ponged = false;
        connection->deadline_ms = now_ms + server_config(connection->server)->ping_ms;
        struct frame *ping = frame_create(ws_frame_header_size(0));
        if (ping != NULL) {
            uint8_t header[WS_HEADER_MAX];
            memcpy(ping->data, header, ws_frame_header(header, 0, WS_PING, true));
            connection_send(connection, ping);
            frame_release(ping);
        }
        connection->dialect->ping(connection);
        break;
    case CONNECTION_REFUSED:
        connection_close(connection, connection->verdict->code, connection->verdict->reason);
        break;
    case CONNECTION_CLOSING:
        connection_doom(connection);
        break;
    case CONNECTION_DOOMED:
        break;
    }
}

/* ---- the end ---- */

void connection_close(struct connection *connection, uint16_t code, const char *reason) {
    if (connection->state >= CONNECTION_CLOSING)
        return;
    struct log_subject subject = connection_subject(connection);
    log_info(&subject, "connection.closing", "code=%u reason=\"%s\"", code, reason);
    delivery_send_acks(connection);
    if (connection->state == CONNECTION_DOOMED)
        return;
    session_leave(connection);
    if (connection->state == CONNECTION_REFUSED)
        socket_pause(connection->socket, false); /* for the peer's close */
    connection->state = CONNECTION_CLOSING;
    connection->deadline_ms = server_now_ms(connection->server) + CONNECTION_CLOSE_MS;
    if (ws_conn_close(&connection->ws, code, bytes_text(reason)) != STATUS_OK) {
        connection_doom(connection);
        return;
    }
    connection_take_replies(connection);
}

void connection_refuse(struct connection *connection, uint16_t code, const char *reason) {
    if (connection->state >= CONNECTION_REFUSED)
        return;
    connection->verdict = mem_zalloc(&mem_default, sizeof *connection->verdict);
    if (connection->verdict == NULL) {
        connection_close(connection, code, reason);
        return;
    }
    struct log_subject subject = connection_subject(connection);
    log_info(&subject, "connection.refused", "code=%u reason=\"%s\"", code, reason);
    connection->verdict->code = code;
    memcpy(connection->verdict->reason, reason, strnlen(reason, WS_REASON_MAX));
    session_leave(connection);
    socket_pause(connection->socket, true);
    list_remove(&connection->paced_link);
    connection->state = CONNECTION_REFUSED;
    connection->deadline_ms = server_now_ms(connection->server) + CONNECTION_REFUSED_MS;
}

void connection_end_soon(struct connection *connection) {
    connection->ends_soon = true;
    connection_wake(connection);
}

static void connection_on_end(void *owner, enum status why) {
    struct connection *connection = owner;
    struct log_subject subject = connection_subject(connection);
    log_debug(&subject, "connection.ended", "why=%s", status_name(why));
    connection_doom(connection);
}

void connection_doom(struct connection *connection) {
    if (connection->state == CONNECTION_DOOMED)
        return;
    session_leave(connection);
    connection->state = CONNECTION_DOOMED;
    list_append(&connection->server->doomed, &connection->doomed_link);
}

void connection_destroy(struct connection *connection) {
    assert(connection->state == CONNECTION_DOOMED && connection->session == NULL && list_empty(&connection->subscriptions));
    connection_settled(connection);
    placement_left(connection->server, &connection->session_id, true);
    connection->server->speaking[connection->dialect->kind]--;
    table_remove(&connection->server->connections, connection->id);
    list_remove(&connection->held_link);
    list_remove(&connection->paced_link);
    list_remove(&connection->server_link);
    list_remove(&connection->flush_link);
    list_remove(&connection->doomed_link);
    socket_close(connection->socket);
    ws_conn_finish(&connection->ws);
    outbox_finish(&connection->outbox);
    rate_free(connection->rates);
    mem_free(&mem_default, connection->credential, connection->credential_size);
    mem_free(&mem_default, connection->door_token, TOKEN_HASH_BYTES);
    mem_free(&mem_default, connection->verdict, sizeof *connection->verdict);
    handoff_destroy(connection->unread);
    if (connection->dialect->closed != NULL)
        connection->dialect->closed(connection);
    mem_free(&mem_default, connection, sizeof *connection);
}
