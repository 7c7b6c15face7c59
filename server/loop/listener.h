/* listener.h — accepts connections on one loop.
 *
 * Each loop has a listening socket of its own on the same address (SO_REUSEPORT), so the kernel spreads arrivals and no loop wakes
 * for another's. When descriptors run out, a spare one is given up to answer and close what waits, instead of spinning. */
#ifndef SERVER_LISTENER_H
#define SERVER_LISTENER_H

#include "loop/loop.h"

struct listener;

struct listener_events {
    /* Takes the descriptor. */
    void (*on_accept)(void *context, int fd);
    /* Somebody was answered 503: there was no descriptor for him. */
    void (*on_turned_away)(void *context);
};

/* `address` is "HOST:PORT", HOST an IPv4 or IPv6 literal ("[::1]:8440"); port 0 takes a free one.
 * STATUS_MALFORMED: not an address. STATUS_IO: cannot bind; errno says why. */
enum status listener_create(struct loop *loop, const char *address, const struct listener_events *events, void *context,
                            struct listener **out);
void listener_destroy(struct listener *listener);

/* Whether nobody listens there yet. Two programs of one user could share an address by SO_REUSEPORT without noticing: ask once,
 * before the first listener. STATUS_MALFORMED, STATUS_IO as above. */
enum status listener_address_free(const char *address);

/* The port really bound. */
unsigned listener_port(const struct listener *listener);

#endif
