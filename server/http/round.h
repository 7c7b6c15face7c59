/* round.h — a question of one HTTP request to every loop, in turn.
 *
 *   round_start ──post──▶ loop 0: visit ──post──▶ loop 1: visit ──post──▶ … ──post──▶ the loop that asked: done
 *
 * A loop's state is its own, so the question travels and each loop writes its part of the answer in its own thread. A loop that
 * hangs lets the question lie, and the connection's own time limit answers 503: that, too, is the truth. */
#ifndef SERVER_ROUND_H
#define SERVER_ROUND_H

#include "http/http_conn.h"

/* Embedded as the first member of the question's own struct. */
struct round {
    /* Called on each loop with its door; false: the others need not be asked. */
    bool (*visit)(struct round *round, struct http_door *door);
    /* Answers; `conn` still waits. The question is freed behind it. */
    void (*done)(struct round *round, struct http_conn *conn);
    /* private */
    struct http_door *home;
    uint64_t conn_id;
    char name[REQUEST_ID_BYTES]; /* of the HTTP request, for the log */
    unsigned index;
    size_t bytes;
    bool held;
};

/* A zeroed question of `bytes` bytes that begins with a struct round. NULL: no memory, and the client has been told. */
void *round_create(struct http_conn *conn, size_t bytes);

/* Frees a question that has not been sent off. */
void round_drop(struct round *round);

/* In `visit`, which answers false: the answer takes time here; round_release() sends the question home when it is found. */
void round_hold(struct round *round);
void round_release(struct round *round);

/* Sends it off, with `visit` and `done` set; it is freed at its end. */
void round_start(struct round *round);

#endif
