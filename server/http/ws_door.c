/* ws_door.c — see ws_door.h.
 *
 *   check ──▶ 101 written, descriptor detached ──▶ struct handoff ──▶ placement_send */
#include "http/ws_door.h"

#include "access/token.h"

#include <unistd.h>

static void ws_door_hand_over(struct http_conn *conn, const struct uuid *session, struct bytes credential,
                              const struct ws_upgrade *upgrade, struct bytes answer);

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
    return true;
}

void ws_door_open(struct http_conn *conn, struct bytes session_text) {
    static const char *const protocols[] = { WIRE_SUBPROTOCOL, NULL };
    struct uuid session;
    struct ws_upgrade upgrade;
    if (!uuid_parse(session_text, &session)) {
        http_conn_refuse(conn, WIRE_CODE_NOT_FOUND, "The path holds no session id.");
        return;
    }
    if (!ws_door_check(conn, protocols, &upgrade))
        return;
    if (upgrade.protocol == NULL) {
        http_conn_refuse(conn, WIRE_CODE_UNSUPPORTED, "Offer the subprotocol " WIRE_SUBPROTOCOL ".");
        return;
    }
    struct bytes credential = http_message_bearer(http_conn_request(conn));
    if (credential.size > TOKEN_TEXT_MAX) {
        http_conn_refuse(conn, WIRE_CODE_CREDENTIALS, "The token is longer than any of ours.");
        return;
    }
    struct bytes_writer answer;
    bytes_writer_init(&answer, &mem_default, 4096);
    ws_upgrade_accept(&answer, &upgrade, NULL, 0);
    if (answer.status == STATUS_OK)
        ws_door_hand_over(conn, &session, credential, &upgrade, bytes_written(&answer));
    else
        http_conn_close(conn);
    bytes_writer_finish(&answer);
}

static void ws_door_hand_over(struct http_conn *conn, const struct uuid *session, struct bytes credential,
                              const struct ws_upgrade *upgrade, struct bytes answer) {
    char peer[64];
    struct socket_line line;
    struct bytes early;
    strncpy(peer, http_conn_peer(conn), sizeof peer - 1);
    peer[sizeof peer - 1] = '\0';
    if (http_conn_take(conn, answer, &line, &early) == STATUS_OK) {
        struct handoff *handoff = handoff_create(line, session, credential, early, peer);
        if (handoff != NULL) {
            handoff->deflate_bits = upgrade->deflate_bits;
            metrics_count(&conn->door->server->metrics, METRIC_upgrades);
            placement_send(conn->door->fleet, handoff);
        } else
            socket_line_close(&line);
    }
    http_conn_close(conn);
}
