/* floor_main.c — floor: the cheapest relay that a WebSocket server can be. What it costs is what the machine costs.
 *
 *     floor PORT          serves on 127.0.0.1, one thread, until it is killed
 *
 *   recv ──▶ unmask, reframe once ──▶ the frame into every other connection's list ──▶ end of turn: one sendmsg each
 *
 * A room is a URL's path. There is no document, no check and no memory of what was sent: a connection that doesn't take its frames
 * at once loses them. So nothing here is a server; it is the line under all of them. */
#include "wire/upgrade.h"
#include "wire/ws.h"
#include "ws_head.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { READ_BYTES = 1 << 18, EVENTS = 256, QUEUE_MAX = 1000 };

struct frame {
    unsigned references;
    size_t size;
    uint8_t data[];
};

struct room {
    struct room *next;
    char *path;
    struct conn **conns;
    size_t count, capacity;
};

struct conn {
    int fd;
    struct room *room; /* NULL: still speaks HTTP */
    struct conn *flush_next;
    bool flushes;
    struct frame **queue;
    size_t queued, queue_capacity;
    uint8_t *partial;
    size_t partial_size, partial_capacity;
};

struct floor {
    int epoll;
    struct room *rooms;
    struct conn *flush;
};

static void *must(void *block) {
    if (block == NULL) {
        fprintf(stderr, "floor: out of memory\n");
        exit(1);
    }
    return block;
}

/* ---- frames out ---- */

static void frame_release(struct frame *frame) {
    if (--frame->references == 0)
        free(frame);
}

static void conn_queue(struct floor *floor, struct conn *conn, struct frame *frame) {
    if (conn->queued == QUEUE_MAX)
        return;
    if (conn->queued == conn->queue_capacity) {
        conn->queue_capacity = conn->queue_capacity == 0 ? 8 : conn->queue_capacity * 2;
        conn->queue = must(realloc(conn->queue, conn->queue_capacity * sizeof(struct frame *)));
    }
    conn->queue[conn->queued++] = frame;
    frame->references++;
    if (!conn->flushes) {
        conn->flushes = true;
        conn->flush_next = floor->flush;
        floor->flush = conn;
    }
}

