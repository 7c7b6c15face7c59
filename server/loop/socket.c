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

#include "log.h"
#include "loop/socket_tls.h"
#include "proxy/proxy_header.h"

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

enum { SOCKET_COMPLAIN_MS = 1000 };

struct socket {
    uv_poll_t uv;
    struct loop *loop;
    const struct socket_events *events;
    void *owner;
    int fd;
    struct socket_tls *tls;       /* NULL: plain */
    struct bytes_writer *prelude; /* what has come while a PROXY header may be coming; NULL: it is over */
    int polled;                   /* UV_* events that uv_poll watches now */
    bool paused;
    bool wants_write;
    bool failed; /* a write failed; on_end is due */
    bool ended;  /* on_end was called */
    bool closed; /* the owner is gone */
    char peer[ADDRESS_TEXT_MAX];
};

static void socket_poll(struct socket *socket);
static void socket_on_event(uv_poll_t *uv, int status, int events);
static void socket_on_readable(struct socket *socket);
static void socket_on_prelude(struct socket *socket, struct bytes bytes);
static void socket_forget_prelude(struct bytes_writer *prelude);
static void socket_on_received(struct socket *socket, struct bytes bytes);
static void socket_on_records(struct socket *socket, struct bytes records);
static void socket_log_refused(struct socket *socket);
static bool socket_flush_tls(struct socket *socket);
static void socket_end(struct socket *socket, enum status why);
static void socket_release(struct socket *socket);
static void socket_on_released(uv_handle_t *uv);
static void socket_name_peer(struct socket *socket);

enum status socket_open(struct loop *loop, struct socket_line line, const struct socket_events *events, void *owner,
                        struct socket **out) {
    int fd = line.fd;
    struct socket *socket = mem_zalloc(&mem_default, sizeof *socket);
    if (socket == NULL)
        return STATUS_NO_MEMORY;
    if (line.proxied && (socket->prelude = mem_zalloc(&mem_default, sizeof *socket->prelude)) == NULL)
        goto free_socket;
    if (line.proxied)
        bytes_writer_init(socket->prelude, &mem_default, PROXY_HEADER_MAX + LOOP_READ_BYTES);
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
    socket->tls = line.tls;
    socket_name_peer(socket);
    socket_poll(socket);
    *out = socket;
    return STATUS_OK;

free_socket:
    socket_forget_prelude(socket->prelude);
    mem_free(&mem_default, socket, sizeof *socket);
    return STATUS_IO;
}

static void socket_poll(struct socket *socket) {
    int events = 0;
    if (!socket->paused && !socket->ended)
        events |= UV_READABLE;
    if (socket->wants_write || (socket->failed && !socket->ended) ||
        (socket->tls != NULL && socket_tls_waits(socket->tls) && !socket->failed))
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
    if (socket->closed || !(events & UV_WRITABLE))
        return;
    if (socket->tls != NULL && !socket_flush_tls(socket))
        return;
    if (!socket->wants_write)
        return;
    socket->wants_write = false;
    socket_poll(socket);
    socket->events->on_writable(socket->owner);
}

static void socket_on_readable(struct socket *socket) {
    struct loop *loop = socket->loop;
    ssize_t count = recv(socket->fd, loop->read_buffer, sizeof loop->read_buffer, 0);
    if (count > 0 && socket->prelude != NULL)
        socket_on_prelude(socket, bytes_of(loop->read_buffer, (size_t)count));
    else if (count > 0)
        socket_on_received(socket, bytes_of(loop->read_buffer, (size_t)count));
    else if (count == 0)
        socket_end(socket, STATUS_CLOSED);
    else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        socket_end(socket, STATUS_IO);
}

static void socket_on_prelude(struct socket *socket, struct bytes bytes) {
    char peer[sizeof socket->peer];
    size_t size;
    bytes_write(socket->prelude, bytes);
    enum status status = socket->prelude->status;
    if (status == STATUS_OK)
        status = proxy_header_read(bytes_written(socket->prelude), &size, peer);
    if (status == STATUS_MORE)
        return;
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        log_info(NULL, "proxy.refused", "peer=%s reason=\"the PROXY header is malformed\"", socket->peer);
        socket_end(socket, STATUS_IO);
        return;
    }
    if (peer[0] != '\0')
        memcpy(socket->peer, peer, sizeof peer);
    /* The owner may close the socket, or give it away. */
    struct bytes_writer *prelude = socket->prelude;
    socket->prelude = NULL;
    if (prelude->size > size)
        socket_on_received(socket, bytes_of(prelude->data + size, prelude->size - size));
    socket_forget_prelude(prelude);
}

static void socket_forget_prelude(struct bytes_writer *prelude) {
    if (prelude == NULL)
        return;
    bytes_writer_finish(prelude);
    mem_free(&mem_default, prelude, sizeof *prelude);
}

static void socket_on_received(struct socket *socket, struct bytes bytes) {
    if (socket->tls != NULL)
        socket_on_records(socket, bytes);
    else
        socket->events->on_bytes(socket->owner, bytes);
}

