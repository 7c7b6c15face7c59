/* listener.c — see listener.h.
 *
 * Out of descriptors, accept() fails with EMFILE and the arrival stays in the queue: the poll would report it again at once, for
 * ever. So one descriptor is held in reserve: given up, it lets accept() take the arrival, which is answered 503 and closed, and it
 * is opened again. Should even that fail, accepting rests for LISTENER_REST_MS. */
#include "loop/listener.h"

#include "log.h"
#include "loop_uv.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LISTENER_BACKLOG = 1024,
    LISTENER_ACCEPTS_PER_TURN = 64, /* then the connections that exist get their turn */
    LISTENER_REST_MS = 100,
    LISTENER_COMPLAIN_MS = 10000,
};

struct listener {
    struct loop_watch *watch;
    struct loop *loop;
    struct loop_timer *rest;
    uint64_t complained_ms; /* 0: not yet */
    const struct listener_events *events;
    void *context;
    int fd;
    int spare_fd;
    bool adopted;
    bool accepting; /* inside listener_on_readable() */
    bool destroyed; /* there: by the callback */
};

union listener_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static enum status listener_parse(const char *text, union listener_address *address, socklen_t *size);
static enum status listener_bind(const char *address, bool shared, int *out);
static enum status listener_open(struct loop *loop, int fd, const struct listener_events *events, void *context,
                                 struct listener **out);
static void listener_on_readable(void *context, unsigned events);
static void listener_turn_away(struct listener *listener);
static void listener_on_rested(void *context);
static void listener_free(struct listener *listener);

enum status listener_create(struct loop *loop, const char *address, const struct listener_events *events, void *context,
                            struct listener **out) {
    int fd;
    enum status status = listener_bind(address, true, &fd);
    if (status != STATUS_OK)
        return status;
    status = listen(fd, LISTENER_BACKLOG) == 0 ? listener_open(loop, fd, events, context, out) : STATUS_IO;
    if (status != STATUS_OK)
        close(fd);
    return status;
}

enum status listener_adopt(struct loop *loop, int fd, const struct listener_events *events, void *context, struct listener **out) {
    int flags = fcntl(fd, F_GETFL);
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0)
        return STATUS_IO;
    enum status status =
        flags >= 0 && fcntl(own, F_SETFL, flags | O_NONBLOCK) == 0 ? listener_open(loop, own, events, context, out) : STATUS_IO;
    if (status == STATUS_OK)
        (*out)->adopted = true;
    else
        close(own);
    return status;
}

/* Takes `fd` when it answers STATUS_OK. */
static enum status listener_open(struct loop *loop, int fd, const struct listener_events *events, void *context,
                                 struct listener **out) {
    struct listener *listener = mem_zalloc(&mem_default, sizeof *listener);
    if (listener == NULL)
        return STATUS_NO_MEMORY;
    listener->loop = loop;
    listener->fd = fd;
    listener->events = events;
    listener->context = context;
    listener->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    enum status status = loop_timer_create(loop, listener_on_rested, listener, &listener->rest);
    if (status != STATUS_OK)
        goto close_spare;
    status = loop_watch_create(loop, listener->fd, listener_on_readable, listener, &listener->watch);
    if (status != STATUS_OK)
        goto destroy_rest;
    loop_watch_set(listener->watch, LOOP_READABLE);
    *out = listener;
    return STATUS_OK;

destroy_rest:
    loop_timer_destroy(listener->rest);
close_spare:
    if (listener->spare_fd >= 0)
        close(listener->spare_fd);
    mem_free(&mem_default, listener, sizeof *listener);
    return status;
}

enum status listener_address_free(const char *address) {
    int fd;
    enum status status = listener_bind(address, false, &fd);
    if (status == STATUS_OK)
        close(fd);
    return status;
}

void listener_address(const struct listener *listener, char out[LISTENER_ADDRESS_BYTES]) {
    union listener_address bound = { 0 };
    socklen_t size = sizeof bound;
    char host[INET6_ADDRSTRLEN] = "?";
    (void)getsockname(listener->fd, &bound.any, &size); /* it listens: it has a name */
    bool v4 = bound.any.sa_family == AF_INET;
    inet_ntop(bound.any.sa_family, v4 ? (const void *)&bound.v4.sin_addr : &bound.v6.sin6_addr, host, sizeof host);
    snprintf(out, LISTENER_ADDRESS_BYTES, v4 ? "%s:%u" : "[%s]:%u", host, ntohs(v4 ? bound.v4.sin_port : bound.v6.sin6_port));
}

