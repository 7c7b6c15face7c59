/* config.c — see config.h. Everything is made from the rows of config.def; what a row cannot say (a text that is one of few words)
 * is in config_words. */
#include "config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIG_NAME_MAX = 64 };

struct config_row {
    const char *name;
    size_t offset;
    bool is_number;
    bool is_switch; /* a number, 0 or 1, whose flag needs no value */
    const char *default_text;
    uint64_t default_number, least, most;
    const char *unit;
    const char *meaning;
};

static const struct config_row config_rows[] = {
#define CONFIG_TEXT(name, default_value, meaning) \
    { #name, offsetof(struct config, name), false, false, default_value, 0, 0, 0, "", meaning },
#define CONFIG_NUMBER(name, default_value, least, most, unit, meaning) \
    { #name, offsetof(struct config, name), true, false, NULL, default_value, least, most, unit, meaning },
#define CONFIG_SWITCH(name, meaning) { #name, offsetof(struct config, name), true, true, NULL, 0, 0, 1, "", meaning },
#include "config.def"
};

enum { CONFIG_ROWS = sizeof config_rows / sizeof config_rows[0] };

static const struct {
    const char *name;
    const char *words[5];
} config_words[] = {
    { "log_format", { "text", "json" } },
    { "log_level", { "debug", "info", "warn", "error" } },
};

/* listen, "--" and '-': "--journal-bytes"; "VIBESYNC_" and '_' in capitals: "VIBESYNC_JOURNAL_BYTES" */
static void config_flag(const struct config_row *row, char out[CONFIG_NAME_MAX]) {
    snprintf(out, CONFIG_NAME_MAX, "--%s", row->name);
    for (char *at = out; *at != '\0'; at++)
        if (*at == '_')
            *at = '-';
}

static void config_variable(const struct config_row *row, char out[CONFIG_NAME_MAX]) {
    snprintf(out, CONFIG_NAME_MAX, "VIBESYNC_%s", row->name);
    for (char *at = out; *at != '\0'; at++)
        if (*at >= 'a' && *at <= 'z')
            *at = (char)(*at - 'a' + 'A');
}

static bool config_number(const char *text, uint64_t *out) {
    size_t digits = strlen(text);
    if (digits == 0 || digits > 19 || strspn(text, "0123456789") != digits)
        return false;
    *out = strtoull(text, NULL, 10);
    return true;
}

/* `source` is the name under which the value was given. */
static enum status config_set(struct config *config, const struct config_row *row, const char *source, const char *value,
                              char *error, size_t error_bytes) {
    char *field = (char *)config + row->offset;
    if (row->is_number) {
        uint64_t number;
        if (!config_number(value, &number) || number < row->least || number > row->most) {
            if (row->is_switch)
                snprintf(error, error_bytes, "%s takes 0 or 1, not \"%.40s\"", source, value);
            else
                snprintf(error, error_bytes, "%s takes a whole number of %s from %llu to %llu, not \"%.40s\"", source, row->unit,
                         (unsigned long long)row->least, (unsigned long long)row->most, value);
            return STATUS_MALFORMED;
        }
        memcpy(field, &number, sizeof number);
        return STATUS_OK;
    }
    for (size_t i = 0; i < sizeof config_words / sizeof config_words[0]; i++) {
        if (strcmp(config_words[i].name, row->name) != 0)
            continue;
        const char *const *word = config_words[i].words;
        while (*word != NULL && strcmp(*word, value) != 0)
            word++;
        if (*word == NULL) {
            snprintf(error, error_bytes, "%s takes %s, not \"%.40s\"", source, row->meaning, value);
            return STATUS_MALFORMED;
        }
    }
    memcpy(field, &value, sizeof value);
    return STATUS_OK;
}

static void config_set_defaults(struct config *config) {
    for (size_t i = 0; i < CONFIG_ROWS; i++) {
        const struct config_row *row = &config_rows[i];
        if (row->is_number)
            memcpy((char *)config + row->offset, &row->default_number, sizeof row->default_number);
        else
            memcpy((char *)config + row->offset, &row->default_text, sizeof row->default_text);
    }
}

enum status config_read(struct config *config, int count, char **arguments, char *error, size_t error_bytes) {
    config_set_defaults(config);
    for (size_t i = 0; i < CONFIG_ROWS; i++) {
        char variable[CONFIG_NAME_MAX];
        config_variable(&config_rows[i], variable);
        const char *value = getenv(variable);
        if (value == NULL || value[0] == '\0')
            continue;
        enum status status = config_set(config, &config_rows[i], variable, value, error, error_bytes);
        if (status != STATUS_OK)
            return status;
    }
    for (int i = 0; i < count; i++) {
        const char *argument = arguments[i];
        size_t name_size = strcspn(argument, "=");
        const struct config_row *row = NULL;
        char flag[CONFIG_NAME_MAX];
        for (size_t r = 0; r < CONFIG_ROWS && row == NULL; r++) {
            config_flag(&config_rows[r], flag);
            if (strlen(flag) == name_size && strncmp(flag, argument, name_size) == 0)
                row = &config_rows[r];
        }
        if (row == NULL) {
            snprintf(error, error_bytes, "there is no setting \"%.*s\"; --help lists them", name_size < 40 ? (int)name_size : 40,
                     argument);
            return STATUS_MALFORMED;
        }
        const char *value = argument[name_size] == '=' ? argument + name_size + 1 : NULL;
        if (value == NULL && row->is_switch)
            value = "1";
        if (value == NULL) {
            if (i + 1 == count) {
                snprintf(error, error_bytes, "%s needs a value", flag);
                return STATUS_MALFORMED;
            }
            value = arguments[++i];
        }
        enum status status = config_set(config, row, flag, value, error, error_bytes);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

void config_help(FILE *out) {
    for (size_t i = 0; i < CONFIG_ROWS; i++) {
        const struct config_row *row = &config_rows[i];
        char flag[CONFIG_NAME_MAX];
        config_flag(row, flag);
        fprintf(out, "  %-24s %s\n", flag, row->meaning);
        if (row->is_switch)
            continue;
        if (row->is_number)
            fprintf(out, "  %-24s %llu (%llu to %llu %s)\n", "", (unsigned long long)row->default_number,
                    (unsigned long long)row->least, (unsigned long long)row->most, row->unit);
        else if (row->default_text[0] != '\0')
            fprintf(out, "  %-24s %s\n", "", row->default_text);
    }
}
