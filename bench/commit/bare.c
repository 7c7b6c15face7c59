/* bare.c — see bare.h. */
#include "bare.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int bare_good(PGconn *connection, PGresult *result) {
    int good = PQresultStatus(result) == PGRES_COMMAND_OK;
    if (!good)
        fprintf(stderr, "%s", PQerrorMessage(connection));
    PQclear(result);
    return good;
}

static void sleep_until(uint64_t ns) {
    struct timespec at = { (time_t)(ns / 1000000000), (long)(ns % 1000000000) };
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

size_t bare_commits(const char *url, size_t row_bytes, unsigned rate, double seconds, uint64_t *out_ns, size_t max) {
    size_t count = 0;
    char *row = calloc(1, row_bytes);
    PGconn *connection = PQconnectdb(url);
    const char *values[] = { row };
    int lengths[] = { (int)row_bytes };
    int binary[] = { 1 };
    if (row != NULL && PQstatus(connection) == CONNECTION_OK &&
        bare_good(connection, PQexec(connection, "set client_min_messages = warning; "
                                                 "create table if not exists bare (id bigserial primary key, row bytea)")) &&
        bare_good(connection, PQprepare(connection, "commit", "insert into bare (row) values ($1)", 1, NULL))) {
        uint64_t end = now_ns() + (uint64_t)(seconds * 1e9);
        for (uint64_t due = now_ns(); due < end && count < max;) {
            if (!bare_good(connection, PQexecPrepared(connection, "commit", 1, values, lengths, binary, 0)))
                break;
            uint64_t after = now_ns();
            out_ns[count++] = after - due;
            due = rate == 0 ? after : due + 1000000000 / rate;
            if (due > after)
                sleep_until(due);
        }
    }
    PQfinish(connection);
    free(row);
    return count;
}