/* "127.0.0.1:8440" or "[::1]:8440" */
static enum status listener_parse(const char *text, union listener_address *address, socklen_t *size) {
    char host[INET6_ADDRSTRLEN + 1];
    const char *colon = strrchr(text, ':');
    if (colon == NULL)
        return STATUS_MALFORMED;
    size_t port_digits = strlen(colon + 1);
    if (port_digits == 0 || port_digits > 5 || strspn(colon + 1, "0123456789") != port_digits)
        return STATUS_MALFORMED;
    unsigned long port = strtoul(colon + 1, NULL, 10);
    if (port > 65535)
        return STATUS_MALFORMED;
    bool bracketed = text[0] == '[' && colon > text + 1 && colon[-1] == ']';
    const char *host_start = bracketed ? text + 1 : text;
    size_t host_size = (size_t)((bracketed ? colon - 1 : colon) - host_start);
    if (host_size == 0 || host_size >= sizeof host)
        return STATUS_MALFORMED;
    memcpy(host, host_start, host_size);
    host[host_size] = '\0';
    memset(address, 0, sizeof *address);
    if (bracketed) {
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons((uint16_t)port);
        *size = sizeof address->v6;
        return inet_pton(AF_INET6, host, &address->v6.sin6_addr) == 1 ? STATUS_OK : STATUS_MALFORMED;
    }
    address->v4.sin_family = AF_INET;
    address->v4.sin_port = htons((uint16_t)port);
    *size = sizeof address->v4;
    return inet_pton(AF_INET, host, &address->v4.sin_addr) == 1 ? STATUS_OK : STATUS_MALFORMED;
}

static enum status listener_bind(const char *text, bool shared, int *out) {
    union listener_address address;
    socklen_t size;
    enum status status = listener_parse(text, &address, &size);
    if (status != STATUS_OK)
        return status;
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return STATUS_IO;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)) != 0 ||
        (shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &(int){ 1 }, sizeof(int)) != 0) || bind(fd, &address.any, size) != 0) {
        int why = errno;
        close(fd);
        errno = why;
        return STATUS_IO;
    }
    *out = fd;
    return STATUS_OK;
}

static void listener_on_readable(void *context, unsigned events) {
    (void)events;
    struct listener *listener = context;
    listener->accepting = true;
    for (int i = 0; i < LISTENER_ACCEPTS_PER_TURN && !listener->destroyed; i++) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            listener->events->on_accept(listener->context, fd);
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED)
            continue;
        if (errno == EMFILE || errno == ENFILE)
            listener_turn_away(listener);
        else if (errno != EAGAIN && errno != EWOULDBLOCK) {
            /* No memory for a socket, or worse: not now. */
            loop_watch_set(listener->watch, 0);
            loop_timer_start(listener->rest, LISTENER_REST_MS, 0);
        }
        break;
    }
    listener->accepting = false;
    if (listener->destroyed)
        listener_free(listener);
}

static void listener_turn_away(struct listener *listener) {
    static const char answer[] =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    int fd = -1;
    uint64_t now_ms = loop_now_ms(listener->loop);
    if (listener->complained_ms == 0 || now_ms - listener->complained_ms >= LISTENER_COMPLAIN_MS) {
        log_warn(NULL, "listener.no_descriptors", "error=\"%s\" hint=\"raise the limit of open files\"", strerror(errno));
        listener->complained_ms = now_ms;
    }
    if (listener->spare_fd >= 0) {
        close(listener->spare_fd);
        fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            (void)!send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
            close(fd);
            listener->events->on_turned_away(listener->context);
        }
        listener->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    if (fd < 0) {
        loop_watch_set(listener->watch, 0);
        loop_timer_start(listener->rest, LISTENER_REST_MS, 0);
    }
}

static void listener_on_rested(void *context) {
    struct listener *listener = context;
    if (listener->spare_fd < 0)
        listener->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    loop_watch_set(listener->watch, LOOP_READABLE);
}

void listener_drain(struct listener *listener) {
    int fd;
    for (int i = 0; !listener->adopted && i < LISTENER_BACKLOG; i++) {
        if ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) < 0)
            return;
        listener->events->on_accept(listener->context, fd);
    }
}

void listener_destroy(struct listener *listener) {
    if (listener == NULL)
        return;
    assert(!listener->destroyed);
    loop_timer_destroy(listener->rest);
    loop_watch_destroy(listener->watch);
    close(listener->fd);
    if (listener->spare_fd >= 0)
        close(listener->spare_fd);
    listener->destroyed = true;
    if (!listener->accepting)
        listener_free(listener);
}

static void listener_free(struct listener *listener) {
    mem_free(&mem_default, listener, sizeof *listener);
}
