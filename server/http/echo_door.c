/* echo_door.c — see echo_door.h. In order of a connection's life. */
#include "http/echo_door.h"

#include "config.h"
#include "http/ws_door.h"
#include "wire/ws.h"

#include <unistd.h>

enum { ECHO_OUT_BYTES_MAX = 1 << 29 }; /* the largest message there can be, and what else a read may inflate to */

struct echo {
    struct list link; /* in door->echoes */
    struct http_door *door;
    struct socket *socket;
    struct loop_timer *linger;
    struct ws_conn ws;
    struct bytes_writer out;
    size_t out_sent;
};

static void echo_start(struct http_conn *conn, const struct ws_upgrade *upgrade, struct bytes answer);
static void echo_on_bytes(void *owner, struct bytes bytes);
static void echo_flush(void *owner);
static void echo_on_end(void *owner, enum status why);
static void echo_destroy(void *context);
static const struct socket_events echo_events = { echo_on_bytes, echo_flush, echo_on_end };

void echo_door_open(struct http_conn *conn, struct bytes argument) {
    static const char *const protocols[] = { NULL };
    struct ws_upgrade upgrade;
    (void)argument;
    if (!ws_door_check(conn, protocols, &upgrade))
        return;
    struct bytes_writer answer;
    bytes_writer_init(&answer, &mem_default, 4096);
    ws_upgrade_accept(&answer, &upgrade, NULL, 0);
    if (answer.status == STATUS_OK)
        echo_start(conn, &upgrade, bytes_written(&answer));
    bytes_writer_finish(&answer);
    http_conn_close(conn);
}

static void echo_start(struct http_conn *conn, const struct ws_upgrade *upgrade, struct bytes answer) {
    struct http_door *door = conn->door;
    struct echo *echo = mem_zalloc(&mem_default, sizeof *echo);
    struct bytes early;
    struct socket_line line;
    if (echo == NULL)
        return;
    echo->door = door;
    bytes_writer_init(&echo->out, &mem_default, ECHO_OUT_BYTES_MAX);
    ws_conn_init(&echo->ws, &door->server->ws_pool, WS_SERVER, server_config(door->server)->message_bytes_max);
    if (upgrade->deflate_bits != 0)
        ws_conn_deflate(&echo->ws, upgrade->deflate_bits);
    list_append(&door->echoes, &echo->link);
    if (loop_timer_create(door->loop, echo_destroy, echo, &echo->linger) != STATUS_OK ||
        http_conn_take(conn, answer, &line, &early) != STATUS_OK)
        goto fail;
    if (socket_open(door->loop, line, &echo_events, echo, &echo->socket) != STATUS_OK) {
        socket_line_close(&line);
        goto fail;
    }
    echo_on_bytes(echo, early);
    return;

fail:
    echo_destroy(echo);
}

static void echo_on_bytes(void *owner, struct bytes bytes) {
    struct echo *echo = owner;
    struct ws_event event;
    enum status status;
    if (ws_conn_wants(&echo->ws) & WS_WANTS_END)
        return;
    ws_conn_feed(&echo->ws, bytes);
    while ((status = ws_conn_next(&echo->ws, &event)) == STATUS_OK) {
        if (event.kind == WS_EVENT_TEXT || event.kind == WS_EVENT_BINARY)
            ws_conn_message(&echo->ws, &echo->out, event.kind == WS_EVENT_TEXT ? WS_TEXT : WS_BINARY, event.payload);
        ws_conn_take(&echo->ws, &echo->out);
    }
    if (status == STATUS_NO_MEMORY || status == STATUS_OVERLOADED || echo->out.status != STATUS_OK)
        echo_destroy(echo);
    else
        echo_flush(echo);
}

static void echo_flush(void *owner) {
    struct echo *echo = owner;
    while (echo->out_sent < echo->out.size) {
        struct bytes rest = bytes_of(echo->out.data + echo->out_sent, echo->out.size - echo->out_sent);
        size_t written;
        if (socket_write(echo->socket, &rest, 1, &written) != STATUS_OK)
            return; /* echo_on_end follows */
        if (written == 0) {
            socket_want_write(echo->socket);
            socket_pause(echo->socket, true);
            return;
        }
        echo->out_sent += written;
    }
    echo->out_sent = 0;
    bytes_writer_finish(&echo->out);
    bytes_writer_init(&echo->out, &mem_default, ECHO_OUT_BYTES_MAX);
    socket_pause(echo->socket, false);
    if (ws_conn_wants(&echo->ws) & WS_WANTS_END) {
        /* Closing with unread bytes would reset the connection and could take the close frame with it. */
        socket_shutdown(echo->socket);
        loop_timer_start(echo->linger, HTTP_LINGER_MS, 0);
    }
}

static void echo_on_end(void *owner, enum status why) {
    (void)why;
    echo_destroy(owner);
}

static void echo_destroy(void *context) {
    struct echo *echo = context;
    list_remove(&echo->link);
    loop_timer_destroy(echo->linger);
    socket_close(echo->socket);
    ws_conn_finish(&echo->ws);
    bytes_writer_finish(&echo->out);
    mem_free(&mem_default, echo, sizeof *echo);
}

void echo_door_close(struct http_door *door) {
    list_each (link, &door->echoes) {
        struct echo *echo = list_entry(link, struct echo, link);
        ws_conn_close(&echo->ws, 1001, bytes_text("the server ends"));
        ws_conn_take(&echo->ws, &echo->out);
        echo_flush(echo);
    }
}

void echo_door_destroy(struct http_door *door) {
    list_each (link, &door->echoes)
        echo_destroy(list_entry(link, struct echo, link));
}
