/* http_probe.c — see http_probe.h. */
#include "http_probe.h"

#include "wire/json_body.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static unsigned port; /* of the program asked last */

unsigned failures, checks;

void die(const char *what) {
    fprintf(stderr, "http_api: %s: %s\n", what, strerror(errno));
    exit(2);
}

uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void sleep_ms(unsigned ms) {
    nanosleep(&(struct timespec){ ms / 1000, (long)(ms % 1000) * 1000000 }, NULL);
}

void write_file(const char *folder, const char *name, const char *content) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, content, strlen(content)) != (ssize_t)strlen(content))
        die(path);
    close(fd);
}

/* ---- the program ---- */

void program_start(struct program *program, const char *path, const char *const *arguments) {
    const char *argv[32] = { path };
    int ends[2], count = 1;
    *program = (struct program){ 0 };
    while (*arguments != NULL)
        argv[count++] = *arguments++;
    if (pipe(ends) != 0 || (program->pid = fork()) < 0)
        die("cannot start");
    if (program->pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        execv(path, (char **)(uintptr_t)argv);
        die(path);
    }
    close(ends[1]);
    program->out = ends[0];
}

bool program_says(struct program *program, const char *word, int limit_ms) {
    uint64_t until = now_ms() + (uint64_t)limit_ms;
    for (;;) {
        if (strstr(program->said, word) != NULL)
            return true;
        struct pollfd ready = { program->out, POLLIN, 0 };
        int left = (int)(until - now_ms());
        size_t size = strlen(program->said);
        if (left <= 0 || poll(&ready, 1, left) <= 0 || size + 1 >= sizeof program->said)
            return false;
        ssize_t more = read(program->out, program->said + size, sizeof program->said - size - 1);
        if (more <= 0)
            return strstr(program->said, word) != NULL;
        program->said[size + (size_t)more] = '\0';
    }
}

bool program_serves(struct program *program) {
    if (!program_says(program, "serving on http://127.0.0.1:", 10000) || !program_says(program, "\n", 1000)) {
        fprintf(stderr, "did not start: %s\n", program->said);
        return false;
    }
    sscanf(strstr(program->said, "serving on http://127.0.0.1:") + 28, "%u", &program->port);
    port = program->port;
    return true;
}

void program_check_json(const struct program *program) {
    unsigned lines = 0;
    for (const char *line = program->said, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        struct json_body *body;
        if (strncmp(line, "vibesyncd: serving on ", 22) == 0)
            continue;
        lines++;
        enum status status = json_body_parse(bytes_of(line, (size_t)(end - line)), &body);
        CHECK(status == STATUS_OK, "not JSON: %.*s", (int)(end - line), line);
        if (status == STATUS_OK)
            json_body_destroy(body);
    }
    CHECK(lines > 0, "no log: %s", program->said);
}

int program_wait(struct program *program) {
    int status = 0;
    /* Keeps the pipe from filling up. */
    program_says(program, "\x01never", 20000);
    waitpid(program->pid, &status, 0);
    close(program->out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int program_run(const char *path, const char *const *arguments, char *said, size_t said_bytes) {
    struct program program;
    program_start(&program, path, arguments);
    int status = program_wait(&program);
    snprintf(said, said_bytes, "%.*s", (int)said_bytes - 1, program.said);
    return status;
}

/* ---- a client ---- */

struct client client;
struct answer answer;

int dial(void) {
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    struct timeval limit = { 5, 0 };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        die("cannot connect");
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
}

void client_open(void) {
    struct http_limits limits = { 16384, HTTP_HEADERS_MAX, ANSWER_BYTES_MAX };
    client.fd = dial();
    client.reader = http_reader_create(&mem_default, HTTP_READ_RESPONSES, &limits);
    client.read_size = client.read_used = 0;
}

void client_close(void) {
    close(client.fd);
    http_reader_destroy(client.reader);
}

void client_send(const char *text, size_t size) {
    while (size > 0) {
        ssize_t sent = send(client.fd, text, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* refused in the middle: the answer tells */
        text += sent;
        size -= (size_t)sent;
    }
}

static void copy_header(const struct http_message *message, const char *name, char *out, size_t size) {
    struct bytes value = http_message_header(message, name);
    snprintf(out, size, "%.*s", (int)value.size, value.data != NULL ? (const char *)value.data : "");
}

/* The word behind "code": in an error body. */
static void read_code(const struct http_message *message) {
    static const char key[] = "{\"error\":{\"code\":\"";
    answer.code[0] = '\0';
    if (message->body.size > sizeof key && memcmp(message->body.data, key, sizeof key - 1) == 0)
        sscanf((const char *)message->body.data + sizeof key - 1, "%63[a-z_]", answer.code);
}

unsigned client_answer(void) {
    memset(&answer, 0, sizeof answer);
    http_reader_reset(client.reader);
    for (;;) {
        struct http_fault fault;
        size_t used;
        struct bytes rest = bytes_of(client.read + client.read_used, client.read_size - client.read_used);
        enum status status = rest.size > 0 ? http_reader_feed(client.reader, rest, &used, &fault) : STATUS_MORE;
        if (rest.size > 0)
            client.read_used += used;
        if (status == STATUS_MORE) {
            client.read_size = client.read_used = 0;
            ssize_t more = recv(client.fd, client.read, sizeof client.read, 0);
            if (more > 0) {
                client.read_size = (size_t)more;
                continue;
            }
            if (http_reader_end(client.reader, &fault) != STATUS_OK)
                return 0;
        } else if (status != STATUS_OK) {
            CHECK(false, "not HTTP: %s", fault.what);
            return 0;
        }
        break;
    }
    const struct http_message *message = http_reader_message(client.reader);
    answer.status = message->status;
    answer.keep_alive = message->keep_alive;
    answer.body_size = message->body.size;
    snprintf(answer.body, sizeof answer.body, "%.*s", (int)message->body.size, (const char *)message->body.data);
    copy_header(message, "ETag", answer.etag, sizeof answer.etag);
    copy_header(message, "Allow", answer.allow, sizeof answer.allow);
    copy_header(message, "Content-Type", answer.type, sizeof answer.type);
    copy_header(message, "Retry-After", answer.retry_after, sizeof answer.retry_after);
    read_code(message);
    return answer.status;
}

unsigned ask(const char *request) {
    client_open();
    client_send(request, strlen(request));
    unsigned status = client_answer();
    client_close();
    return status;
}

unsigned post(const char *path, const char *token, const char *body) {
    char request[65536];
    snprintf(request, sizeof request,
             "POST %s HTTP/1.1\r\n" HOST "%s%s%sContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", path,
             token != NULL ? "Authorization: Bearer " : "", token != NULL ? token : "", token != NULL ? "\r\n" : "", strlen(body),
             body);
    return ask(request);
}
