/* client_poll.h — drives clients with poll(2): sockets, time and randomness for client.h.
 *
 *     client_poll_create(NULL, &poll);
 *     client_create(&(struct client_options){ .random = client_poll_random, .now_ms = client_poll_now(), ... }, &client);
 *     client_poll_add(poll, client, on_event, context);
 *     while (!done) client_poll_turn(poll, 1000);
 *
 * Plain TCP. Names are looked up with getaddrinfo, which may take its time; every address is tried in turn. */
#ifndef VIBESYNC_CLIENT_POLL_H
#define VIBESYNC_CLIENT_POLL_H

#include "vibesync/client.h"

struct client_poll;

enum {
    CLIENT_POLL_CLIENTS_MAX = 4096,
    CLIENT_POLL_READ_BYTES = 256 * 1024, /* read at once from one socket */
    CLIENT_POLL_DIAL_MS = 10000          /* a connect that takes longer failed */
};

typedef void client_event_handler(void *context, struct client *client, const struct client_event *event);

/* STATUS_NO_MEMORY. `mem` NULL: mem_default. */
enum status client_poll_create(const struct mem *mem, struct client_poll **out);

/* Closes the sockets; the clients stay and are the caller's. */
void client_poll_destroy(struct client_poll *poll);

/* `handler` may call anything of the client but client_destroy. STATUS_OVERLOADED, STATUS_NO_MEMORY. */
enum status client_poll_add(struct client_poll *poll, struct client *client, client_event_handler *handler, void *context);

/* Closes its socket and forgets it. Not from a handler. */
void client_poll_remove(struct client_poll *poll, struct client *client);

/* One turn: sends, waits at most `timeout_ms` (-1: as long as it takes) for the first socket or timer, receives, hands out the
 * events, and sends what they caused. Also returns when a signal arrived. STATUS_IO: poll itself failed. */
enum status client_poll_turn(struct client_poll *poll, int timeout_ms);

/* Also waits for a descriptor of the application's, e.g. 0 for what a person types; -1: none. */
void client_poll_watch(struct client_poll *poll, int fd);

/* Whether that descriptor had something to read, or ended, in the last turn. */
bool client_poll_readable(const struct client_poll *poll);

/* Milliseconds of the monotonic clock. */
uint64_t client_poll_now(void);

/* For client_options: getrandom(2). `context` is not used. */
void client_poll_random(void *context, void *out, size_t size);

#endif
