/* session_join.h — request session.join: a credential becomes a participant. */
#ifndef SERVER_SESSION_JOIN_H
#define SERVER_SESSION_JOIN_H

#include "connection/connection.h"

/* The native request session.join. Answers it by and by; the connection is WAITING. */
void session_join(struct connection *connection, uint32_t msgid, struct bytes params);

/* The same for every dialect: asks who shows `credential`, and lets him in or not. The connection, which is WAITING, hears by its
 * dialect's joined() or refused(), the latter maybe at once. */
void session_join_begin(struct connection *connection, uint32_t request, struct bytes credential);

/* The native answer to session.join. */
void session_join_answer(struct connection *connection, uint32_t msgid, uint64_t files_count);

#endif
