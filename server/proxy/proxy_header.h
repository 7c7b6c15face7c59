/* proxy_header.h — the PROXY protocol, versions 1 and 2: what a proxy of TCP sends ahead of the client's own bytes.
 *
 *   PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n                                            version 1, a line
 *
 *   0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a  21  11  00 0c  c0 00 02 01  c6 33 64 01  dc 04 01 bb  version 2
 *   signature                            │   │   size   from         to           ports
 *                  PROXY (20: LOCAL) ────┘   └── IPv4, TCP (21: IPv6)
 *
 * Source: haproxy, doc/proxy-protocol.txt. Neither HTTP nor TLS begins like this, so it needs no setting of its own; but only who
 * is trusted may say whom he speaks for. */
#ifndef SERVER_PROXY_HEADER_H
#define SERVER_PROXY_HEADER_H

#include "proxy/ranges.h"

enum { PROXY_HEADER_MAX = 16 + 2048 }; /* version 2 with what else a proxy may add; 107 bytes are enough for version 1 */

/* STATUS_OK         a header of `out_size` bytes; `out_peer` is the client, "" if the proxy speaks for itself or doesn't know
 * STATUS_NOT_FOUND  `in` begins with something else
 * STATUS_MORE       it may become one
 * STATUS_MALFORMED  it begins like one and is none, or is longer than PROXY_HEADER_MAX */
enum status proxy_header_read(struct bytes in, size_t *out_size, char out_peer[ADDRESS_TEXT_MAX]);

#endif
