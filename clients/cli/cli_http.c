/* cli_http.c — one request over a connection of its own, with the protocol library's HTTP reader and writer, and TLS for https. */
#include "cli.h"
#include "vibesync/client_tls.h"
#include "wire/http.h"
#include "wire/json_body.h"

#include <errno.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

struct post {
    int fd;
    struct client_tls *tls; /* NULL: plain */
    bool ended;             /* the peer said so */
    bool unsafe;            /* TLS failed */
    uint8_t buffer[4096];
};

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

/* Sends what TLS has for the peer. */
static bool post_flush(struct post *post) {
    struct bytes output = client_tls_output(post->tls);
    bool sent = post_send(post->fd, output);
    client_tls_sent(post->tls, output.size);
    return sent;
}

/* Waits for bytes, and decrypts them: `out` is empty while TLS talks to itself. false: the end, or a fault. */
static bool post_read(struct post *post, struct bytes *out) {
    ssize_t got;
    do
        got = recv(post->fd, post->buffer, sizeof post->buffer, 0);
    while (got < 0 && errno == EINTR);
    post->ended = got == 0;
    *out = bytes_of(post->buffer, got > 0 ? (size_t)got : 0);
    if (got <= 0 || !post->tls)
        return got > 0;
    enum status status = client_tls_read(post->tls, *out, out);
    post->unsafe = status != STATUS_OK && status != STATUS_CLOSED;
    return post_flush(post) && !post->unsafe;
}

static bool post_ask(struct post *post, struct bytes request) {
    struct bytes nothing;
    if (!post->tls)
        return post_send(post->fd, request);
    if (client_tls_start(post->tls) != STATUS_OK || !post_flush(post))
        return false;
    while (!client_tls_is_open(post->tls))
        if (!post_read(post, &nothing))
            return false;
    return client_tls_write(post->tls, request) == STATUS_OK && post_flush(post);
}

static bool post_receive(struct post *post, struct http_reader *reader) {
    struct bytes bytes;
    struct http_fault fault;
    size_t used;
    while (post_read(post, &bytes)) {
        enum status status = bytes.size > 0 ? http_reader_feed(reader, bytes, &used, &fault) : STATUS_MORE;
        if (status != STATUS_MORE)
            return status == STATUS_OK;
    }
    return post->ended && http_reader_end(reader, &fault) == STATUS_OK;
}

static void post_say_broken(const struct post *post, const char *authority) {
    if (post->unsafe)
        cli_say("%s: %s", authority, client_tls_fault(post->tls));
    else if (post->tls && !client_tls_is_open(post->tls))
        cli_say("%s: the connection ended in the TLS handshake", authority);
    else
        cli_say("%s did not answer as an HTTP server does", authority);
}

/* Says what {"error":{"code":…,"message":…}} says, or a text. */
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
    } else if (bytes_equal_text(http_message_header(answer, "Content-Type"), "text/plain")) {
        fprintf(stderr, "vibesync: the server answered %u: ", answer->status);
        cli_print_safe(stderr, bytes_of(body.data, size));
        fputc('\n', stderr);
    } else {
        cli_say("the server answered %u %s", answer->status, http_status_reason(answer->status));
    }
    json_body_destroy(error);
    return answer->status == 401 || answer->status == 403 ? CLI_DENIED : answer->status >= 500 ? CLI_UNREACHABLE : CLI_FAILED;
}

int cli_request(const struct cli *cli, const char *method, const char *path, const char *bearer, struct bytes body,
                struct bytes_writer *out) {
    static const struct http_limits limits = { .head_bytes_max = 16384,
                                               .headers_max = HTTP_HEADERS_MAX,
                                               .body_bytes_max = CLI_HTTP_BYTES_MAX };
    struct post post = { .fd = -1 };
    struct client_url url;
    if (client_url_parse(bytes_text(cli_server(cli)), &url) != STATUS_OK) {
        cli_say("%s: a server's address looks like http://127.0.0.1:8440", cli_server(cli));
        return CLI_USAGE;
    }
    enum status status = url.secure ? client_tls_create(&mem_default, url.host, cli->ca, &post.tls) : STATUS_OK;
    if (status != STATUS_OK)
        return cli_fail_create(cli, status);
    char authorization[WIRE_CREDENTIAL_BYTES_MAX + 16];
    snprintf(authorization, sizeof authorization, "Bearer %s", bearer ? bearer : "");
    const struct http_header header = { bytes_text("Authorization"), bytes_text(authorization) };
    struct bytes_writer request;
    bytes_writer_init(&request, &mem_default, CLI_HTTP_BYTES_MAX);
    http_request_write(&request, method, bytes_text(path), bytes_text(url.authority), body.size > 0 ? "application/json" : NULL,
                       &header, bearer ? 1 : 0, body);
    struct http_reader *reader = http_reader_create(&mem_default, HTTP_READ_RESPONSES, &limits);
    int result = CLI_UNREACHABLE;
    if (request.status != STATUS_OK || !reader) {
        cli_say("the request cannot be made");
        goto finish;
    }
    post.fd = post_dial(&url);
    if (post.fd < 0)
        goto finish;
    if (!post_ask(&post, bytes_written(&request)) || !post_receive(&post, reader)) {
        post_say_broken(&post, url.authority);
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
    if (post.fd >= 0)
        close(post.fd);
    client_tls_destroy(post.tls);
    http_reader_destroy(reader);
    bytes_writer_finish(&request);
    return result;
}
