/* shed.c — see shed.h. */
#include "shed.h"

#include "config.h"
#include "document/budget.h"
#include "loop/loop.h"

enum {
    SHED_LAG_TICKS = 16,  /* over which lag is smoothed */
    SHED_LAG_AT_MOST = 4, /* times lag_max_ms is what one tick counts: one long turn is no overload, five in a row are */
};

const char *shed_newcomer(struct server *server, enum limit *out_limit) {
    const struct config *config = server_config(server);
    if (table_count(&server->connections) >= config->connections_max) {
        *out_limit = LIMIT_connections_max;
        return "all places are taken; try again";
    }
    if (server->unjoined >= config->unjoined_max) {
        *out_limit = LIMIT_unjoined_max;
        return "too many are joining; try again";
    }
    if (!budget_admits(server)) {
        *out_limit = LIMIT_memory_limit;
        return "the documents in memory have reached its limit; try again";
    }
    if (server->resident_bytes >= config->resident_max) {
        *out_limit = LIMIT_resident_max;
        return "the server holds too much in memory; try again";
    }
    if (server->lag_us >= config->lag_max_ms * 1000) {
        *out_limit = LIMIT_lag_max_ms;
        return "the server has too much to do; try again";
    }
    return NULL;
}

void shed_note_lag(struct server *server, uint64_t due_ms) {
    uint64_t now_us = loop_clock_us();
    uint64_t took_us = server->ticked_us == 0 ? 0 : now_us - server->ticked_us;
    uint64_t late_us = took_us > due_ms * 1000 ? took_us - due_ms * 1000 : 0;
    uint64_t most_us = server_config(server)->lag_max_ms * 1000 * SHED_LAG_AT_MOST;
    server->ticked_us = now_us;
    server->lag_us = (server->lag_us * (SHED_LAG_TICKS - 1) + (late_us < most_us ? late_us : most_us)) / SHED_LAG_TICKS;
    metrics_observe(&server->metrics, METRIC_loop_lag, late_us);
}

void shed_note_memory(struct server *server) {
    server->resident_bytes = metrics_resident_bytes();
}
