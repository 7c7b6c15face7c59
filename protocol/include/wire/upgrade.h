/* upgrade.h — from HTTP to WebSocket (RFC 6455, section 4), both sides.
 *
 * Server: ws_upgrade_check on a request, then ws_upgrade_accept or an error response.
 * Client: ws_upgrade_request, then ws_upgrade_confirm on the response. */
#ifndef WIRE_UPGRADE_H
#define WIRE_UPGRADE_H

#include "wire/http.h"

#define WIRE_SUBPROTOCOL "vibesync.v1"

/* What a client of a door offers that sends its credential as a subprotocol: this, which is answered, and the prefix with the token
 * behind it, which is not. */
#define WIRE_SUBPROTOCOL_DOOR  "vibesync.door"
#define WIRE_SUBPROTOCOL_TOKEN "vibesync.token."

enum {
    WS_KEY_BYTES = 16,     /* random bytes of a handshake */
    WS_KEY_TEXT_SIZE = 24, /* the same as base64 */
    WS_ACCEPT_TEXT_SIZE = 28
};

struct ws_upgrade {
    char accept[WS_ACCEPT_TEXT_SIZE + 1]; /* the Sec-WebSocket-Accept value */
    const char *protocol;                 /* the chosen subprotocol, one of the server's list; NULL: none of them was offered */
    bool protocols_offered;               /* the client offered some subprotocol */
    uint8_t deflate_bits;                 /* for ws_conn_deflate(); 0: the client offered no compression that we take */
    bool deflate_bits_asked;              /* the answer states them */
};

/* Whether a request asks for a WebSocket at all (Upgrade: websocket); decides between the two answers below. */
bool ws_upgrade_wanted(const struct http_message *request);

/* Checks an upgrade request: GET, HTTP/1.1, Host, Upgrade, Connection, version 13, a key of 16 bytes, extensions.
 *
 * `protocols`  NULL-terminated, in the server's order of preference; the first that the client offers too is chosen
 * `fault`      set on failure: 400, 405, or 426 for another version (answer with Sec-WebSocket-Version: 13)
 *
 * STATUS_OK, STATUS_MALFORMED */
enum status ws_upgrade_check(const struct http_message *request, const char *const protocols[], struct ws_upgrade *out,
                             struct http_fault *fault);

/* The rest of the first offered subprotocol that begins with `prefix`; data NULL: none does. */
struct bytes ws_upgrade_offered(const struct http_message *request, const char *prefix);

/* Appends the 101 answer. `headers` are extra ones, e.g. none. */
void ws_upgrade_accept(struct bytes_writer *out, const struct ws_upgrade *upgrade, const struct http_header *headers,
                       unsigned headers_count);

/* ---- client ---- */

struct ws_upgrade_key {
    char text[WS_KEY_TEXT_SIZE + 1];
};

/* The base64 form of 16 random bytes, chosen anew for each handshake. */
struct ws_upgrade_key ws_upgrade_key(const uint8_t random[WS_KEY_BYTES]);

/* Appends the upgrade request. `protocol` NULL offers none; `headers` are extra ones, e.g. Authorization. */
void ws_upgrade_request(struct bytes_writer *out, struct bytes host, struct bytes target, const struct ws_upgrade_key *key,
                        const char *protocol, const struct http_header *headers, unsigned headers_count);

/* Checks the response. STATUS_OK: the next bytes are WebSocket frames. STATUS_DENIED: a status other than 101. STATUS_MALFORMED: a
 * 101 with a wrong accept value, header or subprotocol. `fault->what` says what is wrong; `fault->status` is the response's. */
enum status ws_upgrade_confirm(const struct http_message *response, const struct ws_upgrade_key *key, const char *protocol,
                               struct http_fault *fault);

#endif
