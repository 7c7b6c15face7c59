/* client_poll.c — sockets for clients, one poll(2) for all of them.
 *
 *   turn:  settle each client (dial, hang up, tick) ─▶ write what it has ─▶ poll ─▶ read, hand out events ─▶ write again
 *
 * A socket is read once per turn and client, so that a fast sender does not keep the others waiting. */
#include "vibesync/client_poll.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct poll_entry {
    struct client *client;
    client_event_handler *handler;
    void *context;
    int fd; /* -1: none */
    bool connecting;
    uint64_t dialed_at_ms;
    struct addrinfo *addresses; /* of the dialing under way */
    struct addrinfo *address;   /* the one that is tried */
};

struct client_poll {
    const struct mem *mem;
    struct poll_entry *entries;
    struct pollfd *fds;
    size_t count, capacity; /* `fds` has room for one more: the watched one */
    uint8_t *buffer;
    int watched;
    bool readable;
};

uint64_t client_poll_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void client_poll_random(void *context, void *out, size_t size) {
    uint8_t *at = out;
    (void)context;
    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);
        if (got < 0 && errno != EINTR)
            abort(); /* a kernel without randomness: predictable keys would be worse than none */
        if (got > 0) {
            at += got;
            size -= (size_t)got;
        }
    }
}

static enum status poll_grow(struct client_poll *poll) {
    size_t capacity = poll->capacity ? poll->capacity * 2 : 4;
    struct poll_entry *entries = mem_alloc(poll->mem, capacity * sizeof *entries);
    struct pollfd *fds = mem_alloc(poll->mem, (capacity + 1) * sizeof *fds);
    if (!entries || !fds) {
        mem_free(poll->mem, entries, capacity * sizeof *entries);
        mem_free(poll->mem, fds, (capacity + 1) * sizeof *fds);
        return STATUS_NO_MEMORY;
    }
    if (poll->count > 0)
        memcpy(entries, poll->entries, poll->count * sizeof *entries);
    mem_free(poll->mem, poll->entries, poll->capacity * sizeof *entries);
    mem_free(poll->mem, poll->fds, poll->capacity * sizeof *fds);
    poll->entries = entries;
    poll->fds = fds;
    poll->capacity = capacity;
    return STATUS_OK;
}

enum status client_poll_create(const struct mem *mem, struct client_poll **out) {
    if (!mem)
        mem = &mem_default;
    struct client_poll *poll = mem_zalloc(mem, sizeof *poll);
    if (!poll)
        return STATUS_NO_MEMORY;
    poll->mem = mem;
    poll->watched = -1;
    poll->buffer = mem_alloc(mem, CLIENT_POLL_READ_BYTES);
    if (!poll->buffer || poll_grow(poll) != STATUS_OK) {
        mem_free(mem, poll->buffer, CLIENT_POLL_READ_BYTES);
        mem_free(mem, poll, sizeof *poll);
        return STATUS_NO_MEMORY;
    }
    *out = poll;
    return STATUS_OK;
}

static void entry_close(struct poll_entry *entry) {
    if (entry->fd >= 0)
        close(entry->fd);
    if (entry->addresses)
        freeaddrinfo(entry->addresses);
    entry->fd = -1;
    entry->connecting = false;
    entry->addresses = entry->address = NULL;
}

void client_poll_destroy(struct client_poll *poll) {
    if (!poll)
        return;
    for (size_t i = 0; i < poll->count; i++)
        entry_close(&poll->entries[i]);
    mem_free(poll->mem, poll->entries, poll->capacity * sizeof *poll->entries);
    mem_free(poll->mem, poll->fds, poll->fds ? (poll->capacity + 1) * sizeof *poll->fds : 0);
    mem_free(poll->mem, poll->buffer, CLIENT_POLL_READ_BYTES);
    mem_free(poll->mem, poll, sizeof *poll);
}

enum status client_poll_add(struct client_poll *poll, struct client *client, client_event_handler *handler, void *context) {
    if (poll->count == CLIENT_POLL_CLIENTS_MAX)
        return STATUS_OVERLOADED;
    if (poll->count == poll->capacity && poll_grow(poll) != STATUS_OK)
        return STATUS_NO_MEMORY;
    poll->entries[poll->count++] = (struct poll_entry){ .client = client, .handler = handler, .context = context, .fd = -1 };
    return STATUS_OK;
}

void client_poll_remove(struct client_poll *poll, struct client *client) {
    for (size_t i = 0; i < poll->count; i++) {
        if (poll->entries[i].client != client)
            continue;
        entry_close(&poll->entries[i]);
        memmove(&poll->entries[i], &poll->entries[i + 1], (poll->count - i - 1) * sizeof *poll->entries);
        poll->count--;
        return;
    }
}

void client_poll_watch(struct client_poll *poll, int fd) {
    poll->watched = fd;
    poll->readable = false;
}

bool client_poll_readable(const struct client_poll *poll) {
    return poll->readable;
}

static void entry_hand_out(struct poll_entry *entry) {
    struct client_event event;
    while (client_next(entry->client, client_poll_now(), &event) == STATUS_OK)
        if (entry->handler)
            entry->handler(entry->context, entry->client, &event);
}

static void entry_lost(struct poll_entry *entry) {
    entry_close(entry);
    client_disconnected(entry->client, client_poll_now());
}

/* ---- dialing ---- */