static void socket_on_records(struct socket *socket, struct bytes records) {
    struct bytes plain;
    enum status status = socket_tls_receive(socket->tls, socket->loop, socket->fd, records, &plain);
    if (plain.size > 0)
        socket->events->on_bytes(socket->owner, plain);
    if (socket->closed)
        return;
    if (status == STATUS_UNSUPPORTED) {
        static const char answer[] = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 35\r\n"
                                     "Connection: close\r\n\r\nThis port speaks TLS: use https://\n";
        socket_write_last(&(struct socket_line){ .fd = socket->fd }, bytes_of(answer, sizeof answer - 1));
        status = STATUS_MALFORMED;
    }
    if (status == STATUS_MALFORMED)
        socket_log_refused(socket);
    if (status == STATUS_OK)
        socket_poll(socket);
    else
        socket_end(socket, status == STATUS_CLOSED || status == STATUS_MALFORMED ? status : STATUS_IO);
}

/* Anybody can send bytes that are no TLS, as often as he likes: each is a line for who asks for all of them, one a second for the
 * others. */
static void socket_log_refused(struct socket *socket) {
    struct loop *loop = socket->loop;
    uint64_t now_ms = loop_now_ms(loop);
    bool said = loop->tls_refused_ms != 0 && now_ms - loop->tls_refused_ms < SOCKET_COMPLAIN_MS;
    loop->tls_refused++;
    log_event(said ? LOG_DEBUG : LOG_INFO, NULL, "tls.refused", "peer=%s reason=\"%s\" count=%u", socket->peer,
              socket_tls_fault(socket->tls), said ? 1 : loop->tls_refused);
    if (said)
        return;
    loop->tls_refused_ms = now_ms;
    loop->tls_refused = 0;
}

/* The kernel takes bytes again: first those that wait. True when all of them have left. */
static bool socket_flush_tls(struct socket *socket) {
    if (socket_tls_flush(socket->tls, socket->fd) != STATUS_OK) {
        socket->failed = true;
        socket_poll(socket);
        socket_end(socket, STATUS_IO);
        return false;
    }
    socket_poll(socket);
    return !socket_tls_waits(socket->tls);
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
    if (socket->tls != NULL) {
        enum status status = socket_tls_write(socket->tls, socket->loop, socket->fd, parts, count, out_written);
        socket->failed = status != STATUS_OK;
        socket_poll(socket);
        return status;
    }
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
    if (socket->tls == NULL) {
        shutdown(socket->fd, SHUT_WR);
        return;
    }
    socket_tls_shutdown(socket->tls, socket->fd);
    socket_poll(socket);
}

struct socket_line socket_detach(struct socket *socket) {
    struct socket_line line = { .fd = socket->fd, .tls = socket->tls };
    socket_release(socket);
    return line;
}

void socket_line_close(struct socket_line *line) {
    if (line->fd >= 0)
        close(line->fd);
    socket_tls_destroy(line->tls);
    *line = (struct socket_line){ .fd = -1 };
}

void socket_close(struct socket *socket) {
    if (socket == NULL)
        return;
    struct socket_line line = { .fd = socket->fd, .tls = socket->tls };
    if (line.tls != NULL && !socket->failed)
        socket_tls_shutdown(line.tls, line.fd);
    socket_release(socket);
    socket_line_close(&line);
}

static void socket_release(struct socket *socket) {
    assert(!socket->closed);
    socket->closed = true;
    /* Stops polling at once: the descriptor may be closed or polled elsewhere from here on. */
    uv_close((uv_handle_t *)&socket->uv, socket_on_released);
}

static void socket_on_released(uv_handle_t *uv) {
    struct socket *socket = uv->data;
    socket_forget_prelude(socket->prelude);
    mem_free(&mem_default, socket, sizeof *socket);
}

const char *socket_peer(const struct socket *socket) {
    return socket->peer;
}

static bool socket_far_end(int fd, struct address *out, unsigned *out_port) {
    static const struct address v4 = { { [10] = 0xff, [11] = 0xff } };
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage storage;
    } address = { 0 };
    socklen_t size = sizeof address;
    if (getpeername(fd, &address.any, &size) != 0)
        return false;
    *out = v4;
    if (address.any.sa_family == AF_INET)
        memcpy(out->bytes + 12, &address.v4.sin_addr, 4);
    else if (address.any.sa_family == AF_INET6)
        memcpy(out->bytes, &address.v6.sin6_addr, 16);
    else
        return false;
    *out_port = ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
    return true;
}

bool socket_address(int fd, struct address *out) {
    unsigned port;
    return socket_far_end(fd, out, &port);
}

static void socket_name_peer(struct socket *socket) {
    struct address address;
    unsigned port;
    if (socket_far_end(socket->fd, &address, &port))
        address_write(&address, port, socket->peer);
    else
        snprintf(socket->peer, sizeof socket->peer, "local");
}
