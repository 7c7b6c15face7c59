/* http_conn.c — see http_conn.h. */
#include "http/http_conn.h"

#include "config.h"
#include "http/router.h"
#include "log.h"
#include "wire/json_body.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum {
    HTTP_FILE_PIECE_BYTES = 65536,
    HTTP_ANSWER_HEADERS_MAX = 12,
    HTTP_OUT_BYTES_MAX = HTTP_FILE_PIECE_BYTES + 8192, /* a piece of a file, or a whole answer, which is smaller */
};

static void http_conn_on_bytes(void *owner, struct bytes bytes);
static void http_conn_proceed(struct http_conn *conn);
static void http_conn_refuse_broken(struct http_conn *conn, const struct http_fault *fault);
static void http_conn_send(struct http_conn *conn, unsigned status);
static void http_conn_flush(struct http_conn *conn);
static enum status http_conn_read_file(struct http_conn *conn);
static void http_conn_on_writable(void *owner);
static void http_conn_on_end(void *owner, enum status why);
static void http_conn_free(struct http_conn *conn);

static const struct socket_events http_conn_events = {
    .on_bytes = http_conn_on_bytes,
    .on_writable = http_conn_on_writable,
    .on_end = http_conn_on_end,
};

static const struct http_limits http_conn_limits = {
    .head_bytes_max = HTTP_HEAD_BYTES_MAX,
    .headers_max = HTTP_HEADERS_MAX,
    .body_bytes_max = HTTP_BODY_BYTES_MAX,
};

static void http_conn_enter(struct http_conn *conn, enum http_conn_state state, uint64_t limit_ms) {
    conn->state = state;
    conn->deadline_ms = loop_now_ms(conn->door->loop) + limit_ms;
}

/* Whether `fd` comes from an address that may speak for others. */
static bool http_conn_is_proxied(struct http_door *door, int fd) {
    const char *trusted = server_config(door->server)->trusted_proxies;
    struct address address;
    return trusted[0] != '\0' && socket_address(fd, &address) && ranges_hold(trusted, &address);
}

enum status http_conn_create(struct http_door *door, int fd, uint64_t id) {
    struct http_conn *conn = mem_zalloc(&mem_default, sizeof *conn);
    if (conn == NULL)
        return STATUS_NO_MEMORY;
    conn->id = id;
    conn->door = door;
    conn->keep_alive = true;
    conn->file = -1;
    bytes_writer_init(&conn->ahead, &mem_default, HTTP_AHEAD_BYTES_MAX);
    bytes_writer_init(&conn->out, &mem_default, HTTP_OUT_BYTES_MAX);
    enum status status = STATUS_NO_MEMORY;
    conn->reader = http_reader_create(&mem_default, HTTP_READ_REQUESTS, &http_conn_limits);
    if (conn->reader == NULL)
        goto free_conn;
    status = table_put(&door->conns, id, conn);
    if (status != STATUS_OK)
        goto free_reader;
    struct socket_line line = { .fd = fd, .proxied = http_conn_is_proxied(door, fd) };
    if (door->server->tls != NULL && (line.tls = socket_tls_create(door->server->tls)) == NULL) {
        status = STATUS_NO_MEMORY;
        goto leave_table;
    }
    status = socket_open(door->loop, line, &http_conn_events, conn, &conn->socket);
    if (status != STATUS_OK) {
        socket_tls_destroy(line.tls);
        goto leave_table;
    }
    list_append(&door->conn_list, &conn->link);
    http_conn_enter(conn, HTTP_CONN_READING, server_config(door->server)->request_ms);
    return STATUS_OK;

leave_table:
    table_remove(&door->conns, id);
free_reader:
    http_reader_destroy(conn->reader);
free_conn:
    mem_free(&mem_default, conn, sizeof *conn);
    return status;
}

static void http_conn_on_bytes(void *owner, struct bytes bytes) {
    struct http_conn *conn = owner;
    if (conn->state == HTTP_CONN_LINGERING)
        return;
    /* The socket is paused outside READING, and there everything is used up: this is all that waits. */
    bytes_write(&conn->ahead, bytes);
    if (conn->ahead.status != STATUS_OK) {
        http_conn_close(conn);
        return;
    }
    http_conn_proceed(conn);
}

