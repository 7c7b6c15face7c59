/* metrics_door.c — see metrics_door.h. */
#include "http/metrics_door.h"

#include "access/token.h"
#include "http/round.h"
#include "log.h"
#include "metrics/metrics.h"

enum { METRICS_TEXT_BYTES_MAX = 65536 };

struct metrics_round {
    struct round round;
    struct metrics sum;
};

static bool metrics_door_visit(struct round *round, struct http_door *door);
static void metrics_door_done(struct round *round, struct http_conn *conn);

void metrics_door_get(struct http_conn *conn, struct bytes argument) {
    (void)argument;
    const struct fleet *fleet = conn->door->fleet;
    uint8_t hash[TOKEN_HASH_BYTES];
    token_hash(http_message_bearer(http_conn_request(conn)), hash);
    if (!token_hash_equal(hash, fleet->metrics_token_hash) && !token_hash_equal(hash, fleet->admin_token_hash)) {
        log_warn((&(struct log_subject){ .request = conn->request }), "access.refused", "what=metrics peer=%s",
                 http_conn_peer(conn));
        http_conn_refuse(conn, WIRE_CODE_CREDENTIALS, "Reading metrics needs the metrics token: Authorization: Bearer …");
        return;
    }
    struct metrics_round *metrics = round_create(conn, sizeof *metrics);
    if (metrics == NULL)
        return;
    metrics->round.visit = metrics_door_visit;
    metrics->round.done = metrics_door_done;
    round_start(&metrics->round);
}

static bool metrics_door_visit(struct round *round, struct http_door *door) {
    struct metrics_round *metrics = (struct metrics_round *)round;
    server_measure(door->server);
    door->server->metrics.gauges[METRIC_http_connections] = table_count(&door->conns);
    metrics_add(&metrics->sum, &door->server->metrics);
    return true;
}

static void metrics_door_done(struct round *round, struct http_conn *conn) {
    const struct metrics_round *metrics = (const struct metrics_round *)round;
    struct bytes_writer text;
    bytes_writer_init(&text, &mem_default, METRICS_TEXT_BYTES_MAX);
    metrics_write(&metrics->sum, &text);
    if (text.status == STATUS_OK)
        http_conn_answer(conn, 200, "text/plain; version=0.0.4", NULL, 0, bytes_written(&text));
    else
        http_conn_refuse(conn, WIRE_CODE_OVERLOADED, "The server has too much to do.");
    bytes_writer_finish(&text);
}
