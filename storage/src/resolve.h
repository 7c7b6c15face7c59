/* resolve.h — a connection string whose host names are numbers.
 *
 * PQconnectStart() asks the name server itself and waits for it. So the names of a connection string are looked up beforehand, by
 * threads of the C library (getaddrinfo_a), and handed to libpq as `hostaddr`; `host` stays what TLS verifies. A host with several
 * addresses becomes several hosts of libpq's list. Unix sockets and literal addresses need no look-up. */
#ifndef STORE_RESOLVE_H
#define STORE_RESOLVE_H

#include "ground/mem.h"
#include "ground/status.h"

#include <stdbool.h>

enum { CONNINFO_MAX = 64 };

struct conninfo;

/* Parses a URL or key=value string and adds our defaults (UTF8, keepalives, read-write server, no GSS). STATUS_MALFORMED with the
 * reason (256 bytes), STATUS_NO_MEMORY. */
enum status conninfo_create(const struct mem *mem, const char *url, char *reason, struct conninfo **out);
void conninfo_destroy(struct conninfo *conninfo);

/* Begins (or takes up) the look-up. STATUS_OK: done, conninfo_words() may be used; STATUS_MORE: ask again later;
 * STATUS_UNAVAILABLE: a name has no address, `reason` says which; asking again starts anew. Each success holds for one connection
 * attempt: call conninfo_forget() after it, so that the next asks again. */
enum status conninfo_resolve(struct conninfo *conninfo, char *reason);
void conninfo_forget(struct conninfo *conninfo);

/* For PQconnectStartParams(); ended by NULL, valid until conninfo_forget(). */
void conninfo_words(struct conninfo *conninfo, const char *const **out_keywords, const char *const **out_values);

#endif
