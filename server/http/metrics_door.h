/* metrics_door.h — GET /metrics: what all loops counted, as Prometheus text.
 *
 * Authorization: Bearer with the token of --metrics-token-file, which can nothing else, or with the admin token. The numbers tell
 * when people work and what fails: they are nobody else's. */
#ifndef SERVER_METRICS_DOOR_H
#define SERVER_METRICS_DOOR_H

#include "http/http_conn.h"

void metrics_door_get(struct http_conn *conn, struct bytes argument);

#endif
