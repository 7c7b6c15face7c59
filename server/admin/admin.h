/* admin.h — what an operator may see and do while the server runs, over HTTP, with the admin token only.
 *
 *   GET  /v1/admin/sessions | connections | documents     ?session=UUID &after=CURSOR &limit=N     admin_list.c
 *   POST /v1/admin/connections/{id}/kick    {"reason"?}   closes it with 4405                      admin_act.c
 *   POST /v1/admin/sessions/{uuid}/close    {"reason"?}   nobody comes in any more; all: 4404
 *   POST /v1/admin/documents/{uuid}/evict                 saved, then out of memory
 *   POST /v1/admin/drain                                  as SIGTERM
 *   POST /v1/admin/log-level                {"level"}
 *
 * Lists are lines of one JSON object each; where there is more, the last line is {"next":CURSOR}. A connection's id is LOOP-NUMBER.
 * Every question goes round the loops (http/round.h); every act is a line in the log and says in its answer what it did. */
#ifndef SERVER_ADMIN_H
#define SERVER_ADMIN_H

#include "http/http_conn.h"

void admin_sessions(struct http_conn *conn, struct bytes argument);
void admin_connections(struct http_conn *conn, struct bytes argument);
void admin_documents(struct http_conn *conn, struct bytes argument);
void admin_kick(struct http_conn *conn, struct bytes id);
void admin_close(struct http_conn *conn, struct bytes session);
void admin_evict(struct http_conn *conn, struct bytes file);
void admin_drain(struct http_conn *conn, struct bytes argument);
void admin_log_level(struct http_conn *conn, struct bytes argument);

/* ---- for the files of this folder ---- */

/* Whether the request has the admin token; else it has been refused. */
bool admin_allowed(struct http_conn *conn);

enum { ADMIN_CONNECTION_ID_BYTES = 32 };
void admin_connection_id(unsigned loop, uint64_t number, char out[ADMIN_CONNECTION_ID_BYTES]);

#endif