static void http_conn_name_request(struct http_conn *conn, struct bytes offered) {
    uint64_t random;
    loop_random(conn->door->loop, &random, sizeof random);
    request_id_choose(offered, random, conn->request);
}

/* Serves what has been read, request after request, until one has to wait. */
static void http_conn_proceed(struct http_conn *conn) {
    if (conn->proceeding)
        return;
    conn->proceeding = true;
    while (conn->state == HTTP_CONN_READING && conn->ahead_used < conn->ahead.size) {
        struct bytes rest = bytes_of(conn->ahead.data + conn->ahead_used, conn->ahead.size - conn->ahead_used);
        struct http_fault fault = { 0 };
        size_t used = 0;
        enum status status = http_reader_feed(conn->reader, rest, &used, &fault);
        conn->ahead_used += used;
        if (status == STATUS_MORE)
            continue;
        if (status == STATUS_NO_MEMORY)
            http_conn_close(conn);
        else if (status != STATUS_OK)
            http_conn_refuse_broken(conn, &fault);
        else {
            const struct http_message *request = http_reader_message(conn->reader);
            conn->keep_alive = request->keep_alive && !conn->door->closing;
            conn->head_only = bytes_equal_text(request->method, "HEAD");
            conn->served = true;
            metrics_count(&conn->door->server->metrics, METRIC_requests);
            http_conn_enter(conn, HTTP_CONN_HANDLING, HTTP_HANDLE_MS);
            socket_pause(conn->socket, true);
            const char *trusted = server_config(conn->door->server)->trusted_proxies;
            http_conn_name_request(conn, http_message_header(request, "X-Request-Id"));
            if (trusted[0] != '\0')
                forwarded_read(request, socket_peer(conn->socket), trusted, &conn->from);
            router_dispatch(conn);
        }
    }
    if (conn->ahead_used == conn->ahead.size && conn->state != HTTP_CONN_CLOSED) {
        /* Nothing waits: an idle connection keeps no buffer. */
        bytes_writer_finish(&conn->ahead);
        bytes_writer_init(&conn->ahead, &mem_default, HTTP_AHEAD_BYTES_MAX);
        conn->ahead_used = 0;
    }
    conn->proceeding = false;
    if (conn->state == HTTP_CONN_CLOSED)
        http_conn_free(conn);
}

static void http_conn_refuse_broken(struct http_conn *conn, const struct http_fault *fault) {
    char message[160];
    const char *word = fault->status == 413 || fault->status == 414 || fault->status == 431 ? wire_code_word(WIRE_CODE_LIMIT)
                                                                                            : wire_code_word(WIRE_CODE_MALFORMED);
    metrics_count(&conn->door->server->metrics, METRIC_requests);
    if (fault->status == 413 || fault->status == 431 || fault->status == 414)
        metrics_limited(&conn->door->server->metrics, fault->status == 413 ? LIMIT_body_bytes : LIMIT_head_bytes);
    snprintf(message, sizeof message, "%s.", fault->what != NULL ? fault->what : "The request is malformed");
    conn->keep_alive = false;
    conn->head_only = false;
    http_conn_name_request(conn, bytes_of(NULL, 0));
    http_conn_enter(conn, HTTP_CONN_HANDLING, HTTP_HANDLE_MS);
    http_conn_refuse_as(conn, fault->status >= 400 ? fault->status : 400, word, message, NULL);
}

const struct http_message *http_conn_request(const struct http_conn *conn) {
    assert(conn->state == HTTP_CONN_HANDLING);
    return http_reader_message(conn->reader);
}

const char *http_conn_peer(const struct http_conn *conn) {
    return conn->from.peer[0] != '\0' ? conn->from.peer : socket_peer(conn->socket);
}

bool http_conn_https(const struct http_conn *conn) {
    return conn->from.https || conn->door->server->tls != NULL;
}

void http_conn_answer(struct http_conn *conn, unsigned status, const char *type, const struct http_header *headers,
                      unsigned headers_count, struct bytes body) {
    struct http_header all[HTTP_ANSWER_HEADERS_MAX];
    assert(conn->state == HTTP_CONN_HANDLING && headers_count < HTTP_ANSWER_HEADERS_MAX);
    for (unsigned i = 0; i < headers_count; i++)
        all[i] = headers[i];
    all[headers_count] = (struct http_header){ bytes_text("X-Request-Id"), bytes_text(conn->request) };
    http_response_write(&conn->out, status, type, all, headers_count + 1, body, conn->keep_alive);
    if (conn->out.status == STATUS_OK && conn->head_only && body.size <= conn->out.size)
        conn->out.size -= body.size;
    http_conn_send(conn, status);
}

