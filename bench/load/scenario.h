/* scenario.h — a load as a small text file: one setting per line, `name value`, `#` begins a comment.
 *
 *     # S1: one room, fifty people, ten of them type
 *     rooms 1
 *     connections 50
 *     writers 10
 *     rate 20
 *     seconds 10
 *
 * Open loop (`rate`): each writer has its own clock, and a latency counts from when an update was due, so a server that falls
 * behind shows it. Closed loop (`window`): a writer goes on when everybody has its last `window` updates. The settings are the rows
 * of scenario.def, and one that is no number:
 *
 *     trace FILE     the writers type this recorded session, each all of it, instead of `characters` at a time;
 *                    relative to the scenario's folder */
#ifndef LOAD_SCENARIO_H
#define LOAD_SCENARIO_H

#include "ground/bytes.h"

enum { SCENARIO_PATH_MAX = 1024 };

struct scenario {
#define SCENARIO_SETTING(name, initial, least, most, meaning) uint64_t name;
#include "scenario.def"
#undef SCENARIO_SETTING
    char trace[SCENARIO_PATH_MAX]; /* "": none */
};

/* Every setting at its default. */
void scenario_init(struct scenario *scenario);

/* Reads a file's text over what is set. STATUS_MALFORMED: `error` says which line and what is wrong with it. */
enum status scenario_read(struct scenario *scenario, struct bytes text, char *error, size_t error_bytes);

/* One setting by name. STATUS_NOT_FOUND; STATUS_MALFORMED: no number, out of its range, or too long; `error` says so. */
enum status scenario_set(struct scenario *scenario, struct bytes name, struct bytes value, char *error, size_t error_bytes);

/* Whether the settings go together. STATUS_MALFORMED: `error`. */
enum status scenario_check(const struct scenario *scenario, char *error, size_t error_bytes);

#endif
