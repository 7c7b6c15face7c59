/* retention.h — once an hour: partitions of the logs are made ahead, and what is older than the retention settings is dropped. All
 * ages are by the database's clock. The first loop of a process does it; two servers that do it at once do no harm. */
#ifndef SERVER_RETENTION_H
#define SERVER_RETENTION_H

#include "server.h"

void retention_tick(struct server *server, uint64_t now_ms);

#endif
