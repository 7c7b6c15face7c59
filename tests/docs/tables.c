/* tables — do docs/limits.md, docs/metrics.md, the manual page and the example of a settings file say what the code does?
 *
 *   docs_tables ROOT [--write]
 *
 * vibesyncd.8 (between its two marks) and vibesyncd.conf.example must hold what config_print.h prints; --write makes it so.
 *
 * Each row of config.def that is a limit, and each of metrics.def, must stand there word for word; and no other row may. What is
 * missing is printed as it should stand. The reason for a limit is the document's own: its last column must hold something. */
#include "config_print.h"
#include "metrics/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned failures;

static char *tables_read(const char *root, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *file = fopen(path, "re");
    char *text = calloc(1, 1 << 20);
    if (file == NULL || text == NULL || fread(text, 1, (1 << 20) - 1, file) == 0) {
        fprintf(stderr, "%s cannot be read\n", path);
        exit(1);
    }
    fclose(file);
    return text;
}

/* Rows of the document's tables begin with "| `". */
static unsigned tables_count_rows(const char *text) {
    unsigned count = 0;
    for (const char *at = text; (at = strstr(at, "\n| `")) != NULL; at++)
        count++;
    return count;
}

static void tables_expect(const char *text, const char *row, bool has_more) {
    const char *at = strstr(text, row);
    bool good = at != NULL && at > text && at[-1] == '\n';
    if (good && has_more)
        good = strcspn(at + strlen(row), "|\n") > 4;
    if (good)
        return;
    failures++;
    fprintf(stderr, "missing, or without a reason: %s", row);
    fprintf(stderr, "%s", has_more ? "\n" : "");
}

static void tables_limits(const char *text) {
    char row[512];
#define CONFIG_LIMIT(name, default_value, least, most, unit, when, meaning)                    \
    snprintf(row, sizeof row, "| `%s` | %s %s | %s | ", #name, #default_value, unit, meaning); \
    tables_expect(text, row, true);
#define CONFIG_FIXED(name, value, meaning)                                   \
    snprintf(row, sizeof row, "| `%s` | %s | %s | ", #name, value, meaning); \
    tables_expect(text, row, true);
#include "config.def"
    if (tables_count_rows(text) != LIMIT_COUNT) {
        failures++;
        fprintf(stderr, "docs/limits.md has %u rows for %d limits\n", tables_count_rows(text), LIMIT_COUNT);
    }
}

static void tables_metrics(const char *text) {
    char row[512];
    unsigned count = 1;
#define TABLES_METRIC(name, kind, meaning)                                  \
    snprintf(row, sizeof row, "| `%s` | %s | %s |\n", name, kind, meaning); \
    tables_expect(text, row, false);                                        \
    count++;
#define METRIC_COUNTER(id, meaning)         TABLES_METRIC("vibesync_" #id "_total", "counter", meaning)
#define METRIC_GAUGE(id, meaning)           TABLES_METRIC("vibesync_" #id, "gauge", meaning)
#define METRIC_HISTOGRAM(id, unit, meaning) TABLES_METRIC("vibesync_" #id "_" #unit, "histogram", meaning)
#define METRIC_PROCESS(id, kind, meaning)   TABLES_METRIC(#id, #kind, meaning)
#include "metrics/metrics.def"
    tables_expect(
        text, "| `vibesync_limited_total{limit=\"…\"}` | counter | times that a limit was reached, see [limits.md](limits.md) |\n",
        false);
    if (tables_count_rows(text) != count) {
        failures++;
        fprintf(stderr, "docs/metrics.md has %u rows for %u metrics\n", tables_count_rows(text), count);
    }
}

static char *tables_print(void (*print)(FILE *out)) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        exit(1);
    print(out);
    fclose(out);
    return text;
}

/* What stands between `from` and `to`, both of which stay ("": the file's beginning and end), must be what `print` prints. */
static void tables_generated(const char *root, const char *name, const char *from, const char *to, void (*print)(FILE *out),
                             bool write) {
    char path[4096], *printed = tables_print(print), *text = tables_read(root, name);
    const char *begin = strstr(text, from), *end = begin != NULL ? strstr(begin, to) : NULL;
    if (begin == NULL || end == NULL) {
        fprintf(stderr, "%s has lost its marks\n", name);
        exit(1);
    }
    begin += strlen(from);
    end = to[0] != '\0' ? end : text + strlen(text);
    if (strlen(printed) == (size_t)(end - begin) && memcmp(printed, begin, strlen(printed)) == 0) {
        free(text);
        free(printed);
        return;
    }
    if (!write) {
        failures++;
        fprintf(stderr, "%s is not what config.def makes of it: run docs_tables %s --write\n", name, root);
    } else {
        snprintf(path, sizeof path, "%s/%s", root, name);
        FILE *file = fopen(path, "we");
        if (file == NULL || fprintf(file, "%.*s%s%s", (int)(begin - text), text, printed, end) < 0 || fclose(file) != 0) {
            perror(path);
            exit(1);
        }
    }
    free(text);
    free(printed);
}

int main(int count, char **arguments) {
    bool write = count == 3 && strcmp(arguments[2], "--write") == 0;
    if (count != 2 && !write)
        return 2;
    tables_generated(arguments[1], "server/vibesyncd.8", ".\\\" settings: made from server/config.def by docs_tables --write\n",
                     ".\\\" end of settings\n", config_print_manual, write);
    tables_generated(arguments[1], "server/vibesyncd.conf.example", "", "", config_print_example, write);
    char *limits = tables_read(arguments[1], "docs/limits.md"), *metrics = tables_read(arguments[1], "docs/metrics.md");
    tables_limits(limits);
    tables_metrics(metrics);
    free(limits);
    free(metrics);
    return failures == 0 ? 0 : 1;
}
