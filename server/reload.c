/* reload.c — see reload.h. */
#include "reload.h"

#include "config_row.h"
#include "log.h"
#include "loop/loop.h"
#include "server.h"

static void reload_reject(void *context, const char *error) {
    (void)context;
    log_error(NULL, "config.rejected", "error=\"%s\"", error);
}

/* Puts into `next` what must stay, and tells what changes. */
static unsigned reload_compare(const struct config *running, struct config *next) {
    unsigned changes = 0;
    for (size_t i = 0; i < CONFIG_ROWS; i++) {
        const struct config_row *row = &config_rows[i];
        char name[CONFIG_NAME_MAX], before[CONFIG_VALUE_MAX], after[CONFIG_VALUE_MAX];
        if (config_row_equal(row, running, next))
            continue;
        config_row_name(row, name);
        config_row_show(row, running, before);
        config_row_show(row, next, after);
        if (row->reloads) {
            log_info(NULL, "config.changed", "name=%s from=\"%s\" to=\"%s\"", name, before, after);
            changes++;
        } else {
            log_warn(NULL, "config.needs_restart", "name=%s running=\"%s\" configured=\"%s\"", name, before, after);
            config_row_copy(row, next, running);
        }
    }
    return changes;
}

struct config *reload_read(const struct config *running, int count, char **arguments) {
    struct config_reading reading;
    struct config_errors errors = { .say = reload_reject };
    struct config *next = NULL;
    if (config_read(&reading, count, arguments, &errors) != STATUS_OK) {
        log_error(NULL, "config.not_reloaded", "errors=%u hint=\"nothing has changed\"", errors.count);
    } else {
        config_fit_machine(&reading.config);
        unsigned changes = reload_compare(running, &reading.config);
        next = config_copy(&reading.config);
        if (next != NULL)
            log_info(NULL, "config.reloaded", "changes=%u", changes);
        else
            log_error(NULL, "config.not_reloaded", "status=%s", status_name(STATUS_NO_MEMORY));
    }
    config_reading_finish(&reading);
    return next;
}

struct reload_parcel {
    struct server *server;
    struct config *config;
};

/* In the loop's thread. */
static void reload_deliver(void *context) {
    struct reload_parcel *parcel = context;
    server_configure(parcel->server, parcel->config);
    mem_free(&mem_default, parcel, sizeof *parcel);
}

enum status reload_post(struct server *server, const struct config *config) {
    struct reload_parcel *parcel = mem_zalloc(&mem_default, sizeof *parcel);
    if (parcel == NULL)
        return STATUS_NO_MEMORY;
    *parcel = (struct reload_parcel){ server, config_copy(config) };
    enum status status = parcel->config != NULL ? loop_post(server_loop(server), reload_deliver, parcel) : STATUS_NO_MEMORY;
    if (status != STATUS_OK) {
        config_destroy(parcel->config);
        mem_free(&mem_default, parcel, sizeof *parcel);
    }
    return status;
}

void reload_log(const struct config *config) {
    static const char *const levels[] = { "debug", "info", "warn", "error" };
    enum log_level level = LOG_DEBUG;
    while (strcmp(levels[level], config->log_level) != 0)
        level++;
    log_configure(level, strcmp(config->log_format, "json") == 0);
}
