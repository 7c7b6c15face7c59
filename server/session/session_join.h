/* session_join.h — request session.join: a credential becomes a participant. And the record of who comes and goes. */
#ifndef SERVER_SESSION_JOIN_H
#define SERVER_SESSION_JOIN_H

#include "connection/connection.h"

/* Answers the request by and by; the connection is WAITING. */
void session_join(struct connection *connection, uint32_t msgid, struct bytes params);

/* Writes the leaving of a connection that session_leave() took out, if it was the last of its user. */
void session_record_leave(struct session *session, const struct connection *connection);

#endif
