/* session_closed.h — a session that an operator closed ends for everybody, on every server. */
#ifndef SERVER_SESSION_CLOSED_H
#define SERVER_SESSION_CLOSED_H

#include "session/session.h"

/* Tells all who are there session.closed and closes them with 4404; answers how many. `reason`: at most WS_REASON_MAX bytes. */
uint64_t session_closed_end(struct session *session, const char *reason);

/* Asks, every two seconds, which sessions of this server's connections were closed through another server, and ends those. */
void session_closed_ask(struct server *server, uint64_t now_ms);

#endif
