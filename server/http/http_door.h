/* http_door.h — where connections of one loop come in: every accepted socket speaks HTTP first.
 *
 *   listener ──fd──▶ http_door ──▶ http_conn ──request──▶ router ──▶ handler ──answer──▶ http_conn
 *                                                                      └──▶ upgrade: the descriptor leaves for its session's loop
 *
 * What is bounded: http_connections_max connections, one request of each in work at a time, HTTP_HEAD_BYTES_MAX and
 * HTTP_BODY_BYTES_MAX for a request, request_ms for it to arrive, HTTP_HANDLE_MS for an answer to be found.
 *
 * When all places are taken, whoever has been waiting longest without a whole request leaves: who opens connections to hold them
 * loses them to people who have something to say, who need a place for milliseconds only. If everybody waits for us, the newcomer
 * is answered 503. */
#ifndef SERVER_HTTP_DOOR_H
#define SERVER_HTTP_DOOR_H

#include "ground/list.h"
#include "ground/table.h"
#include "http/guess_limit.h"
#include "loop/listener.h"
#include "server.h"

enum {
    HTTP_HEAD_BYTES_MAX = 16384,  /* what browsers send with cookies */
    HTTP_BODY_BYTES_MAX = 16384,  /* the largest body is a handful of names */
    HTTP_AHEAD_BYTES_MAX = 65536, /* read behind a request that is in work: one read of the loop */
    HTTP_HANDLE_MS = 10000,
    HTTP_LINGER_MS = 1000, /* for a peer to read the answer that ends its connection */
    HTTP_SWEEP_MS = 100,
    HTTP_DRAIN_MS = 500,
};

struct http_conn;
struct loop_timer;

struct http_door {
    const struct fleet *fleet;
    struct http_door *const *doors; /* of all loops */
    struct server *server;          /* of this loop */
    struct loop *loop;
    struct table conns; /* id -> struct http_conn */
    struct list conn_list;
    struct list echoes;     /* echo_door.c */
    struct list operations; /* struct http_operation: handlers that wait for the database */
    struct loop_timer *sweep;
    struct guess_limit wrong_codes;
    uint64_t conn_next;
    bool closing;
    loop_fn drained; /* NULL: nobody waits */
    void *drained_context;
    uint64_t drained_ms; /* the latest time to call it */
};

/* For the loop of fleet->servers[index], which must exist. `doors` is the array of all doors, complete before the first loop runs.
 * STATUS_NO_MEMORY. */
enum status http_door_create(const struct fleet *fleet, struct http_door *const *doors, unsigned index, struct http_door **out);

/* Closes what is still open; operations are cancelled, so the store must still be there. NULL is fine. */
void http_door_destroy(struct http_door *door);

/* For a listener; the context is the door. */
extern const struct listener_events http_door_events;

/* No keep-alive any more: connections close with their answer, those that had one at once. A client that was accepted just now may
 * still ask. */
void http_door_close(struct http_door *door);

/* After http_door_close(): calls `done` when nobody waits for an answer any more, in HTTP_DRAIN_MS at the latest. */
void http_door_drain(struct http_door *door, loop_fn done, void *context);

/* Counts a wrong room code of `peer`, here and at the doors of all other loops: the next guess may come in anywhere. */
void http_door_note_guess(struct http_door *door, const char *peer);

/* NULL when it has gone. */
struct http_conn *http_door_conn(const struct http_door *door, uint64_t id);

#endif
