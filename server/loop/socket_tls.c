/* socket_tls.c — see socket_tls.h. */
#include "loop/socket_tls.h"

#include "loop/tls.h"

#include <errno.h>
#include <sys/socket.h>

struct socket_tls {
    struct tls *tls;
    struct bytes_writer rest; /* records that the kernel has not taken */
    size_t rest_sent;
    bool failed; /* nothing can be encrypted any more */
    bool closed; /* the peer knows that no more comes */
    bool shutdown_due;
};

struct socket_tls *socket_tls_create(struct tls_context *context) {
    struct socket_tls *tls = mem_zalloc(&mem_default, sizeof *tls);
    if (tls == NULL)
        return NULL;
    bytes_writer_init(&tls->rest, &mem_default, SOCKET_TLS_REST_MAX);
    tls->tls = tls_create(context);
    if (tls->tls != NULL)
        return tls;
    mem_free(&mem_default, tls, sizeof *tls);
    return NULL;
}

void socket_tls_destroy(struct socket_tls *tls) {
    if (tls == NULL)
        return;
    tls_destroy(tls->tls);
    bytes_writer_finish(&tls->rest);
    mem_free(&mem_default, tls, sizeof *tls);
}

bool socket_tls_waits(const struct socket_tls *tls) {
    return tls->rest_sent < tls->rest.size;
}

const char *socket_tls_fault(const struct socket_tls *tls) {
    return tls_fault(tls->tls);
}

static enum status socket_tls_try(int fd, struct bytes bytes, size_t *out_sent) {
    ssize_t sent;
    do
        sent = send(fd, bytes.data, bytes.size, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    *out_sent = sent > 0 ? (size_t)sent : 0;
    return sent >= 0 || errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ? STATUS_OK : STATUS_IO;
}

enum status socket_tls_flush(struct socket_tls *tls, int fd) {
    size_t sent = 0;
    if (socket_tls_waits(tls)) {
        struct bytes rest = bytes_of(tls->rest.data + tls->rest_sent, tls->rest.size - tls->rest_sent);
        if (socket_tls_try(fd, rest, &sent) != STATUS_OK)
            return STATUS_IO;
    }
    tls->rest_sent += sent;
    if (socket_tls_waits(tls))
        return STATUS_OK;
    bytes_writer_finish(&tls->rest);
    bytes_writer_init(&tls->rest, &mem_default, SOCKET_TLS_REST_MAX);
    tls->rest_sent = 0;
    if (tls->shutdown_due)
        shutdown(fd, SHUT_WR);
    tls->shutdown_due = false;
    return STATUS_OK;
}

/* Behind what waits already. */
static enum status socket_tls_send(struct socket_tls *tls, int fd, struct bytes records) {
    size_t sent = 0;
    if (records.size == 0)
        return STATUS_OK;
    if (!socket_tls_waits(tls) && socket_tls_try(fd, records, &sent) != STATUS_OK)
        return STATUS_IO;
    bytes_write(&tls->rest, bytes_of(records.data + sent, records.size - sent));
    return tls->rest.status == STATUS_OK ? STATUS_OK : STATUS_IO;
}

enum status socket_tls_receive(struct socket_tls *tls, struct loop *loop, int fd, struct bytes in, struct bytes *out) {
    bytes_writer_reset(&loop->tls_plain);
    bytes_writer_reset(&loop->tls_records);
    enum status status = tls_read(tls->tls, in, &loop->tls_plain, &loop->tls_records);
    *out = bytes_written(&loop->tls_plain);
    if (status != STATUS_OK && status != STATUS_CLOSED)
        tls->failed = true;
    if (socket_tls_send(tls, fd, bytes_written(&loop->tls_records)) == STATUS_OK)
        return status;
    tls->failed = true;
    return status == STATUS_OK || status == STATUS_CLOSED ? STATUS_IO : status;
}

/* Takes up to SOCKET_TLS_GATHER_BYTES from `parts`, beginning at *part and *skip, which move on. */
static struct bytes socket_tls_gather(struct bytes_writer *plain, const struct bytes *parts, size_t count, size_t *part,
                                      size_t *skip) {
    bytes_writer_reset(plain);
    while (*part < count && plain->size < SOCKET_TLS_GATHER_BYTES) {
        struct bytes left = bytes_of(parts[*part].data + *skip, parts[*part].size - *skip);
        size_t room = SOCKET_TLS_GATHER_BYTES - plain->size;
        size_t size = left.size < room ? left.size : room;
        if (size > 0)
            bytes_write(plain, bytes_of(left.data, size));
        *skip += size;
        if (*skip == parts[*part].size) {
            *skip = 0;
            (*part)++;
        }
    }
    return bytes_written(plain);
}

enum status socket_tls_write(struct socket_tls *tls, struct loop *loop, int fd, const struct bytes *parts, size_t count,
                             size_t *out_written) {
    size_t part = 0, skip = 0;
    *out_written = 0;
    if (tls->failed || !tls_is_open(tls->tls) || socket_tls_flush(tls, fd) != STATUS_OK)
        return STATUS_IO;
    while (part < count && !socket_tls_waits(tls)) {
        struct bytes plain = socket_tls_gather(&loop->tls_gathered, parts, count, &part, &skip);
        if (loop->tls_gathered.status != STATUS_OK)
            return STATUS_IO;
        bytes_writer_reset(&loop->tls_records);
        if (tls_write(tls->tls, plain, &loop->tls_records) != STATUS_OK ||
            socket_tls_send(tls, fd, bytes_written(&loop->tls_records)) != STATUS_OK) {
            tls->failed = true;
            return STATUS_IO;
        }
        *out_written += plain.size;
    }
    return STATUS_OK;
}

void socket_tls_shutdown(struct socket_tls *tls, int fd) {
    struct bytes_writer records;
    bytes_writer_init(&records, &mem_default, 4096);
    if (!tls->failed && !tls->closed) {
        tls_close(tls->tls, &records);
        socket_tls_send(tls, fd, bytes_written(&records));
        tls->closed = true;
    }
    bytes_writer_finish(&records);
    tls->shutdown_due = socket_tls_waits(tls);
    if (!tls->shutdown_due)
        shutdown(fd, SHUT_WR);
}

void socket_write_last(const struct socket_line *line, struct bytes bytes) {
    size_t sent;
    if (line->tls == NULL) {
        socket_tls_try(line->fd, bytes, &sent);
        shutdown(line->fd, SHUT_WR);
        return;
    }
    struct bytes_writer records;
    bytes_writer_init(&records, &mem_default, SOCKET_TLS_REST_MAX);
    if (tls_is_open(line->tls->tls) && tls_write(line->tls->tls, bytes, &records) == STATUS_OK)
        socket_tls_send(line->tls, line->fd, bytes_written(&records));
    bytes_writer_finish(&records);
    socket_tls_shutdown(line->tls, line->fd);
}
