/* http_api — does the real program's HTTP side hold against what a network can bring?
 *
 *   http_api VIBESYNCD
 *
 * Starts the program on a free port with a database that does not exist: it must serve, say that it is not ready, answer what needs
 * no database and refuse the rest with 503. Then torn, late, oversized and malformed requests; the process and its other
 * connections must not notice. Every answer is read by protocol's own reader. */
#include "http_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REQUEST_MS = 700, LARGE_BYTES = 24 << 20 };

#define TOKEN   "an-admin-token-of-this-test"
#define SESSION "01932c07-209c-7f3a-8c11-5d1b2a9e4c77"
#define UPGRADE                                                                       \
    HOST "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" \
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static void health_tells_alive_and_not_ready(void) {
    CHECK(ask("GET /healthz HTTP/1.1\r\n" HOST "\r\n") == 200, "%u", answer.status);
    CHECK(strcmp(answer.body, "{\"status\":\"ok\"}\n") == 0, "%s", answer.body);
    CHECK(ask("GET /readyz HTTP/1.1\r\n" HOST "\r\n") == 503, "%u", answer.status);
    CHECK(strcmp(answer.code, "unavailable") == 0, "%s", answer.body);
    CHECK(answer.retry_after[0] != '\0', "no Retry-After");

    /* HEAD tells the length of a body that does not come. */
    char head[1024];
    client_open();
    client_send("HEAD /healthz HTTP/1.0\r\n\r\n", 26);
    ssize_t size = recv(client.fd, head, sizeof head - 1, MSG_WAITALL);
    head[size > 0 ? size : 0] = '\0';
    CHECK(strncmp(head, "HTTP/1.1 200 ", 13) == 0 && strstr(head, "Content-Length: 16\r\n") != NULL, "%s", head);
    CHECK(size > 4 && strcmp(head + size - 4, "\r\n\r\n") == 0, "%s", head);
    client_close();
}

