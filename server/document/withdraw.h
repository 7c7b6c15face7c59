/* withdraw.h — documents that somebody else takes out of service: an operator (`vibesyncd doc quarantine`), or another server that
 * met damage. Asked of the database every few seconds, as long as anything is in memory; a withdrawn document is told gone. */
#ifndef SERVER_WITHDRAW_H
#define SERVER_WITHDRAW_H

#include "server.h"

/* How long after a file was quarantined a server may still hold it, the database being there: two questions and their answers. */
enum { WITHDRAW_MS = 2000, WITHDRAW_SETTLED_MS = 10000 };

void withdraw_tick(struct server *server, uint64_t now_ms);

#endif
