/* watchdog.c — see watchdog.h. */
#include "systemd/watchdog.h"

#include "loop/loop.h"
#include "systemd/systemd.h"

static void watchdog_on_turn(void *context) {
    struct watchdog *watchdog = context;
    atomic_fetch_add(&watchdog->answers, 1);
}

void watchdog_beat(struct watchdog *watchdog, struct server *const *servers, unsigned count) {
    if (count > 0 && atomic_load(&watchdog->answers) != watchdog->asked)
        return;
    systemd_notify("WATCHDOG=1");
    for (unsigned i = 0; i < count; i++)
        if (loop_post(server_loop(servers[i]), watchdog_on_turn, watchdog) ==
            STATUS_OK) /* else: no memory, which is no loop that hangs */
            watchdog->asked++;
}
