/* naive_text.c — every search is a walk. */
#include "naive_text.h"

#include <stdlib.h>
#include <string.h>

static const size_t nowhere = SIZE_MAX;

static bool naive_same(struct naive_id a, struct naive_id b) {
    return a.none || b.none ? a.none == b.none : a.client == b.client && a.clock == b.clock;
}

static size_t naive_find(const struct naive_text *text, struct naive_id id) {
    for (size_t i = 0; i < text->count; i++)
        if (naive_same(text->units[i].id, id))
            return i;
    return nowhere;
}

void naive_finish(struct naive_text *text) {
    free(text->units);
    *text = (struct naive_text){ NULL, 0, 0 };
}

size_t naive_visible(const struct naive_text *text) {
    size_t visible = 0;
    for (size_t i = 0; i < text->count; i++)
        visible += !text->units[i].deleted;
    return visible;
}

void naive_write(const struct naive_text *text, uint16_t *out) {
    for (size_t i = 0; i < text->count; i++)
        if (!text->units[i].deleted)
            *out++ = text->units[i].unit;
}

uint64_t naive_clock(const struct naive_text *text, uint64_t client) {
    uint64_t clock = 0;
    for (size_t i = 0; i < text->count; i++)
        clock += text->units[i].id.client == client;
    return clock;
}

/* The place in the list behind the index-th visible unit. */
static size_t naive_place_of(const struct naive_text *text, size_t index) {
    size_t at = 0;
    for (; index > 0; at++)
        index -= !text->units[at].deleted;
    return at;
}

struct naive_unit naive_type(const struct naive_text *text, uint64_t client, size_t index, uint16_t unit) {
    size_t at = naive_place_of(text, index);
    while (at < text->count && text->units[at].deleted) /* behind the tombstones */
        at++;
    struct naive_id none = { 0, 0, true };
    return (struct naive_unit){ .id = { client, naive_clock(text, client), false },
                                .origin = at == 0 ? none : text->units[at - 1].id,
                                .right_origin = at == text->count ? none : text->units[at].id,
                                .unit = unit };
}

struct naive_id naive_id_at(const struct naive_text *text, size_t index) {
    size_t at = naive_place_of(text, index);
    while (text->units[at].deleted)
        at++;
    return text->units[at].id;
}

bool naive_known(const struct naive_text *text, struct naive_id id) {
    return id.none || naive_find(text, id) != nowhere;
}

bool naive_ready(const struct naive_text *text, const struct naive_unit *unit) {
    return unit->id.clock <= naive_clock(text, unit->id.client) && naive_known(text, unit->origin) &&
           naive_known(text, unit->right_origin);
}

void naive_place(struct naive_text *text, const struct naive_unit *unit) {
    if (naive_known(text, unit->id))
        return;
    size_t left = unit->origin.none ? nowhere : naive_find(text, unit->origin);
    size_t right = unit->right_origin.none ? text->count : naive_find(text, unit->right_origin);
    size_t first = left == nowhere ? 0 : left + 1;
    size_t destination = first;
    /* Walked over in all, and since the destination last moved: both are ranges of the list that end at the walk. */
    size_t conflicts_from = first;
    for (size_t at = first; at < right; at++) {
        const struct naive_unit *other = &text->units[at];
        if (naive_same(other->origin, unit->origin)) {
            if (other->id.client < unit->id.client) {
                destination = at + 1;
                conflicts_from = at + 1;
            } else if (naive_same(other->right_origin, unit->right_origin)) {
                break;
            }
        } else {
            size_t origin = other->origin.none ? nowhere : naive_find(text, other->origin);
            if (origin == nowhere || origin < first || origin > at)
                break;
            if (origin < conflicts_from) {
                destination = at + 1;
                conflicts_from = at + 1;
            }
        }
    }
    if (text->count == text->capacity) {
        text->capacity = text->capacity == 0 ? 64 : text->capacity * 2;
        text->units = realloc(text->units, text->capacity * sizeof *text->units);
        if (text->units == NULL)
            abort();
    }
    memmove(text->units + destination + 1, text->units + destination, (text->count - destination) * sizeof *text->units);
    text->units[destination] = *unit;
    text->count++;
}

void naive_delete(struct naive_text *text, struct naive_id id) {
    size_t at = naive_find(text, id);
    if (at != nowhere)
        text->units[at].deleted = true;
}
