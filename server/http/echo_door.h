/* echo_door.h — GET /test/echo: a WebSocket that sends each message back. For conformance suites: it shows what the WebSocket layer
 * of every other door does, with nothing above it. The path exists only with --test-echo.
 *
 *   upgrade ──▶ READING ◀──all sent──┐                         peer's end, or HTTP_LINGER_MS
 *                  │ a message       ▼                                   │
 *                  └──────────▶ WRITING (reads no more) ──closed──▶ LINGERING ──▶ freed
 *
 * What waits to be sent is bounded by what one read can complete: no more is read before all of it is sent. */
#ifndef SERVER_ECHO_DOOR_H
#define SERVER_ECHO_DOOR_H

#include "http/http_conn.h"

void echo_door_open(struct http_conn *conn, struct bytes argument);

/* Starts the closing handshake on all of them (1001). */
void echo_door_close(struct http_door *door);

/* Without another word. */
void echo_door_destroy(struct http_door *door);

#endif
