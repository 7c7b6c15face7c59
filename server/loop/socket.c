/* socket.c — see socket.h.
 *
 *   what is polled:  READABLE  unless paused or ended        WRITABLE  while somebody waits for it, or a write has failed
 *
 * A write that fails is answered to its caller at once and told a second time by on_end, from a callback of its own: the poll is
 * set to WRITABLE, and a dead socket is always writable. So an owner that writes from deep inside its own code need not tear itself
 * down there.
 *
 * After socket_close() the struct lives on until libuv lets go of its handle; `closed` tells a callback on its way out that its
 * owner is gone. */
#include "loop/socket.h"

#include "loop_uv.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

struct socket {
    uv_poll_t uv;
    struct loop *loop;
    const struct socket_events *events;
    void *owner;
    int fd;
    int polled; /* UV_* events that uv_poll watches now */
    bool paused;
    bool wants_write;
    bool failed; /* a write failed; on_end is due */
    bool ended;  /* on_end was called */
    bool closed; /* the owner is gone */
    char peer[64];
};

static void socket_poll(struct socket *socket);
static void socket_on_event(uv_poll_t *uv, int status, int events);
static void socket_on_readable(struct socket *socket);
static void socket_end(struct socket *socket, enum status why);
static void socket_release(struct socket *socket);
static void socket_on_released(uv_handle_t *uv);
static void socket_name_peer(struct socket *socket);

enum status socket_open(struct loop *loop, int fd, const struct socket_events *events, void *owner, struct socket **out) {
    struct socket *socket = mem_zalloc(&mem_default, sizeof *socket);
    if (socket == NULL)
        return STATUS_NO_MEMORY;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        goto free_socket;
    /* Fails on a UNIX socket, where there is nothing to delay. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    if (uv_poll_init(&loop->uv, &socket->uv, fd) != 0)
        goto free_socket;
    socket->uv.data = socket;
    socket->loop = loop;
    socket->events = events;
    socket->owner = owner;
    socket->fd = fd;
    socket_name_peer(socket);
    socket_poll(socket);
    *out = socket;
    return STATUS_OK;

free_socket:
    mem_free(&mem_default, socket, sizeof *socket);
    return STATUS_IO;
}

static void socket_poll(struct socket *socket) {
    int events = 0;
    if (!socket->paused && !socket->ended)
        events |= UV_READABLE;
    if (socket->wants_write || (socket->failed && !socket->ended))
        events |= UV_WRITABLE;
    if (events == socket->polled)
        return;
    socket->polled = events;
    if (events == 0)
        uv_poll_stop(&socket->uv);
    else
        uv_poll_start(&socket->uv, events, socket_on_event);
}

static void socket_on_event(uv_poll_t *uv, int status, int events) {
    struct socket *socket = uv->data;
    if (status < 0) {
        /* EPOLLERR: libuv has stopped polling. What the peer sent before may still be there, but nobody could be answered. */
        socket->polled = 0;
        socket->wants_write = false;
        socket_end(socket, STATUS_IO);
        return;
    }
    if (socket->failed) {
        socket->wants_write = false;
        socket_end(socket, STATUS_IO);
        return;
    }
    if ((events & UV_READABLE) && !socket->paused && !socket->ended)
        socket_on_readable(socket);
    if (socket->closed || !(events & UV_WRITABLE) || !socket->wants_write)
        return;
    socket->wants_write = false;
    socket_poll(socket);
    socket->events->on_writable(socket->owner);
}

static void socket_on_readable(struct socket *socket) {
    struct loop *loop = socket->loop;
    ssize_t count = recv(socket->fd, loop->read_buffer, sizeof loop->read_buffer, 0);
    if (count > 0)
        socket->events->on_bytes(socket->owner, bytes_of(loop->read_buffer, (size_t)count));
    else if (count == 0)
        socket_end(socket, STATUS_CLOSED);
    else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        socket_end(socket, STATUS_IO);
}

static void socket_end(struct socket *socket, enum status why) {
    if (socket->ended)
        return;
    socket->ended = true;
    socket_poll(socket);
    socket->events->on_end(socket->owner, why);
}

enum status socket_write(struct socket *socket, const struct bytes *parts, size_t count, size_t *out_written) {
    *out_written = 0;
    if (socket->failed)
        return STATUS_IO;
    struct iovec vectors[SOCKET_PARTS_MAX];
    size_t used = 0;
    for (size_t i = 0; i < count && used < SOCKET_PARTS_MAX; i++) {
        if (parts[i].size == 0)
            continue;
        /* writev() takes what it never writes to as non-const. */
        vectors[used++] = (struct iovec){ .iov_base = (void *)(uintptr_t)parts[i].data, .iov_len = parts[i].size };
    }
    if (used == 0)
        return STATUS_OK;
    struct msghdr message = { .msg_iov = vectors, .msg_iovlen = used };
    ssize_t written;
    do
        written = used == 1 ? send(socket->fd, vectors[0].iov_base, vectors[0].iov_len, MSG_NOSIGNAL)
                            : sendmsg(socket->fd, &message, MSG_NOSIGNAL);
    while (written < 0 && errno == EINTR);
    if (written >= 0) {
        *out_written = (size_t)written;
        return STATUS_OK;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)
        return STATUS_OK;
    socket->failed = true;
    socket_poll(socket);
    return STATUS_IO;
}

void socket_want_write(struct socket *socket) {
    socket->wants_write = true;
    socket_poll(socket);
}

void socket_pause(struct socket *socket, bool paused) {
    socket->paused = paused;
    socket_poll(socket);
}

void socket_shutdown(struct socket *socket) {
    shutdown(socket->fd, SHUT_WR);
}

int socket_detach(struct socket *socket) {
    int fd = socket->fd;
    socket_release(socket);
    return fd;
}

void socket_write_last(int fd, struct bytes bytes) {
    (void)!send(fd, bytes.data, bytes.size, MSG_NOSIGNAL | MSG_DONTWAIT);
    shutdown(fd, SHUT_WR);
}

void socket_close(struct socket *socket) {
    if (socket == NULL)
        return;
    int fd = socket->fd;
    socket_release(socket);
    close(fd);
}

static void socket_release(struct socket *socket) {
    assert(!socket->closed);
    socket->closed = true;
    /* Stops polling at once: the descriptor may be closed or polled elsewhere from here on. */
    uv_close((uv_handle_t *)&socket->uv, socket_on_released);
}

static void socket_on_released(uv_handle_t *uv) {
    struct socket *socket = uv->data;
    mem_free(&mem_default, socket, sizeof *socket);
}

const char *socket_peer(const struct socket *socket) {
    return socket->peer;
}

static void socket_name_peer(struct socket *socket) {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage storage;
    } address = { 0 };
    socklen_t size = sizeof address;
    char host[INET6_ADDRSTRLEN];
    snprintf(socket->peer, sizeof socket->peer, "local");
    if (getpeername(socket->fd, &address.any, &size) != 0)
        return;
    if (address.any.sa_family == AF_INET && inet_ntop(AF_INET, &address.v4.sin_addr, host, sizeof host) != NULL)
        snprintf(socket->peer, sizeof socket->peer, "%s:%u", host, ntohs(address.v4.sin_port));
    else if (address.any.sa_family == AF_INET6 && inet_ntop(AF_INET6, &address.v6.sin6_addr, host, sizeof host) != NULL)
        snprintf(socket->peer, sizeof socket->peer, "[%s]:%u", host, ntohs(address.v6.sin6_port));
}
