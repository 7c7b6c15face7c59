/* store_loop.h — a store with a private PostgreSQL behind it and a loop of poll(2) around it, for programs that measure. What goes
 * wrong ends the program: a measurement that failed has no figure. */
#ifndef BENCH_STORE_LOOP_H
#define BENCH_STORE_LOOP_H

#include "pg_cluster.h"
#include "store/documents.h"

struct store_loop {
    struct pg_cluster cluster;
    char owner_url[PG_URL_MAX];
    struct store *store;
    struct uuid session;
    int fds[STORE_SLOTS];
    unsigned wants[STORE_SLOTS];
};

_Noreturn void bench_die(const char *what);
void *bench_must(void *block); /* NULL: out of memory */
uint64_t bench_now_ns(void);

/* A fresh cluster, migrated, with a user and a session; `settings`: for PostgreSQL's command line, or NULL. */
void store_loop_start(struct store_loop *loop, const char *settings);
void store_loop_stop(struct store_loop *loop);

/* A new file of the session. */
struct uuid store_loop_file(struct store_loop *loop);

/* One turn, which waits at most `wait_ns`. */
void store_loop_turn(struct store_loop *loop, uint64_t wait_ns);

#endif
