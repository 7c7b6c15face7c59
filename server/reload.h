/* reload.h — what SIGHUP does: the settings are read again, and what may change under a running server changes.
 *
 *   main thread                                            each loop
 *   reads flags, environment and file as at the start
 *     a mistake ─▶ config.rejected for each; all stays as it is
 *   compares with what runs
 *     RELOAD row ─▶ config.changed
 *     RESTART row ─▶ config.needs_restart; the old value stays
 *   a copy of its own for each loop ──────post──────▶       takes the place of the old copy
 *
 * A certificate and key that don't load are told by tls.not_reloaded; the old ones stay, whatever else changes.
 *
 * What has begun goes on as it began where a setting is asked for only then: a connection's largest message, a limit that a client
 * was told when it joined, a document's limits when it was opened. */
#ifndef SERVER_RELOAD_H
#define SERVER_RELOAD_H

#include "config.h"

struct server;
struct tls_context;

/* What shall be in force from now on, to be given to config_destroy(); NULL: as before, and the log says why. */
struct config *reload_read(const struct config *running, int count, char **arguments);

/* The files of certificate and key, read again whether or not their names have changed: a new context, or one more reference to
 * `running` if they are no good, and the log says why. NULL: there are none. */
struct tls_context *reload_tls(const struct config *config, struct tls_context *running);

/* Posts a copy of `config` and a reference to `tls` to the loop of `server`. STATUS_NO_MEMORY: not done. */
enum status reload_post(struct server *server, const struct config *config, struct tls_context *tls);

/* Level and format of the log. */
void reload_log(const struct config *config);

#endif
