/* watchdog.h — feeds the service manager's watchdog as long as every loop turns.
 *
 *   watchdog_beat ──post──▶ each loop: counted      the next time: all counted? WATCHDOG=1, and asked again
 *
 * A loop that hangs answers no more, the watchdog goes hungry, and the process is started anew. */
#ifndef SERVER_WATCHDOG_H
#define SERVER_WATCHDOG_H

#include "server.h"

#include <stdatomic.h>

/* Zeroed at the beginning. */
struct watchdog {
    /* private */
    unsigned asked;
    atomic_uint answers;
};

/* Every systemd_watchdog_ms(), from the main thread. `count` 0: the loops are about to end, which has a limit of its own; they are
 * not asked. */
void watchdog_beat(struct watchdog *watchdog, struct server *const *servers, unsigned count);

#endif
