/* health.h — what whoever supervises the process asks.
 *
 *   GET /healthz   200 {"status":"ok"} as long as this loop turns; needs nothing else
 *   GET /readyz    200 {"status":"ready"} when every loop can serve; else 503, the error's message says which one and why */
#ifndef SERVER_HEALTH_H
#define SERVER_HEALTH_H

#include "http/http_conn.h"

void health_alive(struct http_conn *conn, struct bytes argument);
void health_ready(struct http_conn *conn, struct bytes argument);

#endif
