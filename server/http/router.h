/* router.h — method and path to handler, by one table (router.c). */
#ifndef SERVER_ROUTER_H
#define SERVER_ROUTER_H

#include "http/http_conn.h"

/* Hands the connection's request to its handler, or refuses it: 404, 405 with Allow. The connection may be gone afterwards. */
void router_dispatch(struct http_conn *conn);

#endif