void http_conn_answer_file(struct http_conn *conn, const char *type, const struct http_header *headers, unsigned headers_count,
                           int fd, uint64_t size) {
    char head[384];
    assert(conn->state == HTTP_CONN_HANDLING);
    snprintf(head, sizeof head,
             "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %llu\r\nConnection: %s\r\nX-Request-Id: %s\r\n", type,
             (unsigned long long)size, conn->keep_alive ? "keep-alive" : "close", conn->request);
    bytes_write(&conn->out, bytes_text(head));
    for (unsigned i = 0; i < headers_count; i++) {
        bytes_write(&conn->out, headers[i].name);
        bytes_write(&conn->out, bytes_text(": "));
        bytes_write(&conn->out, headers[i].value);
        bytes_write(&conn->out, bytes_text("\r\n"));
    }
    bytes_write(&conn->out, bytes_text("\r\n"));
    conn->file = fd;
    conn->file_at = 0;
    conn->file_size = conn->head_only ? 0 : size;
    http_conn_send(conn, 200);
}

static void http_conn_send(struct http_conn *conn, unsigned status) {
    if (conn->out.status != STATUS_OK) {
        http_conn_close(conn);
        return;
    }
    log_debug((&(struct log_subject){ .request = conn->request }), "http.answered", "status=%u peer=%s", status,
              http_conn_peer(conn));
    http_conn_enter(conn, HTTP_CONN_WRITING, server_config(conn->door->server)->request_ms);
    http_conn_flush(conn);
}

void http_conn_refuse(struct http_conn *conn, enum wire_code code, const char *format, ...) {
    char message[240];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    struct http_header again = { bytes_text("Retry-After"), bytes_text("2") };
    struct http_header authenticate = { bytes_text("WWW-Authenticate"), bytes_text("Bearer") };
    int status = wire_code_http(code);
    http_conn_refuse_as(conn, (unsigned)status, wire_code_word(code), message,
                        status == 503   ? &again
                        : status == 401 ? &authenticate
                                        : NULL);
}

void http_conn_refuse_as(struct http_conn *conn, unsigned status, const char *word, const char *message,
                         const struct http_header *header) {
    enum wire_code code = wire_code_of_word(bytes_text(word));
    struct bytes_writer body;
    bytes_writer_init(&body, &mem_default, 4096);
    bytes_write(&body, bytes_text("{\"error\":"));
    struct json_writer json = json_write_open(&body);
    json_write_string(&json, "code", word);
    json_write_string(&json, "message", message);
    json_write_string(&json, "retry", wire_retry_word(code < WIRE_CODE_COUNT ? wire_code_retry(code) : WIRE_RETRY_NEVER));
    json_write_close(&json);
    bytes_write(&body, bytes_text("}\n"));
    if (body.status == STATUS_OK)
        http_conn_answer(conn, status, "application/json", header, header != NULL ? 1 : 0, bytes_written(&body));
    else
        http_conn_close(conn);
    bytes_writer_finish(&body);
}

static void http_conn_flush(struct http_conn *conn) {
    for (;;) {
        if (conn->out_sent == conn->out.size) {
            if (conn->file < 0 || conn->file_at == conn->file_size)
                break;
            if (http_conn_read_file(conn) != STATUS_OK) {
                http_conn_close(conn);
                return;
            }
        }
        struct bytes rest = bytes_of(conn->out.data + conn->out_sent, conn->out.size - conn->out_sent);
        size_t written;
        if (socket_write(conn->socket, &rest, 1, &written) != STATUS_OK) {
            http_conn_close(conn);
            return;
        }
        if (written == 0) {
            socket_want_write(conn->socket);
            return;
        }
        conn->out_sent += written;
    }
    if (conn->file >= 0)
        close(conn->file);
    conn->file = -1;
    bytes_writer_finish(&conn->out);
    bytes_writer_init(&conn->out, &mem_default, HTTP_OUT_BYTES_MAX);
    conn->out_sent = 0;
    if (!conn->keep_alive) {
        /* Closing with unread bytes would reset the connection and could take the answer with it. */
        socket_shutdown(conn->socket);
        http_conn_enter(conn, HTTP_CONN_LINGERING, HTTP_LINGER_MS);
        socket_pause(conn->socket, false);
        return;
    }
    http_reader_reset(conn->reader);
    conn->from = (struct forwarded){ 0 };
    http_conn_enter(conn, HTTP_CONN_READING, server_config(conn->door->server)->request_ms);
    socket_pause(conn->socket, false);
    http_conn_proceed(conn);
}

