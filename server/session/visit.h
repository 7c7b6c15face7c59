/* visit.h — what the database says of who is in a session: a visit begins with a user's first connection and ends with the last.
 *
 *   visit_begin, visit_end ──▶ [session_enter], [session_leave] ──▶ recorded: forgotten
 *            ▲                                                 └──▶ it could not be: kept
 *            └── visit_retry, every second while the database is there, if it is still the truth
 *
 * The record is no condition for taking part, so nobody waits for it. But it must come: a guest who left while the database was
 * away would hold one of the session's places (max_participants, at POST /v1/join) until the server is started again. */
#ifndef SERVER_VISIT_H
#define SERVER_VISIT_H

#include "session/session.h"

/* The user's first connection has come into the session. */
void visit_begin(struct session *session, const struct uuid *user);

/* The last one has gone. */
void visit_end(struct session *session, const struct uuid *user);

/* Records what could not be recorded, some of it. */
void visit_retry(struct server *server);

/* The server ends, and its store has ended: the next process sweeps. */
void visit_forget_all(struct server *server);

#endif