static void bad_paths_and_methods_are_named(void) {
    static const struct {
        const char *request;
        unsigned status;
        const char *code;
    } cases[] = {
        { "GET /nothing HTTP/1.1\r\n" HOST "\r\n", 404, "not_found" },
        { "GET /v1/ HTTP/1.1\r\n" HOST "\r\n", 404, "not_found" },
        { "GET /v1/sessions/ HTTP/1.1\r\n" HOST "\r\n", 404, "not_found" },
        { "GET /v1/sessions//ws HTTP/1.1\r\n" HOST "\r\n", 404, "not_found" },
        { "GET /v1/sessions/x/ws/ HTTP/1.1\r\n" HOST "\r\n", 404, "not_found" },
        { "GET /healthz/ HTTP/1.1\r\n" HOST "\r\n", 404, "not_found" },
        { "GET /HEALTHZ HTTP/1.1\r\n" HOST "\r\n", 404, "not_found" },
        { "GET //healthz HTTP/1.1\r\n" HOST "\r\n", 404, "not_found" },
        { "DELETE /healthz HTTP/1.1\r\n" HOST "\r\n", 405, "method_not_allowed" },
        { "GET /v1/join HTTP/1.1\r\n" HOST "\r\n", 405, "method_not_allowed" },
        { "GET /v1/sessions/" SESSION "/ws HTTP/1.1\r\n" HOST "\r\n", 426, "upgrade_required" },
        { "GET /v1/sessions/nonsense/ws HTTP/1.1\r\n" UPGRADE "\r\n", 404, "not_found" },
        { "GET /v1/sessions/" SESSION "/ws HTTP/1.1\r\n" UPGRADE "\r\n", 400, "unsupported" },
        { "GET /v1/sessions/" SESSION "/ws HTTP/1.1\r\n" UPGRADE "Sec-WebSocket-Protocol: chat\r\n\r\n", 400, "unsupported" },
        { "GET /v1/sessions/" SESSION "/ws HTTP/1.1\r\n" HOST "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "
          "8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
          426, "malformed" },
        { "GET /v1/sessions/" SESSION "/ws HTTP/1.1\r\n" HOST
          "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n",
          400, "malformed" },
        { "nonsense\r\n\r\n", 400, "malformed" },
        { "\x16\x03\x01\x02 this is TLS\r\n\r\n", 400, "malformed" },
        { "POST /v1/join HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411, "malformed" },
        { "POST /v1/join HTTP/1.1\r\n" HOST "Content-Length: 99999999\r\n\r\n", 413, "limit" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CHECK(ask(cases[i].request) == cases[i].status, "%u for %s", answer.status, cases[i].request);
        CHECK(strcmp(answer.code, cases[i].code) == 0, "%s for %s", answer.body, cases[i].request);
    }
    ask("DELETE /healthz HTTP/1.1\r\n" HOST "\r\n");
    CHECK(strcmp(answer.allow, "GET") == 0, "%s", answer.allow);
}

static void a_head_may_come_byte_by_byte(void) {
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: a\r\nX-Padding: 0123456789\r\n\r\n";
    client_open();
    setsockopt(client.fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    for (size_t i = 0; i + 1 < sizeof request; i++) {
        client_send(request + i, 1);
        sleep_ms(2);
    }
    CHECK(client_answer() == 200, "%u", answer.status);
    client_close();
}

static void oversized_heads_are_refused(void) {
    static char request[200000];
    size_t size = (size_t)snprintf(request, sizeof request, "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: ");
    memset(request + size, 'a', 100000);
    memcpy(request + size + 100000, "\r\n\r\n", 5);
    CHECK(ask(request) == 431, "%u", answer.status);
    CHECK(strcmp(answer.code, "limit") == 0, "%s", answer.body);
    CHECK(!answer.keep_alive, "the connection ends");

    size = (size_t)snprintf(request, sizeof request, "GET /healthz HTTP/1.1\r\nHost: x\r\n");
    for (unsigned i = 0; i < 500; i++)
        size += (size_t)snprintf(request + size, sizeof request - size, "X-%u: a\r\n", i);
    memcpy(request + size, "\r\n", 3);
    CHECK(ask(request) == 431, "%u", answer.status);

    size = (size_t)snprintf(request, sizeof request, "GET /");
    memset(request + size, 'a', 100000);
    snprintf(request + size + 100000, sizeof request - size - 100000, " HTTP/1.1\r\n\r\n");
    ask(request);
    CHECK(answer.status == 414 || answer.status == 431, "%u", answer.status);
}

static void a_slow_request_is_ended(void) {
    static const char request[] = "GET /healthz HTTP/1.1\r\nX-Slow: ";
    uint64_t began_ms = now_ms();
    client_open();
    client_send(request, sizeof request - 1);
    /* A byte now and then must not help. */
    for (unsigned i = 0; i < 100; i++) {
        struct pollfd ready = { client.fd, POLLIN, 0 };
        if (poll(&ready, 1, 50) > 0)
            break;
        client_send("a", 1);
    }
    CHECK(client_answer() == 408, "%u", answer.status);
    uint64_t took_ms = now_ms() - began_ms;
    CHECK(took_ms >= REQUEST_MS - 50 && took_ms < REQUEST_MS + 2000, "%llu ms", (unsigned long long)took_ms);
    client_close();

    /* Who says nothing is not answered. */
    client_open();
    CHECK(client_answer() == 0, "%u", answer.status);
    client_close();
}

static void keep_alive_carries_many_and_pipelined_ones_in_order(void) {
    static const char three[] = "GET /healthz HTTP/1.1\r\n" HOST "\r\n"
                                "GET /readyz HTTP/1.1\r\n" HOST "\r\n"
                                "GET /nothing HTTP/1.1\r\n" HOST "\r\n";
    client_open();
    for (unsigned i = 0; i < 50; i++) {
        client_send("GET /healthz HTTP/1.1\r\n" HOST "\r\n", 34);
        CHECK(client_answer() == 200 && answer.keep_alive, "%u at %u", answer.status, i);
    }
    /* The second waits for other loops; the third must not overtake it. */
    client_send(three, sizeof three - 1);
    CHECK(client_answer() == 200, "%u", answer.status);
    CHECK(client_answer() == 503, "%u", answer.status);
    CHECK(client_answer() == 404, "%u", answer.status);
    client_send("GET /healthz HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", 53);
    CHECK(client_answer() == 200 && !answer.keep_alive, "%u", answer.status);
    CHECK(client_answer() == 0, "closed");
    client_close();
}

static void a_half_closed_client_is_answered(void) {
    client_open();
    client_send("GET /healthz HTTP/1.1\r\n" HOST "\r\n", 34);
    shutdown(client.fd, SHUT_WR);
    CHECK(client_answer() == 200, "%u", answer.status);
    client_close();
}

static void clients_that_hang_up_do_no_harm(void) {
    for (unsigned i = 0; i < 200; i++) {
        struct linger abrupt = { 1, 0 };
        int fd = dial();
        const char *request =
            i % 2 ? "GET /readyz HTTP/1.1\r\n" HOST "\r\n" : "POST /v1/join HTTP/1.1\r\n" HOST "Content-Length: 50\r\n\r\n{";
        (void)!send(fd, request, strlen(request), MSG_NOSIGNAL);
        if (i % 3 == 0)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &abrupt, sizeof abrupt);
        close(fd);
    }
    CHECK(ask("GET /healthz HTTP/1.1\r\n" HOST "\r\n") == 200, "%u", answer.status);
}

static void creating_a_session_needs_a_token(void) {
    CHECK(post("/v1/sessions", NULL, "{\"name\":\"a\"}") == 401, "%u", answer.status);
    CHECK(strcmp(answer.code, "credentials") == 0, "%s", answer.body);
    /* A wrong token is looked up, and the database is away. */
    CHECK(post("/v1/sessions", "wrong-token-of-some-length", "{\"name\":\"a\"}") == 503, "%u", answer.status);
    char long_token[2000];
    memset(long_token, 'a', sizeof long_token - 1);
    long_token[sizeof long_token - 1] = '\0';
    CHECK(post("/v1/sessions", long_token, "{}") == 401, "%u", answer.status);
}

static void bodies_are_checked_before_the_database(void) {
    static const struct {
        const char *path, *body;
        const char *code;
    } cases[] = {
        { "/v1/sessions", "", "malformed" },
        { "/v1/sessions", "[]", "malformed" },
        { "/v1/sessions", "{\"name\":{}}", "invalid_params" },
        { "/v1/sessions", "{\"name\":\"a\"", "malformed" },
        { "/v1/sessions", "{\"name\":\"\xff\"}", "malformed" },
        { "/v1/sessions", "{}", "invalid_params" },
        { "/v1/sessions", "{\"name\":\"\"}", "invalid_params" },
        { "/v1/sessions", "{\"name\":\"   \"}", "invalid_params" },
        { "/v1/sessions", "{\"name\":7}", "invalid_params" },
        { "/v1/sessions", "{\"name\":\"a\\r\\nb\"}", "invalid_params" },
        { "/v1/sessions", "{\"name\":\"a\",\"max_participants\":0}", "invalid_params" },
        { "/v1/sessions", "{\"name\":\"a\",\"max_participants\":1000001}", "invalid_params" },
        { "/v1/sessions", "{\"name\":\"a\",\"max_participants\":\"3\"}", "invalid_params" },
        { "/v1/sessions", "{\"name\":\"a\",\"type\":\"secret\"}", "invalid_params" },
        { "/v1/sessions", "{\"name\":\"a\",\"owner\":\"\\u0007\"}", "invalid_params" },
        { "/v1/sessions", "{\"name\":\"a\"}", "unavailable" },
        { "/v1/join", "{\"name\":\"a\"}", "invalid_params" },
        { "/v1/join", "{\"code\":\"ABCD2345\"}", "invalid_params" },
        { "/v1/join", "{\"code\":\"ABCD2345\",\"name\":\"\\u0000\"}", "" /* either word is right: the name is refused */ },
        { "/v1/join", "{\"code\":\"ABCD\",\"name\":\"a\"}", "not_found" },
        { "/v1/join", "{\"code\":\"ABCD2345\",\"name\":\"a\"}", "unavailable" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned status = post(cases[i].path, TOKEN, cases[i].body);
        CHECK(status >= 400, "%u for %s", status, cases[i].body);
        CHECK(cases[i].code[0] == '\0' ? answer.code[0] != '\0' : strcmp(answer.code, cases[i].code) == 0, "%s for %s", answer.body,
              cases[i].body);
    }
    char body[1024], name[402];
    memset(name, 'a', 401);
    name[401] = '\0';
    snprintf(body, sizeof body, "{\"name\":\"%s\"}", name);
    CHECK(post("/v1/sessions", TOKEN, body) == 400, "%u", answer.status);
}

static void an_upgrade_is_answered_and_handed_over(void) {
    static const char request[] =
        "GET /v1/sessions/" SESSION "/ws HTTP/1.1\r\n" UPGRADE "Sec-WebSocket-Protocol: x, vibesync.v1\r\n\r\n";
    client_open();
    client_send(request, sizeof request - 1);
    CHECK(client_answer() == 101, "%u", answer.status);
    client_close();
    /* And with the first frame right behind it, torn in the middle of the head. */
    client_open();
    client_send(request, 40);
    sleep_ms(20);
    client_send(request + 40, sizeof request - 41);
    client_send("\x82\x81\0\0\0\0\xc1", 7);
    CHECK(client_answer() == 101, "%u", answer.status);
    client_close();
}

static void pages_are_served_and_nothing_else(const char *folder) {
    static const char *const refused[] = {
        "/../secret", "/a/../../secret", "/%2e%2e/secret", "/..%2fsecret", "/.hidden", "/a/.hidden", "/link",        "/%00",
        "/a%00.txt",  "/nothing",        "/..\\secret",    "//secret",     "/%zz",     "/\xff",      "/index.html/", "/a//b.js",
    };
    char request[512], etag[100];
    CHECK(ask("GET / HTTP/1.1\r\n" HOST "\r\n") == 200, "%u", answer.status);
    CHECK(strcmp(answer.body, "<h1>hello</h1>") == 0, "%s", answer.body);
    CHECK(strstr(answer.type, "text/html") != NULL, "%s", answer.type);
    snprintf(etag, sizeof etag, "%s", answer.etag);
    snprintf(request, sizeof request, "GET /index.html HTTP/1.1\r\n" HOST "If-None-Match: %s\r\n\r\n", etag);
    CHECK(ask(request) == 304, "%u", answer.status);
    CHECK(ask("GET /a/b.js?x=1 HTTP/1.1\r\n" HOST "\r\n") == 200, "%u", answer.status);
    CHECK(strstr(answer.type, "javascript") != NULL, "%s", answer.type);
    CHECK(ask("POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n") == 405, "%u", answer.status);
    /* A file larger than any buffer between, taken slowly. */
    static uint8_t piece[65536];
    size_t got = 0;
    client_open();
    client_send("GET /large.bin HTTP/1.0\r\n\r\n", 27);
    for (ssize_t more; (more = recv(client.fd, piece, sizeof piece, 0)) > 0; got += (size_t)more)
        if (got < 200000)
            sleep_ms(2);
    client_close();
    CHECK(got > LARGE_BYTES && got < LARGE_BYTES + 1000, "%zu", got);
    /* And one who never takes it must not stay. */
    client_open();
    client_send("GET /large.bin HTTP/1.1\r\n" HOST "\r\n", 36);
    sleep_ms(REQUEST_MS * 3);
    for (got = 0; (recv(client.fd, piece, 1, MSG_PEEK) == 1) && got < (size_t)LARGE_BYTES * 2;) {
        ssize_t more = recv(client.fd, piece, sizeof piece, 0);
        if (more <= 0)
            break;
        got += (size_t)more;
    }
    CHECK(got < LARGE_BYTES, "cut off: %zu", got);
    client_close();
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n" HOST "\r\n", refused[i]);
        ask(request);
        CHECK(answer.status == 404 || answer.status == 400, "%u for %s in %s: %s", answer.status, refused[i], folder, answer.body);
    }
}

static void bad_starts_say_why_in_one_line(const char *path, const char *token_file, unsigned port) {
    const struct {
        const char *arguments[8];
        int status;
        const char *says;
    } cases[] = {
        { { "serve", "--database", "postgresql:///x", "--lisen", "x", NULL }, 2, "--lisen" },
        { { "serve", "--database", "postgresql:///x", "--listen", "here", NULL }, 1, "--listen" },
        { { "serve", "--listen", "127.0.0.1:0", NULL }, 2, "--database" },
        { { "serve", "--database", "postgresql:///x", "--ping-ms", "soon", NULL }, 2, "--ping-ms" },
        { { "serve", "--database", "postgresql:///x", "--admin-token-file", "/nonexistent", NULL }, 1, "/nonexistent" },
        { { "serve", "--database", "postgresql:///x", "--admin-token-file", token_file, NULL }, 1, "chmod 600" },
        { { "migrate", NULL }, 2, "--database" },
        { { "migrate", "--databse=x", NULL }, 2, "--databse" },
        { { "dance", NULL }, 2, "dance" },
        { { NULL }, 2, "serve" },
    };
    char said[8192];
    chmod(token_file, 0644);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int status = program_run(path, cases[i].arguments, said, sizeof said);
        CHECK(status == cases[i].status, "%d for case %zu: %s", status, i, said);
        CHECK(strstr(said, cases[i].says) != NULL && strncmp(said, "vibesyncd: ", 11) == 0, "%s", said);
        CHECK(strchr(said, '\n') == said + strlen(said) - 1, "more than a line: %s", said);
    }
    chmod(token_file, 0600);
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%u", port);
    const char *const taken[] = { "serve", "--database", "postgresql:///x", "--listen", address, NULL };
    CHECK(program_run(path, taken, said, sizeof said) == 1, "%s", said);
    CHECK(strstr(said, address) != NULL && strstr(said, "in use") != NULL, "%s", said);

    const char *const version[] = { "--version", NULL }, *const help[] = { "--help", NULL };
    CHECK(program_run(path, version, said, sizeof said) == 0 && strncmp(said, "vibesyncd ", 10) == 0, "%s", said);
    CHECK(program_run(path, help, said, sizeof said) == 0 && strstr(said, "--web-root") != NULL, "%s", said);
}

int main(int count, char **arguments) {
    char folder[] = "/tmp/vibesync-http-XXXXXX", path[300], token_file[300], web_root[300];
    if (count != 2)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    if (mkdtemp(folder) == NULL)
        die(folder);
    snprintf(web_root, sizeof web_root, "%s/web", folder);
    snprintf(path, sizeof path, "%s/web/a", folder);
    snprintf(token_file, sizeof token_file, "%s/token", folder);
    if (mkdir(web_root, 0700) != 0 || mkdir(path, 0700) != 0)
        die(path);
    write_file(folder, "token", TOKEN "\n");
    write_file(folder, "secret", "secret");
    write_file(folder, "web/index.html", "<h1>hello</h1>");
    write_file(folder, "web/.hidden", "hidden");
    write_file(folder, "web/a/.hidden", "hidden");
    write_file(folder, "web/a/b.js", "1;");
    write_file(folder, "web/large.bin", "");
    snprintf(path, sizeof path, "%s/web/large.bin", folder);
    if (truncate(path, LARGE_BYTES) != 0)
        die(path);
    snprintf(path, sizeof path, "%s/web/link", folder);
    if (symlink("../secret", path) != 0)
        die(path);

    const char *const serve[] = { "serve",
                                  "--listen",
                                  "127.0.0.1:0",
                                  "--loops",
                                  "2",
                                  "--database",
                                  "postgresql:///none?host=/nonexistent",
                                  "--admin-token-file",
                                  token_file,
                                  "--web-root",
                                  web_root,
                                  "--request-ms",
                                  "700",
                                  "--drain-ms",
                                  "2000",
                                  "--log-format=json",
                                  NULL };
    static struct program program;
    program_start(&program, arguments[1], serve);
    if (!program_serves(&program))
        return 1;

    health_tells_alive_and_not_ready();
    bad_paths_and_methods_are_named();
    a_head_may_come_byte_by_byte();
    oversized_heads_are_refused();
    a_slow_request_is_ended();
    keep_alive_carries_many_and_pipelined_ones_in_order();
    a_half_closed_client_is_answered();
    clients_that_hang_up_do_no_harm();
    creating_a_session_needs_a_token();
    bodies_are_checked_before_the_database();
    an_upgrade_is_answered_and_handed_over();
    pages_are_served_and_nothing_else(folder);
    bad_starts_say_why_in_one_line(arguments[1], token_file, program.port);
    CHECK(ask("GET /healthz HTTP/1.1\r\n" HOST "\r\n") == 200, "alive at the end: %u", answer.status);

    kill(program.pid, SIGTERM);
    int status = program_wait(&program);
    CHECK(status == 0, "nothing was edited, all is saved; status %d: %s", status, program.said);
    program_check_json(&program);

    snprintf(path, sizeof path, "rm -rf '%s'", folder);
    (void)!system(path);
    printf("%u checks, %u failed\n", checks, failures);
    return failures == 0 ? 0 : 1;
}
