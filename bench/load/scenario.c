#include "scenario.h"

#include <stdio.h>

struct scenario_row {
    const char *name;
    size_t offset;
    uint64_t initial, least, most;
};

static const struct scenario_row scenario_rows[] = {
#define SCENARIO_SETTING(name, initial, least, most, meaning) { #name, offsetof(struct scenario, name), initial, least, most },
#include "scenario.def"
#undef SCENARIO_SETTING
};

enum { SCENARIO_ROWS = sizeof scenario_rows / sizeof scenario_rows[0] };

static uint64_t *scenario_member(struct scenario *scenario, const struct scenario_row *row) {
    return (uint64_t *)(void *)((uint8_t *)scenario + row->offset);
}

void scenario_init(struct scenario *scenario) {
    scenario->trace[0] = '\0';
    for (size_t i = 0; i < SCENARIO_ROWS; i++)
        *scenario_member(scenario, &scenario_rows[i]) = scenario_rows[i].initial;
}

static bool scenario_number(struct bytes text, uint64_t *out) {
    uint64_t number = 0;
    if (text.size == 0 || text.size > 18)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        number = number * 10 + (text.data[i] - '0');
    }
    *out = number;
    return true;
}

static enum status scenario_set_trace(struct scenario *scenario, struct bytes path, char *error, size_t error_bytes) {
    if (path.size == 0 || path.size >= sizeof scenario->trace) {
        snprintf(error, error_bytes, "trace takes the path of a file");
        return STATUS_MALFORMED;
    }
    memcpy(scenario->trace, path.data, path.size);
    scenario->trace[path.size] = '\0';
    return STATUS_OK;
}

enum status scenario_set(struct scenario *scenario, struct bytes name, struct bytes value, char *error, size_t error_bytes) {
    if (bytes_equal_text(name, "trace"))
        return scenario_set_trace(scenario, value, error, error_bytes);
    for (size_t i = 0; i < SCENARIO_ROWS; i++) {
        const struct scenario_row *row = &scenario_rows[i];
        uint64_t number;
        if (!bytes_equal_text(name, row->name))
            continue;
        if (!scenario_number(value, &number) || number < row->least || number > row->most) {
            snprintf(error, error_bytes, "%s takes a number from %llu to %llu, not \"%.*s\"", row->name,
                     (unsigned long long)row->least, (unsigned long long)row->most, (int)value.size, (const char *)value.data);
            return STATUS_MALFORMED;
        }
        *scenario_member(scenario, row) = number;
        return STATUS_OK;
    }
    snprintf(error, error_bytes, "there is no setting \"%.*s\"", (int)name.size, (const char *)name.data);
    return STATUS_NOT_FOUND;
}

static bool scenario_blank(uint8_t character) {
    return character == ' ' || character == '\t' || character == '\r';
}

/* Cuts the next word off the line; size 0: there is none. */
static struct bytes scenario_word(struct bytes *line) {
    size_t from = 0, to;
    while (from < line->size && scenario_blank(line->data[from]))
        from++;
    to = from;
    while (to < line->size && !scenario_blank(line->data[to]) && line->data[to] != '#')
        to++;
    struct bytes word = bytes_of(line->data + from, to - from);
    *line = bytes_of(line->data + to, line->size - to);
    return word;
}

enum status scenario_read(struct scenario *scenario, struct bytes text, char *error, size_t error_bytes) {
    unsigned number = 1;
    for (size_t from = 0; from < text.size; number++) {
        size_t to = from;
        while (to < text.size && text.data[to] != '\n')
            to++;
        struct bytes line = bytes_of(text.data + from, to - from);
        from = to + 1;
        struct bytes name = scenario_word(&line);
        if (name.size == 0)
            continue;
        char what[200];
        struct bytes value = scenario_word(&line);
        enum status status = scenario_set(scenario, name, value, what, sizeof what);
        struct bytes more = scenario_word(&line);
        if (status == STATUS_OK && more.size > 0) {
            snprintf(what, sizeof what, "one value, not more");
            status = STATUS_MALFORMED;
        }
        if (status != STATUS_OK) {
            snprintf(error, error_bytes, "line %u: %s", number, what);
            return STATUS_MALFORMED;
        }
    }
    return STATUS_OK;
}

enum status scenario_check(const struct scenario *scenario, char *error, size_t error_bytes) {
    const char *wrong = NULL;
    if (scenario->writers > 0 && (scenario->rate == 0) == (scenario->window == 0))
        wrong = "writers need a rate or a window, one of both";
    else if (scenario->writers + scenario->stalled > scenario->connections)
        wrong = "writers and stalled together are more than the connections";
    else if (scenario->awareness + scenario->stalled > scenario->connections)
        wrong = "cursors and stalled together are more than the connections";
    else if (scenario->churn > 0 && scenario->window > 0)
        wrong = "churn and a window do not go together: who has left will never have everything";
    else if (scenario->trace[0] != '\0' && (scenario->writers == 0 || scenario->document_bytes > 0))
        wrong = "a trace needs writers, and begins in an empty document: no document_bytes";
    if (wrong == NULL)
        return STATUS_OK;
    snprintf(error, error_bytes, "%s", wrong);
    return STATUS_MALFORMED;
}
