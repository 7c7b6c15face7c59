/* placement.h — on which loop a session lives: chosen by load when it opens, the same for all who come as long as it lives.
 *
 *   any loop               the id's registrar            the loop that it lives on
 *
 *   placement_send ──handoff──▶ placed already? ─────────handoff──▶ connection_open
 *                               else: the loop with                     │
 *                               the least load                          │ the last connection has gone,
 *                                    ▲                                  ▼ and the session has left memory
 *                                    └──────"n came, all have gone"── placement_left
 *
 * Each id has one registrar, the loop that its hash says, so that all who come at once for a session that is not placed yet are of
 * one mind; registrars know nothing of one another. What a registrar has sent and the other loop has not seen yet is still on its
 * way: the registrar forgets a session only when as many have gone as it sent.
 *
 * Load is what a loop says of itself once a second: µs of CPU in that second, and PLACEMENT_CONNECTION_US for each connection,
 * which will cost something. A session that was placed since counts PLACEMENT_SESSION_US until the next report knows better. */
#ifndef SERVER_PLACEMENT_H
#define SERVER_PLACEMENT_H

#include "ground/table.h"
#include "ground/uuid.h"

#include <stdbool.h>

struct fleet;
struct handoff;
struct server;

enum { PLACEMENT_LOOPS_MAX = 64, PLACEMENT_CONNECTION_US = 100, PLACEMENT_SESSION_US = 1000 };

struct placement {
    /* private */
    struct table placed;  /* as registrar: uuid_key -> struct placement_entry, chained */
    struct table tenants; /* of this loop: the same */
    uint64_t loads[PLACEMENT_LOOPS_MAX];
    uint64_t cpu_us; /* of this thread, at the last report */
};

void placement_init(struct placement *placement);
/* What is still there is forgotten without a word. */
void placement_finish(struct placement *placement);

/* Sends a connection to the loop of its session, in whatever thread. Takes `handoff`. */
void placement_send(const struct fleet *fleet, struct handoff *handoff);

/* In the loop that the session lives on: one of its connections, or its memory, has gone. */
void placement_left(struct server *server, const struct uuid *session, bool connection);

/* Once a second: tells the others how much this loop does. */
void placement_report(struct server *server);

/* The loop with the least load, the first of equals from `from` on. */
unsigned placement_least(const uint64_t *loads, unsigned count, unsigned from);

#endif
