/* reload.c — see reload.h. */
#include "reload.h"

#include "config_row.h"
#include "log.h"
#include "loop/loop.h"
#include "loop/tls.h"
#include "server.h"

static void reload_reject(void *context, const char *error) {
    (void)context;
    log_error(NULL, "config.rejected", "error=\"%s\"", error);
}

/* A port speaks TLS or it does not, from beginning to end. */
static bool reload_switches_tls(const struct config_row *row, const struct config *a, const struct config *b) {
    return (row == &config_rows[CONFIG_ROW_tls_cert] || row == &config_rows[CONFIG_ROW_tls_key]) &&
           (a->tls_cert[0] == '\0') != (b->tls_cert[0] == '\0');
}

/* Puts into `next` what must stay, and tells what changes. */
static unsigned reload_compare(const struct config *running, struct config *next) {
    const struct config asked = *next;
    unsigned changes = 0;
    for (size_t i = 0; i < CONFIG_ROWS; i++) {
        const struct config_row *row = &config_rows[i];
        char name[CONFIG_NAME_MAX], before[CONFIG_VALUE_MAX], after[CONFIG_VALUE_MAX];
        if (config_row_equal(row, running, next))
            continue;
        config_row_name(row, name);
        config_row_show(row, running, before);
        config_row_show(row, next, after);
        if (row->reloads && !reload_switches_tls(row, running, &asked)) {
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
    struct tls_context *tls;
};

/* In the loop's thread. */
static void reload_deliver(void *context) {
    struct reload_parcel *parcel = context;
    server_configure(parcel->server, parcel->config, parcel->tls);
    mem_free(&mem_default, parcel, sizeof *parcel);
}

struct tls_context *reload_tls(const struct config *config, struct tls_context *running) {
    char error[TLS_ERROR_MAX];
    struct tls_context *context = NULL;
    if (config->tls_cert[0] == '\0')
        return NULL;
    if (tls_context_create(config->tls_cert, config->tls_key, error, &context) == STATUS_OK) {
        log_info(NULL, "tls.reloaded", "certificate=\"%s\"", config->tls_cert);
        return context;
    }
    log_error(NULL, "tls.not_reloaded", "error=\"%s\" hint=\"the old certificate stays\"", error);
    return tls_context_acquire(running);
}

enum status reload_post(struct server *server, const struct config *config, struct tls_context *tls) {
    struct reload_parcel *parcel = mem_zalloc(&mem_default, sizeof *parcel);
    if (parcel == NULL)
        return STATUS_NO_MEMORY;
    *parcel = (struct reload_parcel){ server, config_copy(config), tls_context_acquire(tls) };
    enum status status = parcel->config != NULL ? loop_post(server_loop(server), reload_deliver, parcel) : STATUS_NO_MEMORY;
    if (status != STATUS_OK) {
        config_destroy(parcel->config);
        tls_context_release(parcel->tls);
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
