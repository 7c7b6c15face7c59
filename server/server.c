/* server.c — one loop's root: connections, sessions, the tick, the end of a turn, the way down.
 *
 *   end of a turn   flush every connection that has something to send ──▶ free the doomed ──▶ the store's own flush
 *   tick (33 ms)    store, rooms of awareness; once a second connections and sessions
 *   drain           reading stops ──▶ journal durable, acks out ──▶ closed with 1001, checkpoints, statements answered ──▶ done
 */
#include "server.h"

#include "config.h"
#include "connection/connection.h"
#include "connection/native.h"
#include "document/budget.h"
#include "document/document.h"
#include "document/leave.h"
#include "document/persist.h"
#include "document/standing.h"
#include "log.h"
#include "loop/loop.h"
#include "loop/socket.h"
#include "loop/store_watch.h"
#include "loop/tls.h"
#include "retention.h"
#include "session/session.h"
#include "session/session_closed.h"
#include "session/session_token.h"
#include "session/visit.h"
#include "shed.h"
#include "store/store.h"

#include <assert.h>
#include <stdio.h>
#include <unistd.h>

enum {
    SERVER_TICK_MS = 33,         /* presence leaves at most 30 times a second */
    SERVER_SLOW_TICK_MS = 1000,  /* deadlines, pings, checkpoints */
    SERVER_TURN_BYTES = 2 << 20, /* of big states in one turn: some 400 us of copying */
    SERVER_PARSERS_IDLE = 16,    /* WebSocket parsers kept for the next message */
    SERVER_COMEBACK_US = 1000,   /* of a drain: how much later each more client is told to come back, */
    SERVER_COMEBACK_MS = 30000,  /* and the most that anybody is told to wait */
    SERVER_ACK_MS = 5000,        /* of a drain: what the last acks may take before connections are closed all the same */
};

extern const struct embedded_file server_sql[];

/* ---- handoffs ---- */

/* Copies `bytes` to `at`, which it moves on. */
static struct bytes handoff_keep(uint8_t **at, struct bytes bytes) {
    struct bytes kept = bytes_of(*at, bytes.size);
    if (bytes.size > 0)
        memcpy(*at, bytes.data, bytes.size);
    *at += bytes.size;
    return kept;
}

struct handoff *handoff_create(struct socket_line line, const struct uuid *session, struct bytes credential, struct bytes path,
                               struct bytes early, const char *peer) {
    struct handoff *handoff = mem_zalloc(&mem_default, sizeof *handoff);
    if (handoff == NULL)
        return NULL;
    handoff->memory_bytes = credential.size + path.size + early.size + 1;
    handoff->memory = mem_alloc(&mem_default, handoff->memory_bytes);
    if (handoff->memory == NULL) {
        mem_free(&mem_default, handoff, sizeof *handoff);
        return NULL;
    }
    handoff->line = line;
    handoff->session = *session;
    uint8_t *at = handoff->memory;
    handoff->credential = handoff_keep(&at, credential);
    handoff->path = handoff_keep(&at, path);
    handoff->early = handoff_keep(&at, early);
    snprintf(handoff->peer, sizeof handoff->peer, "%s", peer);
    return handoff;
}

void handoff_destroy(struct handoff *handoff) {
    if (handoff == NULL)
        return;
    socket_line_close(&handoff->line);
    mem_free(&mem_default, handoff->memory, handoff->memory_bytes);
    mem_free(&mem_default, handoff, sizeof *handoff);
}

/* ---- start ---- */

static void server_turn_end(void *context);
static void server_tick(void *context);

static void server_watch(void *context, unsigned slot, int fd, unsigned wants) {
    struct server *server = context;
    store_watch_set(server->store_watch, slot, fd, wants);
}

static void server_on_health(void *context, const struct store_health *health) {
    struct server *server = context;
    static const char *const names[] = { "connecting", "ready", "away", "refused" };
    log_event(health->state == STORE_READY && health->reason[0] == '\0' ? LOG_INFO : LOG_WARN, NULL, "store.state",
              "loop=%u state=%s reason=\"%s\"", server->index, names[health->state], health->reason);
}

static void server_on_swept(void *context, const struct reply *reply) {
    (void)context;
    if (reply->status != STATUS_OK)
        log_warn(NULL, "session.not_swept", "status=%s error=\"%s\"", status_name(reply->status), reply->error);
}

