/* status.c — one row per status: the word for machines, the sentence for people. */
#include "ground/status.h"

#include <stddef.h>

struct status_row {
    const char *name;
    const char *sentence;
};

static const struct status_row status_rows[STATUS_COUNT] = {
    [STATUS_OK] = { "ok", "It worked." },
    [STATUS_MORE] = { "more", "The input ends inside a value." },
    [STATUS_MALFORMED] = { "malformed", "The bytes break their format." },
    [STATUS_NO_MEMORY] = { "no_memory", "An allocation failed." },
    [STATUS_TOO_BIG] = { "too_big", "A stated limit would be passed." },
    [STATUS_RANGE] = { "range", "An index or a length lies outside its object." },
    [STATUS_NOT_FOUND] = { "not_found", "Nothing has that name." },
    [STATUS_EXISTS] = { "exists", "That name is taken." },
    [STATUS_DENIED] = { "denied", "That is not allowed." },
    [STATUS_CONFLICT] = { "conflict", "The object is in another state than the call supposes." },
    [STATUS_UNAVAILABLE] = { "unavailable", "A needed part is away for now; try again." },
    [STATUS_OVERLOADED] = { "overloaded", "A bounded queue is full; try again." },
    [STATUS_CLOSED] = { "closed", "The object was closed." },
    [STATUS_IO] = { "io", "The operating system or a peer failed." },
    [STATUS_UNSUPPORTED] = { "unsupported", "Valid, but not offered here." },
    [STATUS_DAMAGED] = { "damaged", "Stored bytes fail their check." },
};

static const struct status_row *status_row(enum status status) {
    static const struct status_row unknown = { "unknown", "An unknown status." };
    return (unsigned)status < STATUS_COUNT ? &status_rows[status] : &unknown;
}

const char *status_name(enum status status) {
    return status_row(status)->name;
}

const char *status_sentence(enum status status) {
    return status_row(status)->sentence;
}
