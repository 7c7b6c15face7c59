/* config.c — see config.h. */
#include "config_file.h"
#include "config_row.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CONFIG_ERROR_MAX = 512 };

void config_error(struct config_errors *errors, const char *format, ...) {
    char text[CONFIG_ERROR_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    errors->count++;
    errors->say(errors->context, text);
}

/* `place` is where the value stands: "--ping-ms", "VIBESYNC_PING_MS", "/etc/x.conf:12: ping-ms". */
static void config_take(struct config_reading *reading, const struct config_row *row, struct config_origin origin,
                        const char *place, const char *value, struct config_errors *errors) {
    char why[CONFIG_WHY_MAX];
    if (config_row_set(row, &reading->config, value, why) == STATUS_OK)
        reading->origins[row - config_rows] = origin;
    else
        config_error(errors, "%s %s", place, why);
}

static void config_unknown(const char *place, struct bytes name, const struct config_row *nearest, const char *before,
                           struct config_errors *errors) {
    char right[CONFIG_NAME_MAX] = "";
    if (nearest != NULL)
        config_row_name(nearest, right);
    config_error(errors, "%sthere is no setting \"%s%.*s\"%s%s%s%s", place, before, name.size < 40 ? (int)name.size : 40,
                 (const char *)name.data, nearest != NULL ? "; did you mean \"" : "; --help lists them",
                 nearest != NULL ? before : "", right, nearest != NULL ? "\"?" : "");
}

/* ---- flags ---- */

static void config_read_flags(struct config_reading *reading, int count, char **arguments, struct config_errors *errors) {
    for (int i = 0; i < count; i++) {
        const char *argument = arguments[i];
        bool is_flag = strncmp(argument, "--", 2) == 0;
        const char *name = is_flag ? argument + 2 : argument;
        size_t name_size = strcspn(name, "=");
        const char *value = name[name_size] == '=' ? name + name_size + 1 : NULL;
        const struct config_row *nearest = NULL;
        const struct config_row *row = config_row_find(bytes_of(name, name_size), &nearest);
        if (!is_flag || row == NULL) {
            config_unknown("", bytes_of(name, name_size), row != NULL ? row : nearest, is_flag ? "--" : "", errors);
            /* Its value is no setting, either. */
            if (value == NULL && i + 1 < count && strncmp(arguments[i + 1], "--", 2) != 0)
                i++;
            continue;
        }
        char place[CONFIG_NAME_MAX + 2];
        snprintf(place, sizeof place, "--%.*s", (int)name_size, name);
        if (value == NULL && row->kind == CONFIG_KIND_SWITCH)
            value = "1";
        if (value == NULL && i + 1 == count) {
            config_error(errors, "%s needs a value", place);
            continue;
        }
        if (value == NULL)
            value = arguments[++i];
        config_take(reading, row, (struct config_origin){ CONFIG_FLAG, 0 }, place, value, errors);
    }
}

/* ---- environment ---- */

static void config_read_environment(struct config_reading *reading, struct config_errors *errors) {
    for (size_t i = 0; i < CONFIG_ROWS; i++) {
        char variable[CONFIG_NAME_MAX];
        config_row_variable(&config_rows[i], variable);
        const char *value = getenv(variable);
        if (value != NULL && value[0] != '\0')
            config_take(reading, &config_rows[i], (struct config_origin){ CONFIG_ENVIRONMENT, 0 }, variable, value, errors);
    }
}

/* ---- file ---- */

static enum status config_load(struct config_reading *reading, const char *path, size_t *out_size, struct config_errors *errors) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat stat;
    if (fd < 0 || fstat(fd, &stat) != 0) {
        config_error(errors, "%s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return STATUS_IO;
    }
    enum status status = STATUS_OK;
    ssize_t size = 0;
    reading->text_bytes = CONFIG_FILE_BYTES_MAX + 2;
    if (!S_ISREG(stat.st_mode)) {
        config_error(errors, "%s: not a file", path);
        status = STATUS_IO;
    } else if ((reading->text = mem_zalloc(&mem_default, reading->text_bytes)) == NULL) {
        config_error(errors, "%s: %s", path, status_sentence(STATUS_NO_MEMORY));
        status = STATUS_NO_MEMORY;
    } else if ((size = read(fd, reading->text, CONFIG_FILE_BYTES_MAX + 1)) < 0) {
        config_error(errors, "%s: %s", path, strerror(errno));
        status = STATUS_IO;
    } else if (size > CONFIG_FILE_BYTES_MAX) {
        config_error(errors, "%s: more than %d bytes", path, CONFIG_FILE_BYTES_MAX);
        status = STATUS_TOO_BIG;
    }
    close(fd);
    *out_size = (size_t)size;
    return status;
}

static void config_read_file(struct config_reading *reading, const char *path, struct config_errors *errors) {
    size_t size;
    if (config_load(reading, path, &size, errors) != STATUS_OK)
        return;
    struct config_file file;
    const char *name, *value, *why;
    enum status status;
    config_file_init(&file, reading->text, size);
    while ((status = config_file_next(&file, &name, &value, &why)) != STATUS_NOT_FOUND) {
        char place[CONFIG_ERROR_MAX];
        if (status != STATUS_OK) {
            config_error(errors, "%s:%u: %s", path, file.line, why);
            continue;
        }
        const struct config_row *nearest = NULL;
        const struct config_row *row = config_row_find(bytes_text(name), &nearest);
        snprintf(place, sizeof place, "%.300s:%u: ", path, file.line);
        if (row == NULL) {
            config_unknown(place, bytes_text(name), nearest, "", errors);
            continue;
        }
        const struct config_origin *before = &reading->origins[row - config_rows];
        if (row == &config_rows[CONFIG_ROW_config])
            config_error(errors, "%sa file names no other", place);
        else if (before->source == CONFIG_FILE)
            config_error(errors, "%s%s stands in line %u already", place, name, before->line);
        else {
            snprintf(place, sizeof place, "%.300s:%u: %s", path, file.line, name);
            config_take(reading, row, (struct config_origin){ CONFIG_FILE, file.line }, place, value, errors);
        }
    }
}

/* ---- all together ---- */

static void config_silence(void *context, const char *error) {
    (void)context;
    (void)error;
}

enum status config_read(struct config_reading *reading, int count, char **arguments, struct config_errors *errors) {
    *reading = (struct config_reading){ 0 };
    for (size_t i = 0; i < CONFIG_ROWS; i++)
        config_row_set_default(&config_rows[i], &reading->config);
    /* Once for the file's name; mistakes are told the second time. */
    struct config_errors silent = { .say = config_silence };
    unsigned before = errors->count;
    config_read_environment(reading, &silent);
    config_read_flags(reading, count, arguments, &silent);
    if (reading->config.config[0] != '\0')
        config_read_file(reading, reading->config.config, errors);
    config_read_environment(reading, errors);
    config_read_flags(reading, count, arguments, errors);
    if ((reading->config.tls_cert[0] == '\0') != (reading->config.tls_key[0] == '\0'))
        config_error(errors, "tls-cert and tls-key belong together: one of them is missing");
    return errors->count == before ? STATUS_OK : STATUS_MALFORMED;
}

void config_reading_finish(struct config_reading *reading) {
    mem_free(&mem_default, reading->text, reading->text_bytes);
    reading->text = NULL;
}

/* ---- copies ---- */

struct config_block {
    size_t bytes;
    struct config config;
    char texts[];
};

struct config *config_copy(const struct config *config) {
    char buffer[24];
    size_t bytes = sizeof(struct config_block);
    for (size_t i = 0; i < CONFIG_ROWS; i++)
        if (config_rows[i].kind == CONFIG_KIND_TEXT)
            bytes += strlen(config_row_value(&config_rows[i], config, buffer)) + 1;
    struct config_block *block = mem_zalloc(&mem_default, bytes);
    if (block == NULL)
        return NULL;
    block->bytes = bytes;
    block->config = *config;
    char *at = block->texts;
    for (size_t i = 0; i < CONFIG_ROWS; i++) {
        if (config_rows[i].kind != CONFIG_KIND_TEXT)
            continue;
        const char *text = config_row_value(&config_rows[i], config, buffer), *copy = at;
        size_t size = strlen(text) + 1;
        memcpy(at, text, size);
        memcpy((char *)&block->config + config_rows[i].offset, &copy, sizeof copy);
        at += size;
    }
    return &block->config;
}

void config_destroy(struct config *config) {
    if (config == NULL)
        return;
    struct config_block *block = (struct config_block *)((char *)config - offsetof(struct config_block, config));
    mem_free(&mem_default, block, block->bytes);
}

void config_fit_machine(struct config *config) {
    uint64_t machine_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    if (config->memory_limit == 0)
        config->memory_limit = machine_bytes / 2;
    if (config->resident_max == 0)
        config->resident_max = machine_bytes / 4 * 3;
}