enum status server_create(const struct fleet *fleet, const struct config *config, struct tls_context *tls, unsigned index,
                          struct loop *loop, struct server **out) {
    struct server *server = mem_zalloc(&mem_default, sizeof *server);
    if (server == NULL)
        return STATUS_NO_MEMORY;
    server->config = config_copy(config);
    if (server->config == NULL) {
        mem_free(&mem_default, server, sizeof *server);
        return STATUS_NO_MEMORY;
    }
    server->tls = tls_context_acquire(tls);
    server->fleet = fleet;
    server->index = index;
    server->loop = loop;
    server->connection_next = 1;
    server->document_next = 1;
    ws_pool_init(&server->ws_pool, &mem_default, SERVER_PARSERS_IDLE, (unsigned)config->connections_max);
    table_init(&server->connections, &mem_default);
    table_init(&server->sessions, &mem_default);
    placement_init(&server->placement);
    list_init(&server->connection_list);
    list_init(&server->flush);
    list_init(&server->put_off);
    list_init(&server->doomed);
    list_init(&server->held);
    list_init(&server->paced);
    list_init(&server->session_list);
    list_init(&server->rooms);
    list_init(&server->idle_saved);
    list_init(&server->idle_dirty);
    list_init(&server->visits);
    list_init(&server->visits_missed);

    static const struct embedded_file *const catalogs[] = { server_sql, NULL };
    struct store_options options = {
        .url = config->database,
        .writer = server_new_id(server),
        .catalogs = catalogs,
        .dirty_bytes_max = config->dirty_bytes_max,
    };
    char reason[256] = "";
    enum status status = store_watch_create(loop, &server->store_watch);
    if (status == STATUS_OK) {
        struct store_owner owner = { .context = server, .watch = server_watch, .health_changed = server_on_health };
        status = store_create(&options, &owner, loop_now_ms(loop), reason, &server->store);
    }
    if (status == STATUS_OK) {
        store_watch_attach(server->store_watch, server->store);
        status = loop_timer_create(loop, server_tick, server, &server->tick);
    }
    if (status != STATUS_OK) {
        log_error(NULL, "server.not_created", "status=%s reason=\"%s\"", status_name(status), reason);
        server_destroy(server);
        return status;
    }
    loop_on_turn_end(loop, server_turn_end, server);
    loop_timer_start(server->tick, SERVER_TICK_MS, SERVER_TICK_MS);
    if (index == 0)
        store_submit(server->store, NULL, "session_sweep", NULL, server_on_swept, NULL);
    *out = server;
    return STATUS_OK;
}

void server_destroy(struct server *server) {
    if (server == NULL)
        return;
    if (server->store != NULL)
        store_stop(server->store); /* first: operations on their way end by their answers */
    list_each (link, &server->session_list)
        session_destroy(list_entry(link, struct session, server_link));
    list_each (link, &server->connection_list) {
        struct connection *connection = list_entry(link, struct connection, server_link);
        connection_doom(connection);
        connection_destroy(connection);
    }
    loop_timer_destroy(server->tick);
    store_destroy(server->store);
    visit_forget_all(server);
    store_watch_destroy(server->store_watch);
    ws_pool_finish(&server->ws_pool);
    table_finish(&server->connections);
    table_finish(&server->sessions);
    placement_finish(&server->placement);
    config_destroy(server->config);
    tls_context_release(server->tls);
    mem_free(&mem_default, server, sizeof *server);
}

/* ---- what others ask ---- */

struct loop *server_loop(struct server *server) {
    return server->loop;
}

struct store *server_store(struct server *server) {
    return server->store;
}

const struct fleet *server_fleet(const struct server *server) {
    return server->fleet;
}

const struct config *server_config(const struct server *server) {
    return server->config;
}

void server_configure(struct server *server, struct config *config, struct tls_context *tls) {
    tls_context_release(server->tls);
    server->tls = tls;
    config_destroy(server->config);
    server->config = config;
}

uint64_t server_now_ms(const struct server *server) {
    return loop_now_ms(server->loop);
}

uint64_t server_unix_ms(const struct server *server) {
    return loop_unix_ms(server->loop);
}

struct uuid server_new_id(struct server *server) {
    uint8_t random[10];
    loop_random(server->loop, random, sizeof random);
    return uuid_v7(loop_unix_ms(server->loop), random);
}

struct connection *server_connection(const struct server *server, uint64_t id) {
    return table_get(&server->connections, id);
}

