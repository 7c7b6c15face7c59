/* admin_act.c — kick, close, evict, drain, log level. */
#include "admin/admin.h"

#include "access/token.h"
#include "connection/connection.h"
#include "document/leave.h"
#include "ground/utf.h"
#include "http/http_operation.h"
#include "http/round.h"
#include "log.h"
#include "session/session.h"
#include "session/session_closed.h"
#include "wire/json_body.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { ADMIN_REASON_BYTES_MAX = WS_REASON_MAX, ADMIN_LEVEL_BYTES_MAX = 8, ADMIN_EVICT_MS = 5000 /* of HTTP_HANDLE_MS */ };

bool admin_allowed(struct http_conn *conn) {
    uint8_t hash[TOKEN_HASH_BYTES];
    token_hash(http_message_bearer(http_conn_request(conn)), hash);
    if (token_hash_equal(hash, conn->door->fleet->admin_token_hash))
        return true;
    log_warn((&(struct log_subject){ .request = conn->request }), "access.refused", "what=admin peer=%s", http_conn_peer(conn));
    http_conn_refuse(conn, WIRE_CODE_CREDENTIALS, "This needs the admin token: Authorization: Bearer …");
    return false;
}

void admin_connection_id(unsigned loop, uint64_t number, char out[ADMIN_CONNECTION_ID_BYTES]) {
    snprintf(out, ADMIN_CONNECTION_ID_BYTES, "%u-%llu", loop, (unsigned long long)number);
}

struct admin_act {
    struct round round;
    char connection[ADMIN_CONNECTION_ID_BYTES];
    struct uuid id; /* of the session or the file */
    char reason[ADMIN_REASON_BYTES_MAX + 1];
    bool found, saved;
    uint64_t closed; /* connections */
};

struct admin_closing {
    struct http_operation operation;
    struct uuid session;
    char reason[ADMIN_REASON_BYTES_MAX + 1];
};

/* The text member `key` of the body, or what stands in `out` already when there is no body or no such member. False: the client has
 * been told. */
static bool admin_text(struct http_conn *conn, const char *key, char *out, size_t size_max) {
    struct json_body *body = NULL;
    struct bytes text = bytes_text(out);
    enum status status = STATUS_OK;
    if (http_conn_request(conn)->body.size > 0 && (status = json_body_parse(http_conn_request(conn)->body, &body)) == STATUS_OK) {
        status = json_body_text(body, key, size_max, &text);
        if (status == STATUS_NOT_FOUND)
            status = STATUS_OK;
    }
    if (status == STATUS_OK) {
        memmove(out, text.data, text.size);
        out[text.size] = '\0';
    } else
        http_conn_refuse(conn, WIRE_CODE_INVALID_PARAMS, "The body must be a JSON object; %s: text of at most %zu bytes.", key,
                         size_max);
    json_body_destroy(body);
    return status == STATUS_OK;
}

static void admin_answer(struct http_conn *conn, const char *key, const char *value, const char *did, uint64_t connections) {
    char memory[256];
    struct bytes_writer text = { .data = (uint8_t *)memory, .capacity = sizeof memory, .size_max = sizeof memory };
    struct json_writer json = json_write_open(&text);
    json_write_string(&json, key, value);
    json_write_string(&json, "did", did);
    json_write_uint(&json, "connections", connections);
    json_write_close(&json);
    bytes_write_u8(&text, '\n');
    http_conn_answer(conn, 200, "application/json", NULL, 0, bytes_written(&text));
}

/* A question whose argument is the id of a session or file; NULL: the client has been told. */
static struct admin_act *admin_act_create(struct http_conn *conn, struct bytes id, const char *what) {
    struct uuid parsed;
    if (!uuid_parse(id, &parsed)) {
        http_conn_refuse(conn, WIRE_CODE_INVALID_PARAMS, "The path holds no id of a %s.", what);
        return NULL;
    }
    struct admin_act *act = round_create(conn, sizeof *act);
    if (act != NULL)
        act->id = parsed;
    return act;
}

/* ---- kick ---- */

