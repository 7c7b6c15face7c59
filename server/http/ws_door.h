/* ws_door.h — from HTTP to WebSocket, and to the loop that owns the session.
 *
 *   GET /v1/sessions/{session}/ws   the native protocol
 *   GET /y/{session}/{path}         y-websocket's
 *   GET /hocuspocus/{session}       Hocuspocus'
 *
 * The upgrade is checked here, and its answer written; of WebSocket nothing is read. Whether the session exists and who comes is
 * found out behind the hand-over, by session.join: nothing is loaded for a stranger. */
#ifndef SERVER_WS_DOOR_H
#define SERVER_WS_DOOR_H

#include "http/http_conn.h"
#include "wire/upgrade.h"

/* Checks an upgrade request as ws_upgrade_check() does. False: it is refused and answered; `out` is unset. */
bool ws_door_check(struct http_conn *conn, const char *const protocols[], struct ws_upgrade *out);

/* `session` points into the request's path. */
void ws_door_open(struct http_conn *conn, struct bytes session);
void ws_door_open_yws(struct http_conn *conn, struct bytes session);
void ws_door_open_hocuspocus(struct http_conn *conn, struct bytes session);

#endif