const char *server_not_ready(struct server *server, char *buffer, size_t buffer_bytes) {
    struct store_health health = store_health(server->store);
    if (server->draining)
        snprintf(buffer, buffer_bytes, "the server is shutting down");
    else if (health.state != STORE_READY)
        snprintf(buffer, buffer_bytes, "the database is not there since %llu s: %s",
                 (unsigned long long)(server_now_ms(server) - health.since_ms) / 1000, health.reason);
    else if (health.reason[0] != '\0') /* connected, and commits are refused: a full disk */
        snprintf(buffer, buffer_bytes, "nothing can be saved: %s", health.reason);
    else
        return NULL;
    return buffer;
}

void server_measure(struct server *server) {
    char reason[256];
    enum limit limit;
    struct store_health health = store_health(server->store);
    uint64_t *gauges = server->metrics.gauges;
    gauges[METRIC_loops] = 1;
    gauges[METRIC_loops_ready] = server_not_ready(server, reason, sizeof reason) == NULL;
    gauges[METRIC_loops_shedding] = shed_newcomer(server, &limit) != NULL;
    gauges[METRIC_connections] = table_count(&server->connections);
    gauges[METRIC_connections_yws] = server->speaking[DIALECT_YWS];
    gauges[METRIC_connections_hocuspocus] = server->speaking[DIALECT_HOCUSPOCUS];
    gauges[METRIC_connections_unjoined] = server->unjoined;
    gauges[METRIC_sessions] = table_count(&server->sessions);
    gauges[METRIC_documents] = server->documents_count;
    gauges[METRIC_documents_bytes] = server->documents_bytes;
    gauges[METRIC_dirty_bytes] = health.dirty_bytes;
    gauges[METRIC_statements_queued] = health.queued;
}

void server_put_off(struct server *server, struct connection *connection) {
    list_remove(&connection->flush_link); /* what was settled may have put it into this turn's list again */
    list_append(&server->put_off, &connection->flush_link);
}

/* ---- turns and ticks ---- */

static void server_turn_end(void *context) {
    struct server *server = context;
    uint64_t began_us = list_empty(&server->flush) ? 0 : loop_clock_us();
    server->turn_bytes_left = SERVER_TURN_BYTES;
    while (!list_empty(&server->flush)) { /* flushing may close, and closing makes others send */
        struct connection *connection = list_entry(server->flush.next, struct connection, flush_link);
        list_remove(&connection->flush_link);
        connection_flush(connection);
        metrics_observe(&server->metrics, METRIC_queue, connection->outbox.bytes);
    }
    if (began_us != 0)
        metrics_observe(&server->metrics, METRIC_fanout, loop_clock_us() - began_us);
    list_each (link, &server->doomed)
        connection_destroy(list_entry(link, struct connection, doomed_link));
    store_flush(server->store, server_now_ms(server));
    if (list_empty(&server->put_off))
        return;
    list_each (link, &server->put_off) {
        list_remove(link);
        list_append(&server->flush, link);
    }
    loop_stay_awake(server->loop);
}

static void server_drain_step(struct server *server, uint64_t now_ms);

static void server_slow_tick(struct server *server, uint64_t now_ms) {
    list_each (link, &server->connection_list)
        connection_tick(list_entry(link, struct connection, server_link), now_ms);
    list_each (link, &server->session_list)
        session_tick(list_entry(link, struct session, server_link), now_ms);
    shed_note_memory(server);
    placement_report(server);
    budget_tick(server);
    standing_tick(server, now_ms);
    session_token_ask(server, now_ms);
    session_closed_ask(server, now_ms);
    visit_retry(server);
    retention_tick(server, now_ms);
}

/* A tick that comes late says that the loop has more to do than it can: presence, which is worth least, leaves with
 * every other. */
static void server_tick_rooms(struct server *server, uint64_t now_ms) {
    bool late = now_ms > server->ticked_ms + SERVER_TICK_MS + SERVER_TICK_MS / 2;
    server->ticked_ms = now_ms;
    server->rooms_waited = late && !server->rooms_waited;
    if (server->rooms_waited)
        return;
    while (!list_empty(&server->rooms)) {
        struct room *room = list_entry(server->rooms.next, struct room, dirty_link);
        list_remove(&room->dirty_link);
        room->flush(room);
    }
}