static void floor_flush(struct floor *floor) {
    struct iovec parts[QUEUE_MAX];
    for (struct conn *conn = floor->flush; conn != NULL; conn = conn->flush_next) {
        for (size_t i = 0; i < conn->queued; i++)
            parts[i] = (struct iovec){ conn->queue[i]->data, conn->queue[i]->size };
        struct msghdr message = { .msg_iov = parts, .msg_iovlen = conn->queued };
        if (conn->queued == 1)
            (void)!send(conn->fd, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL | MSG_DONTWAIT);
        else
            (void)!sendmsg(conn->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        for (size_t i = 0; i < conn->queued; i++)
            frame_release(conn->queue[i]);
        conn->queued = 0;
        conn->flushes = false;
    }
    floor->flush = NULL;
}

/* ---- bytes in ---- */

static void conn_relay(struct floor *floor, struct conn *conn, const uint8_t *mask, const uint8_t *payload, size_t size) {
    struct frame *frame = must(malloc(sizeof *frame + WS_HEADER_MAX + size));
    size_t head = ws_frame_header(frame->data, size, WS_BINARY, true);
    frame->references = 1;
    frame->size = head + size;
    for (size_t i = 0; i < size; i++)
        frame->data[head + i] = payload[i] ^ mask[i & 3];
    for (size_t i = 0; i < conn->room->count; i++)
        if (conn->room->conns[i] != conn)
            conn_queue(floor, conn->room->conns[i], frame);
    frame_release(frame);
}

static size_t conn_on_frames(struct floor *floor, struct conn *conn, const uint8_t *data, size_t size) {
    size_t at = 0;
    for (;;) {
        uint64_t payload;
        size_t head = ws_head_read(data + at, size - at, &payload);
        if (head == 0)
            break;
        head += 4; /* the mask */
        if (size - at < head || size - at - head < payload)
            break;
        if ((data[at] & 0x0f) == WS_BINARY)
            conn_relay(floor, conn, data + at + head - 4, data + at + head, payload);
        at += head + payload;
    }
    return at;
}

static struct room *floor_room(struct floor *floor, struct bytes path) {
    for (struct room *room = floor->rooms; room != NULL; room = room->next)
        if (bytes_equal_text(path, room->path))
            return room;
    struct room *room = must(calloc(1, sizeof *room));
    room->path = must(strndup((const char *)path.data, path.size));
    room->next = floor->rooms;
    floor->rooms = room;
    return room;
}

static size_t conn_on_request(struct floor *floor, struct conn *conn, const uint8_t *data, size_t size) {
    static const struct http_limits limits = { .head_bytes_max = 16384, .headers_max = HTTP_HEADERS_MAX, .body_bytes_max = 0 };
    static const char *const protocols[] = { NULL };
    struct http_reader *reader = must(http_reader_create(&mem_default, HTTP_READ_REQUESTS, &limits));
    struct http_fault fault = { 0 };
    struct ws_upgrade upgrade;
    struct bytes_writer answer;
    size_t used = 0;
    if (http_reader_feed(reader, bytes_of(data, size), &used, &fault) == STATUS_OK) {
        const struct http_message *request = http_reader_message(reader);
        if (ws_upgrade_check(request, protocols, &upgrade, &fault) != STATUS_OK)
            exit(1);
        struct room *room = floor_room(floor, request->target);
        if (room->count == room->capacity) {
            room->capacity = room->capacity == 0 ? 4 : room->capacity * 2;
            room->conns = must(realloc(room->conns, room->capacity * sizeof(struct conn *)));
        }
        room->conns[room->count++] = conn;
        conn->room = room;
        bytes_writer_init(&answer, &mem_default, 4096);
        ws_upgrade_accept(&answer, &upgrade, NULL, 0);
        (void)!send(conn->fd, answer.data, answer.size, MSG_NOSIGNAL);
        bytes_writer_finish(&answer);
    }
    http_reader_destroy(reader);
    return conn->room != NULL ? used : 0;
}

static void conn_close(struct conn *conn) {
    struct room *room = conn->room;
    for (size_t i = 0; room != NULL && i < room->count; i++)
        if (room->conns[i] == conn)
            room->conns[i--] = room->conns[--room->count];
    close(conn->fd);
    free(conn->queue);
    free(conn->partial);
    free(conn);
}

static void conn_on_readable(struct floor *floor, struct conn *conn) {
    static uint8_t buffer[READ_BYTES];
    ssize_t got = recv(conn->fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            floor_flush(floor);
            conn_close(conn);
        }
        return;
    }
    const uint8_t *data = buffer;
    size_t size = (size_t)got;
    if (conn->partial_size > 0) {
        conn->partial = must(realloc(conn->partial, conn->partial_size + size));
        memcpy(conn->partial + conn->partial_size, buffer, size);
        data = conn->partial;
        size += conn->partial_size;
    }
    size_t used = conn->room == NULL ? conn_on_request(floor, conn, data, size) : conn_on_frames(floor, conn, data, size);
    uint8_t *rest = NULL;
    if (used < size) {
        rest = must(malloc(size - used));
        memcpy(rest, data + used, size - used);
    }
    free(conn->partial);
    conn->partial = rest;
    conn->partial_size = size - used;
}

int main(int count, char **arguments) {
    struct floor floor = { .epoll = epoll_create1(EPOLL_CLOEXEC) };
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    address.sin_port = htons((uint16_t)(count > 1 ? atoi(arguments[1]) : 0));
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 1024) != 0) {
        fprintf(stderr, "floor: %s\n", strerror(errno));
        return 1;
    }
    struct epoll_event event = { .events = EPOLLIN };
    epoll_ctl(floor.epoll, EPOLL_CTL_ADD, listener, &event);
    printf("floor: serving on 127.0.0.1:%s\n", count > 1 ? arguments[1] : "0");
    fflush(stdout);
    for (;;) {
        struct epoll_event events[EVENTS];
        int ready = epoll_wait(floor.epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr != NULL) {
                conn_on_readable(&floor, events[i].data.ptr);
                continue;
            }
            int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0)
                continue;
            struct conn *conn = must(calloc(1, sizeof *conn));
            conn->fd = fd;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
            event.data.ptr = conn;
            epoll_ctl(floor.epoll, EPOLL_CTL_ADD, fd, &event);
        }
        floor_flush(&floor);
    }
}
