/* health.c — see health.h. */
#include "http/health.h"

#include "http/round.h"

#include <stdio.h>

struct health_round {
    struct round round;
    char reason[256];
};

static bool health_visit(struct round *round, struct http_door *door);
static void health_done(struct round *round, struct http_conn *conn);

void health_alive(struct http_conn *conn, struct bytes argument) {
    (void)argument;
    http_conn_answer(conn, 200, "application/json", NULL, 0, bytes_text("{\"status\":\"ok\"}\n"));
}

void health_ready(struct http_conn *conn, struct bytes argument) {
    (void)argument;
    struct health_round *health = round_create(conn, sizeof *health);
    if (health == NULL)
        return;
    health->round.visit = health_visit;
    health->round.done = health_done;
    round_start(&health->round);
}

static bool health_visit(struct round *round, struct http_door *door) {
    struct health_round *health = (struct health_round *)round;
    char buffer[200];
    const char *reason = server_not_ready(door->server, buffer, sizeof buffer);
    if (reason != NULL)
        snprintf(health->reason, sizeof health->reason, "Loop %u: %s", door->server->index, reason);
    return reason == NULL;
}

static void health_done(struct round *round, struct http_conn *conn) {
    const struct health_round *health = (const struct health_round *)round;
    if (health->reason[0] != '\0')
        http_conn_refuse(conn, WIRE_CODE_UNAVAILABLE, "%s", health->reason);
    else
        http_conn_answer(conn, 200, "application/json", NULL, 0, bytes_text("{\"status\":\"ready\"}\n"));
}
