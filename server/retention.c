/* retention.c — see retention.h.
 *
 *   retention_tick ─▶ each step is a statement of its own ─▶ retention_on_done: a log line if it did something, or failed
 *
 * Nothing is retried: the next hour does it. A history that has more than one statement deletes goes on at once. */
#include "retention.h"

#include "config.h"
#include "log.h"
#include "store/store.h"

enum {
    RETENTION_ARENA_BYTES = 4096,
    RETENTION_HISTORY_STEP = 1000,
    RETENTION_DAYS_MIN = 30, /* of logs: log_partitions_drop() refuses less, so that who took over a server erases no traces */
};

static void retention_history(struct server *server);

/* Says what a step did; answers how many. */
static uint32_t retention_on_done(const char *what, const struct reply *reply) {
    if (reply->status != STATUS_OK) {
        log_warn(NULL, "retention.failed", "what=%s status=%s error=\"%s\"", what, status_name(reply->status), reply->error);
        return 0;
    }
    struct row row = reply_row(reply, 0);
    uint32_t count = (uint32_t)row_i32(&row, 0);
    if (count > 0)
        log_info(NULL, "retention.done", "what=%s count=%u", what, count);
    return count;
}

static void retention_on_ahead(void *context, const struct reply *reply) {
    (void)context;
    retention_on_done("partitions_made", reply);
}

static void retention_on_dropped(void *context, const struct reply *reply) {
    (void)context;
    retention_on_done("partitions_dropped", reply);
}

static void retention_on_strays(void *context, const struct reply *reply) {
    (void)context;
    retention_on_done("stray_journal_rows", reply);
}

static void retention_on_history(void *context, const struct reply *reply) {
    if (retention_on_done("history_chunks", reply) == RETENTION_HISTORY_STEP)
        retention_history(context);
}

static void retention_history(struct server *server) {
    struct arena arena;
    arena_init(&arena, &mem_default, RETENTION_ARENA_BYTES);
    struct params *params = params_new(&arena);
    params_add_i32(params, (int32_t)server_config(server)->retention_history_days);
    store_submit(server->store, NULL, "retention_history", params, retention_on_history, server);
    arena_finish(&arena);
}

static void retention_drop(struct server *server, const char *log, uint64_t days) {
    if (days == 0)
        return; /* for ever */
    struct arena arena;
    arena_init(&arena, &mem_default, RETENTION_ARENA_BYTES);
    struct params *params = params_new(&arena);
    params_add_text(params, bytes_text(log));
    params_add_i32(params, (int32_t)(days < RETENTION_DAYS_MIN ? RETENTION_DAYS_MIN : days));
    store_submit(server->store, NULL, "retention_drop", params, retention_on_dropped, server);
    arena_finish(&arena);
}

void retention_tick(struct server *server, uint64_t now_ms) {
    const struct config *config = server_config(server);
    if (server->index != 0 || now_ms < server->retention_next_ms || store_health(server->store).state != STORE_READY)
        return;
    server->retention_next_ms = now_ms + config->retention_ms;
    store_submit(server->store, NULL, "retention_ahead", NULL, retention_on_ahead, server);
    retention_drop(server, "activity_feed", config->retention_activity_days);
    retention_drop(server, "performance_metrics", config->retention_metrics_days);
    retention_drop(server, "security_events", config->retention_security_days);
    store_submit(server->store, NULL, "retention_strays", NULL, retention_on_strays, server);
    if (config->retention_history_days > 0)
        retention_history(server);
}