/* The next piece. A client that takes it in time has as much time for the one behind it. */
static enum status http_conn_read_file(struct http_conn *conn) {
    uint64_t left = conn->file_size - conn->file_at;
    size_t size = left < HTTP_FILE_PIECE_BYTES ? (size_t)left : HTTP_FILE_PIECE_BYTES;
    bytes_writer_reset(&conn->out);
    conn->out_sent = 0;
    uint8_t *piece = bytes_writer_reserve(&conn->out, size);
    if (piece == NULL)
        return STATUS_NO_MEMORY;
    if (pread(conn->file, piece, size, (off_t)conn->file_at) != (ssize_t)size)
        return STATUS_IO;
    conn->out.size += size;
    conn->file_at += size;
    http_conn_enter(conn, HTTP_CONN_WRITING, server_config(conn->door->server)->request_ms);
    return STATUS_OK;
}

static void http_conn_on_writable(void *owner) {
    struct http_conn *conn = owner;
    if (conn->state == HTTP_CONN_WRITING)
        http_conn_flush(conn);
}

static void http_conn_on_end(void *owner, enum status why) {
    struct http_conn *conn = owner;
    if (why == STATUS_MALFORMED)
        metrics_count(&conn->door->server->metrics, METRIC_tls_refused);
    http_conn_close(conn);
}

void http_conn_expire(struct http_conn *conn) {
    struct metrics *metrics = &conn->door->server->metrics;
    if (conn->state == HTTP_CONN_READING && http_reader_started(conn->reader)) {
        metrics_limited(metrics, LIMIT_request_ms);
        conn->keep_alive = false;
        conn->head_only = false;
        http_conn_name_request(conn, bytes_of(NULL, 0));
        http_conn_enter(conn, HTTP_CONN_HANDLING, HTTP_HANDLE_MS);
        http_conn_refuse_as(conn, 408, "timeout", "The request did not arrive in time.", NULL);
    } else if (conn->state == HTTP_CONN_HANDLING) {
        /* A late reply must not be taken for the answer to a later request. */
        metrics_limited(metrics, LIMIT_answer_ms);
        conn->keep_alive = false;
        http_conn_refuse(conn, WIRE_CODE_UNAVAILABLE, "No answer was found in time.");
    } else {
        /* One that has been served and is silent now is no burden, but kept alive. */
        if (conn->state == HTTP_CONN_WRITING || !conn->served)
            metrics_limited(metrics, LIMIT_request_ms);
        http_conn_close(conn);
    }
}

enum status http_conn_take(struct http_conn *conn, struct bytes answer, struct socket_line *out, struct bytes *out_early) {
    assert(conn->state == HTTP_CONN_HANDLING && conn->proceeding);
    size_t written;
    enum status status = socket_write(conn->socket, &answer, 1, &written);
    /* The first bytes on a fresh socket fit its buffer; a peer that filled it with pipelined requests is not worth waiting for. */
    if (status != STATUS_OK || written != answer.size)
        return STATUS_IO;
    *out = socket_detach(conn->socket);
    conn->socket = NULL;
    *out_early = bytes_of(conn->ahead.data + conn->ahead_used, conn->ahead.size - conn->ahead_used);
    return STATUS_OK;
}

void http_conn_close(struct http_conn *conn) {
    if (conn->state == HTTP_CONN_CLOSED)
        return;
    conn->state = HTTP_CONN_CLOSED;
    socket_close(conn->socket);
    conn->socket = NULL;
    list_remove(&conn->link);
    table_remove(&conn->door->conns, conn->id);
    if (!conn->proceeding)
        http_conn_free(conn);
}

static void http_conn_free(struct http_conn *conn) {
    http_reader_destroy(conn->reader);
    if (conn->file >= 0)
        close(conn->file);
    bytes_writer_finish(&conn->ahead);
    bytes_writer_finish(&conn->out);
    mem_free(&mem_default, conn, sizeof *conn);
}
