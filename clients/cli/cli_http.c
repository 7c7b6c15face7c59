/* cli_http.c — one request over a connection of its own, with the protocol library's HTTP reader and writer. */
#include "cli.h"
#include "wire/http.h"
#include "wire/json_body.h"

#include <errno.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static int post_dial(const struct client_url *url) {
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    const struct timeval patience = { .tv_sec = CLI_WAIT_MS / 1000 };
    struct addrinfo *addresses = NULL;
    char port[8];
    int fd = -1;
    snprintf(port, sizeof port, "%u", (unsigned)url->port);
    int failed = getaddrinfo(url->host, port, &hints, &addresses);
    if (failed != 0) {
        cli_say("%s: %s", url->host, gai_strerror(failed));
        return -1;
    }
    for (struct addrinfo *at = addresses; at && fd < 0; at = at->ai_next) {
        fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, at->ai_protocol);
        if (fd < 0)
            continue;
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        if (connect(fd, at->ai_addr, at->ai_addrlen) != 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(addresses);
    if (fd < 0)
        cli_say("no server answers at %s (%s); is vibesyncd running?", url->authority, strerror(errno));
    return fd;
}

static bool post_send(int fd, struct bytes bytes) {
    while (bytes.size > 0) {
        ssize_t sent = send(fd, bytes.data, bytes.size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        bytes = bytes_of(bytes.data + sent, bytes.size - (size_t)sent);
    }
    return true;
}

static bool post_receive(int fd, struct http_reader *reader) {
    uint8_t buffer[4096];
    struct http_fault fault;
    for (;;) {
        ssize_t got = recv(fd, buffer, sizeof buffer, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        if (got == 0)
            return http_reader_end(reader, &fault) == STATUS_OK;
        size_t used;
        enum status status = http_reader_feed(reader, bytes_of(buffer, (size_t)got), &used, &fault);
        if (status != STATUS_MORE)
            return status == STATUS_OK;
    }
}

/* Says what {"error":{"code":…,"message":…}} says. */
static int post_refused(const struct http_message *answer) {
    static const char open[] = "{\"error\":";
    struct bytes body = answer->body, message;
    struct json_body *error = NULL;
    size_t size = body.size;
    while (size > 0 && body.data[size - 1] <= ' ')
        size--;
    bool enveloped = size > sizeof open && memcmp(body.data, open, sizeof open - 1) == 0;
    if (enveloped && json_body_parse(bytes_of(body.data + sizeof open - 1, size - sizeof open), &error) == STATUS_OK &&
        json_body_text(error, "message", WIRE_FAULT_MESSAGE_MAX, &message) == STATUS_OK) {
        fputs("vibesync: ", stderr);
        cli_print_safe(stderr, message);
        fputc('\n', stderr);
    } else {
        cli_say("the server answered %u %s", answer->status, http_status_reason(answer->status));
    }
    json_body_destroy(error);
    return answer->status == 401 || answer->status == 403 ? CLI_DENIED : answer->status >= 500 ? CLI_UNREACHABLE : CLI_FAILED;
}

int cli_post(const char *server, const char *path, const char *bearer, struct bytes body, struct bytes_writer *out) {
    return cli_request("POST", server, path, bearer, body, out);
}

int cli_request(const char *method, const char *server, const char *path, const char *bearer, struct bytes body,
                struct bytes_writer *out) {
    static const struct http_limits limits = { .head_bytes_max = 16384,
                                               .headers_max = HTTP_HEADERS_MAX,
                                               .body_bytes_max = CLI_HTTP_BYTES_MAX };
    struct client_url url;
    enum status status = client_url_parse(bytes_text(server), &url);
    if (status == STATUS_UNSUPPORTED) {
        cli_say("%s: https is for a proxy in front of the server; this program speaks http", server);
        return CLI_USAGE;
    }
    if (status != STATUS_OK) {
        cli_say("%s: a server's address looks like http://127.0.0.1:8440", server);
        return CLI_USAGE;
    }
    char authorization[WIRE_CREDENTIAL_BYTES_MAX + 16];
    snprintf(authorization, sizeof authorization, "Bearer %s", bearer ? bearer : "");
    const struct http_header header = { bytes_text("Authorization"), bytes_text(authorization) };
    struct bytes_writer request;
    bytes_writer_init(&request, &mem_default, CLI_HTTP_BYTES_MAX);
    http_request_write(&request, method, bytes_text(path), bytes_text(url.authority), body.size > 0 ? "application/json" : NULL,
                       &header, bearer ? 1 : 0, body);
    struct http_reader *reader = http_reader_create(&mem_default, HTTP_READ_RESPONSES, &limits);
    int fd = -1, result = CLI_UNREACHABLE;
    if (request.status != STATUS_OK || !reader) {
        cli_say("the request cannot be made");
        goto finish;
    }
    fd = post_dial(&url);
    if (fd < 0)
        goto finish;
    if (!post_send(fd, bytes_written(&request)) || !post_receive(fd, reader)) {
        cli_say("%s did not answer as an HTTP server does", url.authority);
        goto finish;
    }
    const struct http_message *answer = http_reader_message(reader);
    if (answer->status / 100 != 2) {
        result = post_refused(answer);
        goto finish;
    }
    bytes_write(out, answer->body);
    result = out->status == STATUS_OK ? CLI_OK : CLI_FAILED;
finish:
    if (fd >= 0)
        close(fd);
    http_reader_destroy(reader);
    bytes_writer_finish(&request);
    return result;
}
