/* dispatch.h — method → feature. The one door: rights and rates are checked here, before any handler runs. */
#ifndef SERVER_DISPATCH_H
#define SERVER_DISPATCH_H

#include "feature/feature.h"

struct connection;

/* A request of a joined connection that is not one of the core's own. */
void dispatch_request(struct connection *connection, uint32_t msgid, struct bytes method, struct bytes params);

/* Frees the call when it has been answered and nothing of it is on its way. */
void dispatch_settle(struct feature_call *call);

#endif
