/* ws_door.c — see ws_door.h.
 *
 *   check ──▶ 101 written, descriptor detached ──▶ struct handoff ──▶ placement_send */
#include "http/ws_door.h"

#include "access/token.h"
#include "config.h"
#include "features/files/files_wire.h"
#include "log.h"
#include "proxy/origin.h"

#include <unistd.h>

/* Where it goes and with what, as the request says. */
struct ws_door {
    struct uuid session;
    enum dialect_kind dialect;
    struct ws_upgrade upgrade;
    struct bytes credential;
    bool in_url;
    struct bytes path;
};

static void ws_door_hand_over(struct http_conn *conn, const struct ws_door *door, struct bytes answer);

static bool ws_door_check_origin(struct http_conn *conn) {
    const struct http_message *request = http_conn_request(conn);
    struct bytes origin = http_message_header(request, "origin"), host = http_message_header(request, "host");
    if (origin_allowed(server_config(conn->door->server)->origins, origin, host, http_conn_https(conn)))
        return true;
    log_info((&(struct log_subject){ .request = conn->request }), "origin.refused", "peer=%s origin=\"%.*s\" host=\"%.*s\"",
             http_conn_peer(conn), (int)origin.size, (const char *)origin.data, (int)host.size, (const char *)host.data);
    http_conn_refuse_as(conn, 403, wire_code_word(WIRE_CODE_PERMISSION_DENIED),
                        "Pages of this origin may not open WebSockets here: the setting origins names those that may.", NULL);
    return false;
}

bool ws_door_check(struct http_conn *conn, const char *const protocols[], struct ws_upgrade *out) {
    const struct http_message *request = http_conn_request(conn);
    struct http_fault fault = { 0 };
    if (!ws_upgrade_wanted(request)) {
        struct http_header header = { bytes_text("Upgrade"), bytes_text("websocket") };
        http_conn_refuse_as(conn, 426, "upgrade_required", "This path speaks WebSocket.", &header);
        return false;
    }
    if (ws_upgrade_check(request, protocols, out, &fault) != STATUS_OK) {
        struct http_header version = { bytes_text("Sec-WebSocket-Version"), bytes_text("13") };
        http_conn_refuse_as(conn, fault.status, wire_code_word(WIRE_CODE_MALFORMED),
                            fault.what != NULL ? fault.what : "The upgrade request is malformed.",
                            fault.status == 426 ? &version : NULL);
        return false;
    }
    return ws_door_check_origin(conn);
}

/* What all doors check. False: it is refused and answered. */
static bool ws_door_begin(struct http_conn *conn, struct bytes session, const char *const protocols[], struct ws_door *out) {
    if (!uuid_parse(session, &out->session)) {
        http_conn_refuse(conn, WIRE_CODE_NOT_FOUND, "The path holds no session id.");
        return false;
    }
    if (!ws_door_check(conn, protocols, &out->upgrade))
        return false;
    out->credential = http_message_bearer(http_conn_request(conn));
    return true;
}

static void ws_door_finish(struct http_conn *conn, const struct ws_door *door) {
    if (door->credential.size > TOKEN_TEXT_MAX) {
        http_conn_refuse(conn, WIRE_CODE_CREDENTIALS, "The token is longer than any of ours.");
        return;
    }
    struct bytes_writer answer;
    bytes_writer_init(&answer, &mem_default, 4096);
    struct http_header name = { bytes_text("X-Request-Id"), bytes_text(conn->request) };
    ws_upgrade_accept(&answer, &door->upgrade, &name, 1);
    if (answer.status == STATUS_OK)
        ws_door_hand_over(conn, door, bytes_written(&answer));
    else
        http_conn_close(conn);
    bytes_writer_finish(&answer);
}

void ws_door_open(struct http_conn *conn, struct bytes session) {
    static const char *const protocols[] = { WIRE_SUBPROTOCOL, NULL };
    struct ws_door door = { .dialect = DIALECT_NATIVE };
    if (!ws_door_begin(conn, session, protocols, &door))
        return;
    if (door.upgrade.protocol == NULL)
        http_conn_refuse(conn, WIRE_CODE_UNSUPPORTED, "Offer the subprotocol " WIRE_SUBPROTOCOL ".");
    else
        ws_door_finish(conn, &door);
}

/* ---- the compatibility doors ---- */

/* The credential may stand in three places, the header first. */
static bool ws_door_begin_compatible(struct http_conn *conn, struct bytes session, struct ws_door *out) {
    static const char *const protocols[] = { WIRE_SUBPROTOCOL_DOOR, NULL };
    if (!ws_door_begin(conn, session, protocols, out))
        return false;
    const struct http_message *request = http_conn_request(conn);
    if (out->upgrade.protocols_offered && out->upgrade.protocol == NULL) {
        http_conn_refuse(conn, WIRE_CODE_UNSUPPORTED, "Offer the subprotocol " WIRE_SUBPROTOCOL_DOOR ", or none.");
        return false;
    }
    if (out->credential.size == 0)
        out->credential = ws_upgrade_offered(request, WIRE_SUBPROTOCOL_TOKEN);
    if (out->credential.size == 0) {
        out->credential = http_query_find(request->query, "token");
        out->in_url = out->credential.size > 0;
    }
    return true;
}

void ws_door_open_yws(struct http_conn *conn, struct bytes session) {
    struct ws_door door = { .dialect = DIALECT_YWS };
    if (!ws_door_begin_compatible(conn, session, &door))
        return;
    struct bytes whole = http_conn_request(conn)->path;
    const uint8_t *rest = session.data + session.size + 1;
    struct bytes_writer path;
    bytes_writer_init(&path, &mem_default, HTTP_HEAD_BYTES_MAX);
    enum status status = http_percent_decode(bytes_of(rest, (size_t)(whole.data + whole.size - rest)), &path);
    const char *fault = status == STATUS_OK ? file_path_fault(bytes_written(&path)) : "is not UTF-8 in percent-encoding";
    if (path.status == STATUS_NO_MEMORY)
        http_conn_refuse(conn, WIRE_CODE_OVERLOADED, "The server has no memory.");
    else if (fault != NULL)
        http_conn_refuse(conn, WIRE_CODE_INVALID_PARAMS, "The file's path %s.", fault);
    else {
        door.path = bytes_written(&path);
        ws_door_finish(conn, &door);
    }
    bytes_writer_finish(&path);
}

void ws_door_open_hocuspocus(struct http_conn *conn, struct bytes session) {
    struct ws_door door = { .dialect = DIALECT_HOCUSPOCUS };
    if (ws_door_begin_compatible(conn, session, &door))
        ws_door_finish(conn, &door);
}

static void ws_door_hand_over(struct http_conn *conn, const struct ws_door *door, struct bytes answer) {
    char peer[64];
    struct socket_line line;
    struct bytes early;
    strncpy(peer, http_conn_peer(conn), sizeof peer - 1);
    peer[sizeof peer - 1] = '\0';
    if (http_conn_take(conn, answer, &line, &early) == STATUS_OK) {
        struct handoff *handoff = handoff_create(line, &door->session, door->credential, door->path, early, peer);
        if (handoff != NULL) {
            handoff->dialect = door->dialect;
            memcpy(handoff->request, conn->request, sizeof handoff->request);
            handoff->in_url = door->in_url;
            handoff->deflate_bits = door->upgrade.deflate_bits;
            metrics_count(&conn->door->server->metrics, METRIC_upgrades);
            placement_send(conn->door->fleet, handoff);
        } else
            socket_line_close(&line);
    }
    http_conn_close(conn);
}
