/* sessions.h — the two HTTP calls by which people get in.
 *
 *   POST /v1/sessions   Authorization: Bearer <admin token, or a user's>
 *        {"name":"Room","max_participants":10,"type":"private","owner":"Ada"}     all but name optional
 *   201  {"session":uuid,"name":"Room","code":"ABCD2345","user":uuid,"role":"owner","token":…}
 *
 *   POST /v1/join       {"code":"ABCD-2345","name":"Grace"}
 *   200  {"session":uuid,"name":"Room","user":uuid,"role":"participant","token":…}
 *
 * A token opens its one session for its user; a reconnect with it is the same person. It is told once: the database keeps its hash.
 */
#ifndef SERVER_SESSIONS_H
#define SERVER_SESSIONS_H

#include "http/http_conn.h"

void sessions_create(struct http_conn *conn, struct bytes argument);
void sessions_join(struct http_conn *conn, struct bytes argument);

#endif
