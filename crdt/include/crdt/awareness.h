/* awareness.h — who is here and where their cursor is: short-lived states, as y-protocols 1.0 exchanges them.
 *
 *   update   varUint n, n × (varUint client, varUint clock, varString JSON state)        `null` = gone
 *   01 01 01 09 7b 22 75 22 3a 22 61 22 7d      client 1, clock 1, {"u":"a"}
 *
 * Per client a clock, the JSON state and the time of the last change. A newer clock replaces an older one; the same clock with null
 * removes the state. The clock of a client that left is remembered, so that late messages do not bring it back. Nothing here is
 * durable and nothing reads a clock: time is an argument, in milliseconds from any fixed point. */
#ifndef CRDT_AWARENESS_H
#define CRDT_AWARENESS_H

#include "ground/bytes.h"
#include "ground/mem.h"
#include "ground/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CRDT_AWARENESS_TIMEOUT_MS = 30 * 1000,  /* y-protocols: a state that was not renewed for this long is dropped */
    CRDT_AWARENESS_CLIENTS_MAX = 4096,      /* known clients, those that left included; the oldest that left are forgotten first */
    CRDT_AWARENESS_STATE_BYTES_MAX = 65536, /* of one client's JSON: a cursor is a few hundred bytes */
    CRDT_AWARENESS_BYTES_MAX = 1024 * 1024  /* of all states together */
};

struct crdt_awareness;

struct crdt_awareness_options {
    const struct mem *mem; /* NULL: mem_default */
    size_t clients_max;    /* 0: the defaults above */
    size_t state_bytes_max;
    size_t bytes_max;
};

enum status crdt_awareness_create(const struct crdt_awareness_options *options, struct crdt_awareness **out);
void crdt_awareness_destroy(struct crdt_awareness *awareness);

enum crdt_awareness_change {
    CRDT_AWARENESS_ADDED,   /* had no state, has one now */
    CRDT_AWARENESS_UPDATED, /* the state's bytes differ */
    CRDT_AWARENESS_RENEWED, /* the same state with a newer clock; worth relaying, nothing to show */
    CRDT_AWARENESS_REMOVED  /* had a state, has none now */
};

/* Called once per changed client, after the change. Must not change the awareness. May be NULL wherever it is taken. */
typedef void crdt_awareness_visit(void *context, enum crdt_awareness_change change, uint64_t client);

/* Applies an update of any bytes: all of it or nothing.
 *
 * STATUS_MALFORMED  cut off, trailing bytes, not UTF-8, not JSON, a number above 2^53 - 1
 * STATUS_TOO_BIG    a limit of the options would be passed
 * STATUS_NO_MEMORY
 * After each error the states are unchanged and `visit` was not called. */
enum status crdt_awareness_apply(struct crdt_awareness *awareness, struct bytes update, uint64_t now_ms,
                                 crdt_awareness_visit *visit, void *context);

/* Names the clients in an update without applying it, e.g. to hold them against a claim. Checks the bytes first, as apply does. */
enum status crdt_awareness_each_client(struct bytes update,
                                       enum status (*visit)(void *context, uint64_t client, uint64_t clock, struct bytes state),
                                       void *context);

/* Sets or, with `state` = "null", removes a client's state as its owner does: with the next clock. Errors as for apply. */
enum status crdt_awareness_set(struct crdt_awareness *awareness, uint64_t client, struct bytes state, uint64_t now_ms,
                               crdt_awareness_visit *visit, void *context);

/* Removes the states of clients whose connection is gone; their clocks stay as they are, and crdt_awareness_encode then says null
 * with that clock, which every peer accepts. Clients without a state are passed over. */
void crdt_awareness_remove(struct crdt_awareness *awareness, const uint64_t *clients, size_t count, uint64_t now_ms,
                           crdt_awareness_visit *visit, void *context);

/* Removes the states that nobody renewed for CRDT_AWARENESS_TIMEOUT_MS. Cost: the known clients. */
void crdt_awareness_expire(struct crdt_awareness *awareness, uint64_t now_ms, crdt_awareness_visit *visit, void *context);

/* The state's JSON, valid until the next change; size 0 if the client has none. */
struct bytes crdt_awareness_state(const struct crdt_awareness *awareness, uint64_t client);

/* The newest clock heard of a client, also one that left; false: nothing was heard of it. */
bool crdt_awareness_clock(const struct crdt_awareness *awareness, uint64_t client, uint64_t *out);

/* How many clients have a state. */
size_t crdt_awareness_count(const struct crdt_awareness *awareness);

/* Appends an update that names these clients (unknown ones are passed over; those without a state are said to be gone).
 * STATUS_NO_MEMORY, STATUS_TOO_BIG: the writer holds what it held before. */
enum status crdt_awareness_encode(const struct crdt_awareness *awareness, const uint64_t *clients, size_t count,
                                  struct bytes_writer *out);

/* The same for all clients that have a state, for a peer that has just connected. */
enum status crdt_awareness_encode_all(const struct crdt_awareness *awareness, struct bytes_writer *out);

#endif
