/* config_row.c — see config_row.h. Everything is made from the rows of config.def; what a row cannot say, which texts will do, is
 * in config_checks. */
#include "config_row.h"

#include "proxy/origin.h"
#include "proxy/ranges.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { RESTART = false, RELOAD = true };

const struct config_row config_rows[CONFIG_ROWS] = {
#define CONFIG_TEXT(name, default_value, when, meaning) \
    { #name, CONFIG_KIND_TEXT, when, offsetof(struct config, name), default_value, 0, 0, 0, "", meaning },
#define CONFIG_NUMBER(name, default_value, least, most, unit, when, meaning) \
    { #name, CONFIG_KIND_NUMBER, when, offsetof(struct config, name), NULL, default_value, least, most, unit, meaning },
#define CONFIG_SWITCH(name, when, meaning) \
    { #name, CONFIG_KIND_SWITCH, when, offsetof(struct config, name), NULL, 0, 0, 1, "", meaning },
#include "config.def"
};

static bool config_is_level(const char *value) {
    return strcmp(value, "debug") == 0 || strcmp(value, "info") == 0 || strcmp(value, "warn") == 0 || strcmp(value, "error") == 0;
}

static bool config_is_format(const char *value) {
    return strcmp(value, "text") == 0 || strcmp(value, "json") == 0;
}

static const struct {
    enum config_row_number row;
    bool (*good)(const char *value);
} config_checks[] = {
    { CONFIG_ROW_log_format, config_is_format },
    { CONFIG_ROW_log_level, config_is_level },
    { CONFIG_ROW_trusted_proxies, ranges_good },
    { CONFIG_ROW_origins, origins_good },
};

void config_row_name(const struct config_row *row, char out[CONFIG_NAME_MAX]) {
    snprintf(out, CONFIG_NAME_MAX, "%s", row->name);
    for (char *at = out; *at != '\0'; at++)
        if (*at == '_')
            *at = '-';
}

void config_row_variable(const struct config_row *row, char out[CONFIG_NAME_MAX]) {
    snprintf(out, CONFIG_NAME_MAX, "VIBESYNC_%s", row->name);
    for (char *at = out; *at != '\0'; at++)
        if (*at >= 'a' && *at <= 'z')
            *at = (char)(*at - 'a' + 'A');
}

/* Insertions, deletions and changes of one letter that make `b` of `a`. */
static size_t config_distance(struct bytes a, const char *b) {
    size_t row[CONFIG_NAME_MAX], size = strlen(b);
    for (size_t j = 0; j <= size; j++)
        row[j] = j;
    for (size_t i = 0; i < a.size; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < size; j++) {
            size_t least = diagonal + (a.data[i] != (uint8_t)b[j]);
            least = row[j] + 1 < least ? row[j] + 1 : least;
            least = row[j + 1] + 1 < least ? row[j + 1] + 1 : least;
            diagonal = row[j + 1];
            row[j + 1] = least;
        }
    }
    return row[size];
}

const struct config_row *config_row_find(struct bytes name, const struct config_row **out_nearest) {
    size_t nearest = 4; /* more than three letters wrong is another word */
    *out_nearest = NULL;
    if (name.size >= CONFIG_NAME_MAX)
        return NULL;
    for (size_t i = 0; i < CONFIG_ROWS; i++) {
        char right[CONFIG_NAME_MAX];
        config_row_name(&config_rows[i], right);
        if (bytes_equal_text(name, right))
            return &config_rows[i];
        size_t distance = config_distance(name, right);
        if (distance < nearest && distance < strlen(right) / 2) {
            nearest = distance;
            *out_nearest = &config_rows[i];
        }
    }
    return NULL;
}

static bool config_number(const char *text, uint64_t *out) {
    size_t digits = strlen(text);
    if (digits == 0 || digits > 19 || strspn(text, "0123456789") != digits)
        return false;
    *out = strtoull(text, NULL, 10);
    return true;
}

enum status config_row_set(const struct config_row *row, struct config *config, const char *value, char why[CONFIG_WHY_MAX]) {
    char *field = (char *)config + row->offset;
    if (row->kind != CONFIG_KIND_TEXT) {
        uint64_t number;
        if (!config_number(value, &number) || number < row->least || number > row->most) {
            if (row->kind == CONFIG_KIND_SWITCH)
                snprintf(why, CONFIG_WHY_MAX, "takes 0 or 1, not \"%.40s\"", value);
            else
                snprintf(why, CONFIG_WHY_MAX, "takes a whole number of %s from %llu to %llu, not \"%.40s\"", row->unit,
                         (unsigned long long)row->least, (unsigned long long)row->most, value);
            return STATUS_MALFORMED;
        }
        memcpy(field, &number, sizeof number);
        return STATUS_OK;
    }
    for (size_t i = 0; i < sizeof config_checks / sizeof config_checks[0]; i++) {
        if (row != &config_rows[config_checks[i].row] || config_checks[i].good(value))
            continue;
        snprintf(why, CONFIG_WHY_MAX, "takes %s, not \"%.40s\"", row->meaning, value);
        return STATUS_MALFORMED;
    }
    memcpy(field, &value, sizeof value);
    return STATUS_OK;
}

void config_row_set_default(const struct config_row *row, struct config *config) {
    if (row->kind == CONFIG_KIND_TEXT)
        memcpy((char *)config + row->offset, &row->default_text, sizeof row->default_text);
    else
        memcpy((char *)config + row->offset, &row->default_number, sizeof row->default_number);
}

const char *config_row_value(const struct config_row *row, const struct config *config, char buffer[24]) {
    const char *text;
    uint64_t number;
    if (row->kind == CONFIG_KIND_TEXT) {
        memcpy(&text, (const char *)config + row->offset, sizeof text);
        return text;
    }
    memcpy(&number, (const char *)config + row->offset, sizeof number);
    snprintf(buffer, 24, "%llu", (unsigned long long)number);
    return buffer;
}

bool config_row_equal(const struct config_row *row, const struct config *a, const struct config *b) {
    char buffers[2][24];
    return strcmp(config_row_value(row, a, buffers[0]), config_row_value(row, b, buffers[1])) == 0;
}

void config_row_copy(const struct config_row *row, struct config *to, const struct config *from) {
    size_t size = row->kind == CONFIG_KIND_TEXT ? sizeof(const char *) : sizeof(uint64_t);
    memcpy((char *)to + row->offset, (const char *)from + row->offset, size);
}

/* A PostgreSQL URL may hold a password before its "@", and both URL and "key=value" form may hold "password=" or "sslpassword=".
 * Rather too much is hidden than too little: up to the last "@", and in "key=value" form all that follows. */
void config_row_show(const struct config_row *row, const struct config *config, char out[CONFIG_VALUE_MAX]) {
    char buffer[24];
    const char *value = config_row_value(row, config, buffer), *scheme, *at, *colon, *password;
    if (row != &config_rows[CONFIG_ROW_database]) {
        snprintf(out, CONFIG_VALUE_MAX, "%s", value);
        return;
    }
    size_t used = 0;
    scheme = strstr(value, "://");
    at = strrchr(value, '@');
    colon = scheme != NULL ? strchr(scheme + 3, ':') : NULL;
    if (at != NULL && colon != NULL && colon < at) {
        used = (size_t)snprintf(out, CONFIG_VALUE_MAX, "%.*s:***", (int)(colon - value), value);
        value = at;
    }
    while (used < CONFIG_VALUE_MAX && (password = strcasestr(value, "password")) != NULL) {
        used += (size_t)snprintf(out + used, CONFIG_VALUE_MAX - used, "%.*s=***", (int)(password + 8 - value), value);
        value = scheme != NULL ? password + strcspn(password, "&") : "";
    }
    if (used < CONFIG_VALUE_MAX)
        snprintf(out + used, CONFIG_VALUE_MAX - used, "%s", value);
}
