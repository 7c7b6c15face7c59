/* round.c — see round.h. */
#include "http/round.h"

static void round_on_visit(void *context);
static void round_on_home(void *context);

void *round_create(struct http_conn *conn, size_t bytes) {
    struct round *round = mem_zalloc(&mem_default, bytes);
    if (round == NULL) {
        http_conn_refuse(conn, WIRE_CODE_OVERLOADED, "The server has too much to do.");
        return NULL;
    }
    round->home = conn->door;
    round->conn_id = conn->id;
    memcpy(round->name, conn->request, sizeof round->name);
    round->bytes = bytes;
    return round;
}

void round_drop(struct round *round) {
    mem_free(&mem_default, round, round->bytes);
}

static void round_go(struct round *round, struct http_door *door, loop_fn step) {
    /* Without memory the question is lost, and the time limit answers it. */
    if (loop_post(door->loop, step, round) != STATUS_OK)
        round_drop(round);
}

void round_start(struct round *round) {
    round_go(round, round->home->doors[0], round_on_visit);
}

static void round_on_visit(void *context) {
    struct round *round = context;
    bool more = round->visit(round, round->home->doors[round->index]);
    if (round->held)
        return;
    if (more && ++round->index < round->home->fleet->count)
        round_go(round, round->home->doors[round->index], round_on_visit);
    else
        round_go(round, round->home, round_on_home);
}

void round_hold(struct round *round) {
    round->held = true;
}

void round_release(struct round *round) {
    round_go(round, round->home, round_on_home);
}

static void round_on_home(void *context) {
    struct round *round = context;
    struct http_conn *conn = http_door_conn(round->home, round->conn_id);
    if (conn != NULL && conn->state == HTTP_CONN_HANDLING)
        round->done(round, conn);
    round_drop(round);
}