static bool admin_kick_visit(struct round *round, struct http_door *door) {
    struct admin_act *act = (struct admin_act *)round;
    list_each (link, &door->server->connection_list) {
        struct connection *connection = list_entry(link, struct connection, server_link);
        char id[ADMIN_CONNECTION_ID_BYTES];
        admin_connection_id(door->server->index, connection->id, id);
        if (connection->state >= CONNECTION_CLOSING || strcmp(id, act->connection) != 0)
            continue;
        act->found = true;
        struct log_subject subject = { .session = &connection->session_id,
                                       .connection = connection->id,
                                       .request = act->round.name };
        log_info(&subject, "admin.kicked", "connection_id=%s reason=\"%s\"", id, act->reason);
        metrics_count(&door->server->metrics, METRIC_admin_kicks);
        connection_close(connection, WIRE_CLOSE_REMOVED, act->reason);
        return false;
    }
    return true;
}

static void admin_kick_done(struct round *round, struct http_conn *conn) {
    const struct admin_act *act = (const struct admin_act *)round;
    if (act->found)
        admin_answer(conn, "connection", act->connection, "kicked", 1);
    else
        http_conn_refuse(conn, WIRE_CODE_NOT_FOUND, "There is no connection %s.", act->connection);
}

void admin_kick(struct http_conn *conn, struct bytes id) {
    if (!admin_allowed(conn))
        return;
    struct admin_act *act = round_create(conn, sizeof *act);
    if (act == NULL)
        return;
    bool fine = id.size < sizeof act->connection && utf_check(id, NULL);
    snprintf(act->reason, sizeof act->reason, "removed by an operator");
    if (!fine)
        http_conn_refuse(conn, WIRE_CODE_INVALID_PARAMS, "The path holds no id of a connection.");
    if (!fine || !admin_text(conn, "reason", act->reason, ADMIN_REASON_BYTES_MAX)) {
        round_drop(&act->round);
        return;
    }
    memcpy(act->connection, id.data, id.size);
    act->round.visit = admin_kick_visit;
    act->round.done = admin_kick_done;
    round_start(&act->round);
}

/* ---- close: the database first, so that nobody comes back ---- */

static void admin_close_on_stored(void *context, const struct reply *reply);

static bool admin_close_visit(struct round *round, struct http_door *door) {
    struct admin_act *act = (struct admin_act *)round;
    struct session *session = session_find(door->server, &act->id);
    if (session == NULL)
        return true;
    act->closed = session_closed_end(session, act->reason);
    return false;
}

static void admin_close_done(struct round *round, struct http_conn *conn) {
    const struct admin_act *act = (const struct admin_act *)round;
    char id[UUID_TEXT_SIZE + 1];
    uuid_format(&act->id, id);
    log_info((&(struct log_subject){ .session = &act->id, .request = act->round.name }), "admin.closed",
             "connections=%llu reason=\"%s\"", (unsigned long long)act->closed, act->reason);
    metrics_count(&conn->door->server->metrics, METRIC_admin_closes);
    admin_answer(conn, "session", id, "closed", act->closed);
}

void admin_close(struct http_conn *conn, struct bytes session) {
    struct uuid id;
    char reason[ADMIN_REASON_BYTES_MAX + 1] = "closed by an operator";
    if (!admin_allowed(conn))
        return;
    if (!uuid_parse(session, &id)) {
        http_conn_refuse(conn, WIRE_CODE_INVALID_PARAMS, "The path holds no id of a session.");
        return;
    }
    if (!admin_text(conn, "reason", reason, ADMIN_REASON_BYTES_MAX))
        return;
    struct admin_closing *closing = http_operation_create(conn, sizeof *closing);
    if (closing == NULL) {
        http_conn_refuse(conn, WIRE_CODE_OVERLOADED, "The server has too much to do.");
        return;
    }
    closing->session = id;
    memcpy(closing->reason, reason, sizeof reason);
    struct params *params = params_new(&closing->operation.arena);
    params_add_uuid(params, &id);
    http_operation_submit(&closing->operation, "admin_session_close", params, admin_close_on_stored);
}

