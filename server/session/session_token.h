/* session_token.h — tokens that end: the reminder, the renewal, the close. */
#ifndef SERVER_SESSION_TOKEN_H
#define SERVER_SESSION_TOKEN_H

#include "connection/connection.h"

/* Request auth.refresh: a fresh token for the same user and session, as long-lived as tokens are when made. */
void session_token_refresh(struct connection *connection, uint32_t msgid);

/* Reminds a joined connection a minute before its token ends, closes it when it has. */
void session_token_tick(struct connection *connection);

#endif
