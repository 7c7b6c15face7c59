/* forwarded.h — whose request it is that came by proxies: X-Forwarded-For, X-Forwarded-Proto, Forwarded (RFC 7239).
 *
 *   client ──▶ proxy B ──▶ proxy A ──▶ us         X-Forwarded-For: (what the client invents), client, B
 *
 * Each proxy appends whom it was called by, so the list is read from its end, for as long as the address that wrote an entry is one
 * of the trusted: the first that is not, is the client. What stands before it the client may have invented. Somebody who is not
 * trusted himself is believed nothing.
 *
 * A proxy writes one kind of header and passes the other kind on as it came, from anybody: where both are there and name different
 * clients, none is believed. */
#ifndef SERVER_FORWARDED_H
#define SERVER_FORWARDED_H

#include "proxy/ranges.h"
#include "wire/http.h"

struct forwarded {
    char peer[ADDRESS_TEXT_MAX]; /* as address_write(), or the peer itself */
    bool https;                  /* the client speaks TLS with the proxy */
};

/* `peer` is who sent the bytes, `trusted` a list of ranges. */
void forwarded_read(const struct http_message *request, const char *peer, const char *trusted, struct forwarded *out);

#endif
