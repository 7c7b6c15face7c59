/* health.c — see health.h.
 *
 * A loop's state is its own, so the question travels: posted to the first loop, which answers for itself and posts it to the next,
 * and from the last home again. A loop that hangs lets the question lie, and the connection's own time limit answers 503: that,
 * too, is the truth. */
#include "http/health.h"

#include <stdio.h>

struct health_round {
    struct http_door *door;
    uint64_t conn_id;
    unsigned index; /* of the server that is asked now */
    char reason[256];
};

static void health_round_go(struct health_round *round, struct loop *loop, loop_fn step);
static void health_round_ask(void *context);
static void health_round_done(void *context);

void health_alive(struct http_conn *conn, struct bytes argument) {
    (void)argument;
    http_conn_answer(conn, 200, "application/json", NULL, 0, bytes_text("{\"status\":\"ok\"}\n"));
}

void health_ready(struct http_conn *conn, struct bytes argument) {
    (void)argument;
    struct health_round *round = mem_zalloc(&mem_default, sizeof *round);
    if (round == NULL) {
        http_conn_refuse(conn, WIRE_CODE_OVERLOADED, "The server has too much to do.");
        return;
    }
    round->door = conn->door;
    round->conn_id = conn->id;
    health_round_go(round, server_loop(conn->door->fleet->servers[0]), health_round_ask);
}

static void health_round_go(struct health_round *round, struct loop *loop, loop_fn step) {
    /* Without memory the question is lost, and the time limit answers it. */
    if (loop_post(loop, step, round) != STATUS_OK)
        mem_free(&mem_default, round, sizeof *round);
}

static void health_round_ask(void *context) {
    struct health_round *round = context;
    const struct fleet *fleet = round->door->fleet;
    char buffer[200];
    const char *reason = server_not_ready(fleet->servers[round->index], buffer, sizeof buffer);
    if (reason != NULL)
        snprintf(round->reason, sizeof round->reason, "Loop %u: %s", round->index, reason);
    else if (++round->index < fleet->count) {
        health_round_go(round, server_loop(fleet->servers[round->index]), health_round_ask);
        return;
    }
    health_round_go(round, round->door->loop, health_round_done);
}

static void health_round_done(void *context) {
    struct health_round *round = context;
    struct http_conn *conn = http_door_conn(round->door, round->conn_id);
    if (conn != NULL && conn->state == HTTP_CONN_HANDLING) {
        if (round->reason[0] != '\0')
            http_conn_refuse(conn, WIRE_CODE_UNAVAILABLE, "%s", round->reason);
        else
            http_conn_answer(conn, 200, "application/json", NULL, 0, bytes_text("{\"status\":\"ready\"}\n"));
    }
    mem_free(&mem_default, round, sizeof *round);
}
