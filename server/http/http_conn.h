/* http_conn.h — one connection while it speaks HTTP.
 *
 *              ┌────────────────── keep-alive ──────────────────┐
 *              ▼                                                │
 *   accept ▶ READING ──request──▶ HANDLING ──http_conn_answer──▶ WRITING ──last one──▶ LINGERING ──▶ closed
 *              │ late: 408           │ late: 503                  │ late: closed         │ read, forgotten
 *              └─ broken: 4xx        └─ http_conn_take: the descriptor leaves
 *
 * One request at a time: what a client sends behind it waits (the socket is paused) and is served in order. A handler answers
 * inside its call or later; later, it finds the connection by its id (http_door_conn) or not at all. */
#ifndef SERVER_HTTP_CONN_H
#define SERVER_HTTP_CONN_H

#include "http/http_door.h"
#include "http/request_id.h"
#include "loop/socket.h"
#include "proxy/forwarded.h"
#include "wire/fault.h"
#include "wire/http.h"

enum http_conn_state { HTTP_CONN_READING, HTTP_CONN_HANDLING, HTTP_CONN_WRITING, HTTP_CONN_LINGERING, HTTP_CONN_CLOSED };

struct http_conn {
    uint64_t id;
    struct http_door *door;
    /* private, except for the door */
    struct list link;
    struct socket *socket;
    struct http_reader *reader;
    enum http_conn_state state;
    uint64_t deadline_ms;      /* of the state */
    struct bytes_writer ahead; /* read behind the request in work */
    size_t ahead_used;
    struct bytes_writer out;
    size_t out_sent;
    int file; /* what goes out behind `out`, -1: nothing */
    uint64_t file_at, file_size;
    char request[REQUEST_ID_BYTES];
    struct forwarded from; /* of the request, if trusted_proxies says that there are any; else empty */
    bool keep_alive;
    bool served;     /* a request came */
    bool head_only;  /* the request is HEAD */
    bool proceeding; /* inside http_conn_proceed(), which frees what was closed meanwhile */
};

/* Takes `fd` when it answers STATUS_OK; the door's list owns the connection. */
enum status http_conn_create(struct http_door *door, int fd, uint64_t id);

/* Without another word. Frees the connection, or lets http_conn_proceed() do it. */
void http_conn_close(struct http_conn *conn);

/* The state's deadline has passed. */
void http_conn_expire(struct http_conn *conn);

/* ---- for handlers; only in HANDLING ---- */

/* Valid until the answer. */
const struct http_message *http_conn_request(const struct http_conn *conn);

/* "127.0.0.1:50123", or the address of the client that a trusted proxy speaks for */
const char *http_conn_peer(const struct http_conn *conn);

/* Whether it is known that the client speaks TLS, with us or with such a proxy. */
bool http_conn_https(const struct http_conn *conn);

/* Exactly one of these ends a request. The connection may be gone when they return. `headers` as in http_response_write(). */
void http_conn_answer(struct http_conn *conn, unsigned status, const char *type, const struct http_header *headers,
                      unsigned headers_count, struct bytes body);

/* The same with a file as body: `size` bytes from its start, read piece by piece as the client takes them. Takes `fd`. A file that
 * turns out shorter ends the connection. */
void http_conn_answer_file(struct http_conn *conn, const char *type, const struct http_header *headers, unsigned headers_count,
                           int fd, uint64_t size);

/* {"error":{"code":…,"message":…,"retry":…}} with the code's own HTTP status; 401 and 503 get the header that belongs to them. */
__attribute__((format(printf, 3, 4))) void http_conn_refuse(struct http_conn *conn, enum wire_code code, const char *format, ...);

/* The same with another status and word, for what only HTTP knows (405). */
void http_conn_refuse_as(struct http_conn *conn, unsigned status, const char *word, const char *message,
                         const struct http_header *header);

/* Writes `answer` (a 101) and gives the descriptor away; `out_early` is what was read behind the request. The connection stays
 * until http_conn_close(), so request and early bytes remain valid. STATUS_IO: the peer is gone; close it. */
enum status http_conn_take(struct http_conn *conn, struct bytes answer, struct socket_line *out, struct bytes *out_early);

#endif
