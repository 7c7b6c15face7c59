/* native.h — the dialect vibesync.v1: what the values of a message mean. PROTOCOL.md is its specification.
 *
 *   kind 0 request       session.*, auth.*, doc.* here; everything else feature/dispatch
 *   kind 2 notification  ignored: clients have none yet
 *   kind 3 update        document_update
 *   kind 5 awareness     document 0: the session's room; else the document's
 *   kind 6 state vector  delivery_state
 *   kind 1, 4            not for servers: malformed */
#ifndef SERVER_NATIVE_H
#define SERVER_NATIVE_H

#include "connection/connection.h"

/* Of a message, values before a malformed one stay applied; the malformed one has no effect; the connection is closed with 4400
 * then.
 */
extern const struct dialect native_dialect;

/* Tells a client that the server goes away, and when to come back; the close is the caller's. */
void native_drain(struct connection *connection, uint64_t after_ms);

#endif
