/* http_probe.h — for the tests of the HTTP side: starts the real program, speaks to it as a client, keeps count of what held. */
#ifndef TESTS_HTTP_PROBE_H
#define TESTS_HTTP_PROBE_H

#include "wire/http.h"

#include <stdio.h>
#include <sys/types.h>

extern unsigned failures, checks;

#define CHECK(fact, ...)                                                         \
    do {                                                                         \
        checks++;                                                                \
        if (!(fact)) {                                                           \
            failures++;                                                          \
            fprintf(stderr, "%s:%d: not true: %s; ", __FILE__, __LINE__, #fact); \
            fprintf(stderr, __VA_ARGS__);                                        \
            fputc('\n', stderr);                                                 \
        }                                                                        \
    } while (0)

#define HOST "Host: x\r\n"

/* Prints what and errno; ends the test. */
_Noreturn void die(const char *what);
uint64_t now_ms(void);
void sleep_ms(unsigned ms);
/* With mode 0600. */
void write_file(const char *folder, const char *name, const char *content);

/* ---- the program ---- */

struct program {
    pid_t pid;
    int out; /* its stdout and stderr */
    unsigned port;
    char said[65536];
};

void program_start(struct program *program, const char *path, const char *const *arguments);
/* Reads what the program says until `word` or its end. */
bool program_says(struct program *program, const char *word, int limit_ms);
/* Until it serves; then ask() asks it. */
bool program_serves(struct program *program);
/* The exit status, or 128 + signal. */
int program_wait(struct program *program);
int program_run(const char *path, const char *const *arguments, char *said, size_t said_bytes);
/* Every line of its log must be a JSON object. */
void program_check_json(const struct program *program);

/* ---- one client, one connection at a time ---- */

enum { ANSWER_BYTES_MAX = 1 << 20 };

struct client {
    int fd;
    struct http_reader *reader;
    uint8_t read[ANSWER_BYTES_MAX];
    size_t read_size, read_used;
};

struct answer {
    unsigned status; /* 0: closed without one */
    bool keep_alive;
    char code[64]; /* of an error */
    char body[65536];
    size_t body_size;
    char etag[80], allow[40], type[80], retry_after[20];
};

extern struct client client;
extern struct answer answer; /* the last one */

int dial(void);
void client_open(void);
void client_close(void);
void client_send(const char *text, size_t size);
unsigned client_answer(void);

/* A connection of its own, one request. */
unsigned ask(const char *request);
unsigned post(const char *path, const char *token, const char *body);

#endif