static void server_tick(void *context) {
    struct server *server = context;
    uint64_t now_ms = server_now_ms(server);
    shed_note_lag(server, SERVER_TICK_MS);
    list_each (link, &server->paced)
        connection_pace(list_entry(link, struct connection, paced_link), now_ms);
    connection_tick_held(server, now_ms);
    store_tick(server->store, now_ms);
    server_tick_rooms(server, now_ms);
    if (now_ms >= server->slow_tick_ms + SERVER_SLOW_TICK_MS) {
        server->slow_tick_ms = now_ms;
        server_slow_tick(server, now_ms);
    }
    if (server->draining)
        server_drain_step(server, now_ms);
}

/* ---- the way down ---- */

void server_drain(struct server *server, uint64_t timeout_ms, void (*done)(void *context, enum status status), void *context) {
    assert(!server->draining);
    server->draining = true;
    server->drain_started_ms = server_now_ms(server);
    server->drain_deadline_ms = server->drain_started_ms + timeout_ms;
    server->drain_done = done;
    server->drain_context = context;
    list_each (link, &server->connection_list)
        socket_pause(list_entry(link, struct connection, server_link)->socket, true);
    leave_drain(server);
}

/* Checkpoints whatever has changed; true when there is nothing left to save. `late`: names what is not saved. */
static bool server_drain_documents(struct server *server, bool late, bool *out_journal_clean) {
    bool saved = store_health(server->store).dirty_bytes == 0; /* rows of documents that have left memory, too */
    *out_journal_clean = true;
    list_each (link, &server->session_list) {
        list_each (each, &list_entry(link, struct session, server_link)->documents) {
            struct document *document = list_entry(each, struct document, session_link);
            if (document->state != DOCUMENT_OPEN)
                continue;
            *out_journal_clean &= journal_line_clean(&document->line);
            persist_checkpoint(document);
            if (persist_saved(document))
                continue;
            saved = false;
            struct log_subject subject = { .session = &document->session->id, .file = &document->file };
            if (late)
                log_error(&subject, "document.unsaved", "journal_bytes=%llu checkpoint=\"%s\"",
                          (unsigned long long)journal_line_dirty_bytes(&document->line),
                          journal_line_clean(&document->line) ? "only the checkpoint is missing" : "missing");
        }
    }
    return saved;
}

/* Those who are here come back one after the other, not all in the same moment. */
static uint64_t server_comeback_ms(struct server *server) {
    uint32_t random;
    uint64_t spread_ms = table_count(&server->connections) * SERVER_COMEBACK_US / 1000;
    if (spread_ms > SERVER_COMEBACK_MS)
        spread_ms = SERVER_COMEBACK_MS;
    loop_random(server->loop, &random, sizeof random);
    return random % (spread_ms + 1);
}

static void server_drain_step(struct server *server, uint64_t now_ms) {
    if (server->drain_done == NULL)
        return;
    bool journal_clean;
    bool late = now_ms >= server->drain_deadline_ms;
    bool saved = server_drain_documents(server, late, &journal_clean);
    /* The closes need time of their own, so a drain that is given little waits only half of it for acks. */
    uint64_t limit_ms = server->drain_deadline_ms - server->drain_started_ms;
    uint64_t ack_ms = SERVER_ACK_MS < limit_ms / 2 ? SERVER_ACK_MS : limit_ms / 2;
    if (journal_clean || now_ms >= server->drain_started_ms + ack_ms) {
        list_each (link, &server->connection_list) {
            struct connection *connection = list_entry(link, struct connection, server_link);
            if (connection->state == CONNECTION_JOINED && connection->dialect->kind == DIALECT_NATIVE)
                native_drain(connection, server_comeback_ms(server));
            connection_close(connection, WIRE_CLOSE_DRAIN, "the server goes away; reconnect");
            socket_pause(connection->socket, false);
        }
    }
    bool recorded = store_health(server->store).queued == 0 || now_ms >= server->drain_started_ms + ack_ms; /* who left, say */
    if (!late && (!saved || !recorded || !list_empty(&server->connection_list)))
        return;
    log_event(saved ? LOG_INFO : LOG_ERROR, NULL, "server.drained", "loop=%u saved=%d ms=%llu", server->index, saved,
              (unsigned long long)(now_ms - server->drain_started_ms));
    void (*done)(void *context, enum status status) = server->drain_done;
    server->drain_done = NULL;
    done(server->drain_context, saved ? STATUS_OK : STATUS_UNAVAILABLE);
}
