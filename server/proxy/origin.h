/* origin.h — which web pages may open WebSockets here.
 *
 * A browser sends with each the origin of the page that asks, which the page can't change; other programs send none, or what they
 * like. So this keeps pages of others from using somebody's browser, and nothing else: credentials are what lets people in. */
#ifndef SERVER_ORIGIN_H
#define SERVER_ORIGIN_H

#include "ground/bytes.h"

/* Whether `list` is a list of origins, perhaps an empty one: "https://example.org, http://localhost:5173", "null" for pages without
 * one, "*" for all. */
bool origins_good(const char *list);

/* `origin` is the header's value, without data if there was none: then all is well. Else it must be in `list`, or its host
 * (whatever the port) that of `host`, the Host header; and if the client is known to speak `https`, so must the page. */
bool origin_allowed(const char *list, struct bytes origin, struct bytes host, bool https);

#endif
