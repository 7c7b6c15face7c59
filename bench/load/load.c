/* load.c — what the parts of the generator share: the end, time, chance. */
#include "load.h"

#include <stdarg.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

void load_die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("vibesync-load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(LOAD_USAGE);
}

void *load_must(void *block) {
    if (block == NULL)
        load_die("out of memory");
    return block;
}

uint64_t load_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t load_random(void) {
    uint64_t random;
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        load_die("the system gives no random bytes");
    return random;
}
