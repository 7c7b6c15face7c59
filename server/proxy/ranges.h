/* ranges.h — addresses, and ranges of them as operators write them: "10.0.0.0/8, 2001:db8::/32, ::1".
 *
 * IPv4 is kept as IPv6 has it (::ffff:a.b.c.d), so that one client is one address whichever way it comes. */
#ifndef SERVER_RANGES_H
#define SERVER_RANGES_H

#include "ground/bytes.h"

struct address {
    uint8_t bytes[16]; /* as on the wire */
};

enum { ADDRESS_TEXT_MAX = 64 };

/* "192.0.2.1", "192.0.2.1:443", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:443" */
bool address_parse(struct bytes text, struct address *out);

/* "192.0.2.1" or "[2001:db8::1]", with ":PORT" behind it unless that is 0. */
void address_write(const struct address *address, unsigned port, char out[ADDRESS_TEXT_MAX]);

/* Whether `list` is a list of ranges, perhaps an empty one. */
bool ranges_good(const char *list);

/* Whether one of them holds `address`. Cost: reading the list. */
bool ranges_hold(const char *list, const struct address *address);

#endif
