/* listener.h — accepts connections on one loop.
 *
 * Each loop has a listening socket of its own on the same address (SO_REUSEPORT), so the kernel spreads arrivals and no loop wakes
 * for another's. A socket that a service manager holds is one for all loops: an arrival wakes each, and one gets it. When
 * descriptors run out, a spare one is given up to answer and close what waits, instead of spinning. */
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

/* The same with a socket that listens already; `fd` stays the caller's, and others may accept from it, too. */
enum status listener_adopt(struct loop *loop, int fd, const struct listener_events *events, void *context, struct listener **out);

/* What has arrived is accepted before the end: the kernel would reset it. Not so with an adopted socket, from which the next
 * process accepts. */
void listener_drain(struct listener *listener);
void listener_destroy(struct listener *listener);

/* Whether nobody listens there yet. Two programs of one user could share an address by SO_REUSEPORT without noticing: ask once,
 * before the first listener. STATUS_MALFORMED, STATUS_IO as above. */
enum status listener_address_free(const char *address);

/* "127.0.0.1:8440", "[::1]:8440", with the port really bound. */
enum { LISTENER_ADDRESS_BYTES = 64 };
void listener_address(const struct listener *listener, char out[LISTENER_ADDRESS_BYTES]);

#endif
