/* standing.h — where the documents in memory stand in the database, asked every two seconds. It finds what others did to them:
 *
 *   quarantined       by an operator (`vibesyncd doc quarantine`), or by another server that met damage    gone, "quarantined"
 *   deleted           through another server                                                               gone, "deleted"
 *   a new epoch                                                                                            gone, "epoch"
 *   a newer checkpoint, which another server wrote                                                         merged, sent to readers
 */
#ifndef SERVER_STANDING_H
#define SERVER_STANDING_H

#include "server.h"

/* How long after a file was quarantined a server may still hold it, the database being there. */
enum { STANDING_SETTLED_MS = 10000 };

void standing_tick(struct server *server, uint64_t now_ms);

#endif
