/* systemd.h — what a service manager hands to the process, and what it wants to hear.
 *
 *   in    LISTEN_FDS=1, LISTEN_PID   descriptor 3 is a socket that listens already: it outlives the process, so that a restart
 *                                    refuses nobody
 *         NOTIFY_SOCKET              where to say READY=1, RELOADING=1, STOPPING=1
 *         WATCHDOG_USEC              say WATCHDOG=1 more often than that, or be restarted
 *   out   one datagram for each of these words
 *
 * The protocol of sd_notify(3) and sd_listen_fds(3). Written out, because it is a datagram and three variables: libsystemd would be
 * the largest library of the server. Without a service manager all of it does nothing. Main thread only. */
#ifndef SERVER_SYSTEMD_H
#define SERVER_SYSTEMD_H

#include "ground/status.h"

#include <stddef.h>

/* The listening socket that was handed over, -1 if there is none. The variables are taken out of the environment.
 * STATUS_MALFORMED: there is more than one, or it is no listening TCP socket; `error` says so. */
enum status systemd_socket(int *out_fd, char *error, size_t error_bytes);

/* Tells the service manager; `words` like "READY=1\nSTATUS=…". Whether it was heard changes nothing for us. */
void systemd_notify(const char *words);

/* The interval in ms at which to say WATCHDOG=1: half of what is allowed. -1: nobody waits for it. */
int systemd_watchdog_ms(void);

#endif
