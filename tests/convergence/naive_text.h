/* naive_text.h — the slow, obvious twin of a text document: one element per UTF-16 unit in one flat list.
 *
 * It follows the published order rule unit by unit and knows no runs, splits, joins, slabs or pending. What it cannot place yet the
 * caller keeps. Written from the rules, not from the engine, so that both are unlikely to be wrong in the same way. */
#ifndef TESTS_NAIVE_TEXT_H
#define TESTS_NAIVE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct naive_id {
    uint64_t client;
    uint64_t clock;
    bool none;
};

struct naive_unit {
    struct naive_id id;
    struct naive_id origin;
    struct naive_id right_origin;
    uint16_t unit;
    bool deleted;
};

struct naive_text {
    struct naive_unit *units;
    size_t count;
    size_t capacity;
};

void naive_finish(struct naive_text *text);

size_t naive_visible(const struct naive_text *text);

/* The visible units, into room for naive_visible() of them. */
void naive_write(const struct naive_text *text, uint16_t *out);

/* The number of units of a client that are there; they are always the first ones. */
uint64_t naive_clock(const struct naive_text *text, uint64_t client);

/* The unit that typing `unit` at a visible index makes; it is not inserted. */
struct naive_unit naive_type(const struct naive_text *text, uint64_t client, size_t index, uint16_t unit);

/* The id of the visible unit at an index. */
struct naive_id naive_id_at(const struct naive_text *text, size_t index);

/* Whether a unit, or a deletion of `id`, can be placed now. */
bool naive_ready(const struct naive_text *text, const struct naive_unit *unit);
bool naive_known(const struct naive_text *text, struct naive_id id);

/* Places a ready unit; one that is there already changes nothing. */
void naive_place(struct naive_text *text, const struct naive_unit *unit);
void naive_delete(struct naive_text *text, struct naive_id id);

#endif
