/* store_loop.c — see store_loop.h. */
#include "store_loop.h"

#include "store/migrate.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

_Noreturn void bench_die(const char *what) {
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

void *bench_must(void *block) {
    if (block == NULL)
        bench_die("out of memory");
    return block;
}

uint64_t bench_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void store_loop_watch(void *context, unsigned slot, int fd, unsigned wants) {
    struct store_loop *loop = context;
    loop->fds[slot] = wants == STORE_NONE ? -1 : fd;
    loop->wants[slot] = wants;
}

void store_loop_turn(struct store_loop *loop, uint64_t wait_ns) {
    struct pollfd polls[STORE_SLOTS];
    store_flush(loop->store, bench_now_ns() / 1000000);
    for (unsigned i = 0; i < STORE_SLOTS; i++)
        polls[i] = (struct pollfd){
            loop->fds[i], (short)((loop->wants[i] & STORE_READ ? POLLIN : 0) | (loop->wants[i] & STORE_WRITE ? POLLOUT : 0)), 0
        };
    uint64_t most_ns = (uint64_t)STORE_TICK_MS * 1000000;
    wait_ns = wait_ns < most_ns ? wait_ns : most_ns;
    struct timespec wait = { 0, (long)wait_ns };
    ppoll(polls, STORE_SLOTS, &wait, NULL);
    for (unsigned i = 0; i < STORE_SLOTS; i++)
        if (polls[i].fd >= 0 && polls[i].revents != 0 && loop->fds[i] == polls[i].fd)
            store_ready(loop->store, i, STORE_READ | STORE_WRITE);
    store_tick(loop->store, bench_now_ns() / 1000000);
}

static struct uuid random_uuid(void) {
    uint8_t random[10];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        bench_die("no random numbers");
    return uuid_v7((uint64_t)time(NULL) * 1000, random);
}

static struct uuid sql_uuid(const struct store_loop *loop, const char *sql) {
    char text[64];
    struct uuid uuid;
    if (!pg_query(loop->owner_url, sql, text, sizeof text) || !uuid_parse(bytes_text(text), &uuid))
        bench_die(sql);
    return uuid;
}

void store_loop_start(struct store_loop *loop, const char *settings) {
    char url[PG_URL_MAX];
    if (!pg_cluster_start(&loop->cluster, settings) || !pg_cluster_database(&loop->cluster, loop->owner_url))
        bench_die("no PostgreSQL");
    struct migrate_options migrate = { .url = loop->owner_url, .server_role = "vibesync_server" };
    struct migrate_report report;
    if (migrate_run(&migrate, &report) != STATUS_OK)
        bench_die(report.message);
    pg_url_for_role(loop->owner_url, "vibesync_server", url);
    sql_uuid(loop, "insert into users (username) values ('bench') returning id");
    loop->session = sql_uuid(loop, "insert into coding_sessions (name, owner_id) select 'bench', id from users returning id");
    struct store_options options = { .url = url, .writer = random_uuid() };
    struct store_owner owner = { loop, store_loop_watch, NULL };
    char reason[256];
    for (unsigned i = 0; i < STORE_SLOTS; i++)
        loop->fds[i] = -1;
    if (store_create(&options, &owner, bench_now_ns() / 1000000, reason, &loop->store) != STATUS_OK)
        bench_die(reason);
    while (store_health(loop->store).state != STORE_READY)
        store_loop_turn(loop, UINT64_MAX);
}

void store_loop_stop(struct store_loop *loop) {
    store_destroy(loop->store);
    pg_cluster_close(&loop->cluster);
}

struct uuid store_loop_file(struct store_loop *loop) {
    return sql_uuid(loop, "insert into files (session_id, filename, file_path) "
                          "select id, n, n from coding_sessions, (select 'f' || count(*) as n from files) f returning id");
}
