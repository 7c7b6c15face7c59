/* session_token.h — tokens that end: the reminder, the renewal, the close. */
#ifndef SERVER_SESSION_TOKEN_H
#define SERVER_SESSION_TOKEN_H

#include "access/token.h"
#include "connection/connection.h"

/* Request auth.refresh: a fresh token for the same user and session, as long-lived as tokens are when made. */
void session_token_refresh(struct connection *connection, uint32_t msgid);

/* Reminds a joined connection a minute before its token ends, closes it when it has. */
void session_token_tick(struct connection *connection);

/* Keeps the hash of the door token that a connection joins with. STATUS_NO_MEMORY. */
enum status session_token_keep(struct connection *connection, const uint8_t hash[TOKEN_HASH_BYTES]);

/* The door token of a connection was revoked, or its session takes none any more: closes it. */
void session_token_revoked(struct connection *connection);

/* Asks, every two seconds, which door tokens of this server's connections another server revoked, and closes those. */
void session_token_ask(struct server *server, uint64_t now_ms);

#endif