static void admin_close_on_stored(void *context, const struct reply *reply) {
    struct admin_closing *closing = context;
    if (reply->status != STATUS_OK) {
        http_operation_fail(&closing->operation, "admin_session_close", reply->status, reply->error);
        return;
    }
    struct http_conn *conn = http_operation_conn(&closing->operation);
    struct admin_act *act = NULL;
    if (conn != NULL && reply->row_count == 0)
        http_conn_refuse(conn, WIRE_CODE_NOT_FOUND, "There is no such session.");
    else if (conn != NULL)
        act = round_create(conn, sizeof *act);
    if (act != NULL) {
        act->id = closing->session;
        memcpy(act->reason, closing->reason, sizeof act->reason);
        act->round.visit = admin_close_visit;
        act->round.done = admin_close_done;
        round_start(&act->round);
    }
    http_operation_destroy(&closing->operation);
}

/* ---- evict ---- */

static void admin_evict_on_left(void *context, bool saved) {
    struct admin_act *act = context;
    act->saved = saved;
    round_release(&act->round);
}

static bool admin_evict_visit(struct round *round, struct http_door *door) {
    struct admin_act *act = (struct admin_act *)round;
    list_each (link, &door->server->session_list) {
        struct document *document = document_find(list_entry(link, struct session, server_link), &act->id);
        if (document == NULL || document->state != DOCUMENT_OPEN)
            continue;
        act->found = true;
        list_each (each, &document->subscriptions)
            act->closed++;
        if (leave_begin(document, ADMIN_EVICT_MS, admin_evict_on_left, act) != STATUS_OK)
            return false;
        round_hold(round);
        return false;
    }
    return true;
}

static void admin_evict_done(struct round *round, struct http_conn *conn) {
    const struct admin_act *act = (const struct admin_act *)round;
    char id[UUID_TEXT_SIZE + 1];
    uuid_format(&act->id, id);
    if (!act->found) {
        http_conn_refuse(conn, WIRE_CODE_NOT_FOUND, "This document is not in memory.");
        return;
    }
    log_info((&(struct log_subject){ .file = &act->id, .request = act->round.name }), "admin.evicted", "saved=%d readers=%llu",
             act->saved, (unsigned long long)act->closed);
    if (act->saved) {
        metrics_count(&conn->door->server->metrics, METRIC_admin_evictions);
        admin_answer(conn, "document", id, "saved and evicted", act->closed);
    } else
        http_conn_refuse(conn, WIRE_CODE_UNAVAILABLE, "It could not be saved in time, and stays in memory.");
}

void admin_evict(struct http_conn *conn, struct bytes file) {
    struct admin_act *act = admin_allowed(conn) ? admin_act_create(conn, file, "file") : NULL;
    if (act == NULL)
        return;
    act->round.visit = admin_evict_visit;
    act->round.done = admin_evict_done;
    round_start(&act->round);
}

/* ---- the process ---- */

void admin_drain(struct http_conn *conn, struct bytes argument) {
    (void)argument;
    if (!admin_allowed(conn))
        return;
    log_info((&(struct log_subject){ .request = conn->request }), "admin.drained", "peer=%s", http_conn_peer(conn));
    metrics_count(&conn->door->server->metrics, METRIC_admin_drains);
    kill(getpid(), SIGTERM); /* the main thread reads it, and what follows is the same */
    admin_answer(conn, "server", "draining", "SIGTERM", table_count(&conn->door->server->connections));
}

void admin_log_level(struct http_conn *conn, struct bytes argument) {
    (void)argument;
    static const char *const levels[] = { "debug", "info", "warn", "error" };
    char level[ADMIN_LEVEL_BYTES_MAX + 1] = "";
    if (!admin_allowed(conn) || !admin_text(conn, "level", level, ADMIN_LEVEL_BYTES_MAX))
        return;
    for (unsigned i = 0; i < sizeof levels / sizeof levels[0]; i++)
        if (strcmp(level, levels[i]) == 0) {
            log_set_level((enum log_level)i);
            metrics_count(&conn->door->server->metrics, METRIC_admin_log_levels);
            log_event(LOG_ERROR, NULL, "admin.log_level", "level=%s", level); /* whatever the level is */
            admin_answer(conn, "level", level, "set until the next reload", 0);
            return;
        }
    http_conn_refuse(conn, WIRE_CODE_INVALID_PARAMS, "level: debug, info, warn or error.");
}
