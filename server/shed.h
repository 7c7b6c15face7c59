/* shed.h — whom a loop turns away when it has too much to do: newcomers first, so that those who are in go on.
 *
 * A new WebSocket is closed with 1013 (transient: clients come back with growing pauses) when
 *
 *   connections_max, unjoined_max   the places of this loop are taken
 *   memory_limit                    its documents hold their share and none may leave
 *   resident_max                    the process as a whole holds too much, whatever for
 *   lag_max_ms                      ticks come late: the loop cannot follow */
#ifndef SERVER_SHED_H
#define SERVER_SHED_H

#include "server.h"

/* NULL: it may come in. Otherwise why not, one sentence; `out_limit` is the limit that is reached. */
const char *shed_newcomer(struct server *server, enum limit *out_limit);

/* At each tick: how late is it? */
void shed_note_lag(struct server *server, uint64_t due_ms);

/* Once a second: what does the process hold? */
void shed_note_memory(struct server *server);

#endif