/* Tries addresses from entry->address on until one is connecting or connected. */
static void entry_try(struct poll_entry *entry) {
    for (; entry->address; entry->address = entry->address->ai_next) {
        int one = 1;
        entry->fd = socket(entry->address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
        if (entry->fd < 0)
            continue;
        setsockopt(entry->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (connect(entry->fd, entry->address->ai_addr, entry->address->ai_addrlen) == 0 || errno == EINPROGRESS) {
            entry->connecting = true; /* a connection that stands already is writable at once */
            return;
        }
        close(entry->fd);
        entry->fd = -1;
    }
    entry_lost(entry);
}

static void entry_dial(struct poll_entry *entry) {
    const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    char port[8];
    snprintf(port, sizeof port, "%u", (unsigned)client_port(entry->client));
    entry->dialed_at_ms = client_poll_now();
    if (getaddrinfo(client_host(entry->client), port, &hints, &entry->addresses) != 0)
        entry->addresses = NULL;
    entry->address = entry->addresses;
    entry_try(entry);
}

static void entry_try_next(struct poll_entry *entry) {
    close(entry->fd);
    entry->fd = -1;
    entry->connecting = false;
    entry->address = entry->address->ai_next;
    entry_try(entry);
}

static void entry_connected(struct poll_entry *entry) {
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(entry->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
        entry_try_next(entry);
        return;
    }
    entry->connecting = false;
    freeaddrinfo(entry->addresses);
    entry->addresses = entry->address = NULL;
    client_connected(entry->client, client_poll_now());
}

/* ---- reading and writing ---- */

/* Whether the socket still stands. */
static bool entry_write(struct poll_entry *entry) {
    for (;;) {
        struct bytes output = client_output(entry->client);
        if (output.size == 0)
            return true;
        ssize_t sent = send(entry->fd, output.data, output.size, MSG_NOSIGNAL);
        if (sent > 0) {
            client_sent(entry->client, (size_t)sent);
            if ((size_t)sent < output.size)
                return true;
        } else if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return true;
        } else if (sent < 0 && errno != EINTR) {
            return false;
        }
    }
}

static void entry_read(struct client_poll *poll, struct poll_entry *entry) {
    ssize_t got = recv(entry->fd, poll->buffer, CLIENT_POLL_READ_BYTES, 0);
    if (got > 0) {
        client_feed(entry->client, bytes_of(poll->buffer, (size_t)got), client_poll_now());
        entry_hand_out(entry);
    } else if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
        entry_lost(entry);
    }
}

/* Brings socket and client in line. Loops because one step may ask for the next. */
static void entry_settle(struct poll_entry *entry) {
    uint64_t now = client_poll_now();
    client_tick(entry->client, now);
    if (entry->connecting && now - entry->dialed_at_ms >= CLIENT_POLL_DIAL_MS)
        entry_lost(entry);
    for (int step = 0; step < 4; step++) {
        enum client_action action = client_action(entry->client);
        if (action == CLIENT_DIAL && entry->fd < 0)
            entry_dial(entry);
        else if (action == CLIENT_HANG_UP) {
            if (entry->fd >= 0)
                entry_write(entry);
            entry_lost(entry);
        } else if (entry->fd >= 0 && (action == CLIENT_REST || (action == CLIENT_TALK && !entry_write(entry))))
            entry_lost(entry);
        else
            break;
    }
    entry_hand_out(entry);
}

enum status client_poll_turn(struct client_poll *poll_set, int timeout_ms) {
    uint64_t wakeup = UINT64_MAX;
    for (size_t i = 0; i < poll_set->count; i++) {
        struct poll_entry *entry = &poll_set->entries[i];
        entry_settle(entry);
        uint64_t at = client_wakeup(entry->client);
        if (entry->connecting && entry->dialed_at_ms + CLIENT_POLL_DIAL_MS < at)
            at = entry->dialed_at_ms + CLIENT_POLL_DIAL_MS;
        wakeup = at < wakeup ? at : wakeup;
        /* What the events caused goes out before the wait. */
        if (entry->fd >= 0 && !entry->connecting && !entry_write(entry))
            entry_lost(entry);
        bool writes = entry->connecting || (entry->fd >= 0 && client_output(entry->client).size > 0);
        poll_set->fds[i] =
            (struct pollfd){ .fd = entry->fd, .events = (short)(entry->connecting ? POLLOUT : POLLIN | (writes ? POLLOUT : 0)) };
    }
    uint64_t now = client_poll_now();
    if (wakeup <= now)
        timeout_ms = 0;
    else if (wakeup != UINT64_MAX && (timeout_ms < 0 || wakeup - now < (uint64_t)timeout_ms))
        timeout_ms = wakeup - now > 1000000 ? 1000000 : (int)(wakeup - now);
    poll_set->readable = false;
    poll_set->fds[poll_set->count] = (struct pollfd){ .fd = poll_set->watched, .events = POLLIN };
    if (poll(poll_set->fds, poll_set->count + 1, timeout_ms) < 0)
        return errno == EINTR ? STATUS_OK : STATUS_IO;
    poll_set->readable = poll_set->fds[poll_set->count].revents != 0;
    for (size_t i = 0; i < poll_set->count; i++) {
        struct poll_entry *entry = &poll_set->entries[i];
        short events = poll_set->fds[i].revents;
        if (events == 0 || entry->fd != poll_set->fds[i].fd)
            continue;
        if (entry->connecting)
            entry_connected(entry);
        else if (events & (POLLIN | POLLHUP | POLLERR))
            entry_read(poll_set, entry);
    }
    for (size_t i = 0; i < poll_set->count; i++)
        entry_settle(&poll_set->entries[i]);
    return STATUS_OK;
}
