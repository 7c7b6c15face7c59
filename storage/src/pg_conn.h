/* pg_conn.h — one non-blocking connection in pipeline mode. Used by store.c only.
 *
 *   IDLE ─start─▶ RESOLVING ─▶ CONNECTING ─▶ SETTING_UP ─▶ READY
 *     ▲               │             │             │           │
 *     └───────────────┴──── lost ───┴─────────────┴───────────┘
 *
 * Every command is a transaction of its own: the statement, then a Sync. It is answered only when the Sync is, because an implicit
 * transaction commits there: a result before it promises nothing. */
#ifndef STORE_PG_CONN_H
#define STORE_PG_CONN_H

#include "catalog.h"
#include "ground/list.h"
#include "resolve.h"

#include <libpq-fe.h>

struct pg_conn;
struct pg_command;

/* `result` NULL: the connection was lost, the outcome is unknown. The result is the connection's and ends with the call. */
typedef void (*pg_answer)(struct pg_conn *conn, struct pg_command *command, const PGresult *result);

enum pg_command_kind { PG_EXECUTE, PG_PREPARE, PG_DESCRIBE, PG_PLAIN };

struct pg_command {
    struct list link;
    enum pg_command_kind kind;
    struct statement *statement; /* all but PG_PLAIN */
    const char *sql;             /* PG_PLAIN: no parameters, text results */
    unsigned param_count;
    const char **values; /* binary format; NULL: SQL NULL */
    int *lengths;
    pg_answer answer;
    /* private */
    PGresult *result;
    uint64_t sent_ms;
};

struct pg_conn_handlers {
    void (*watch)(struct pg_conn *conn, int fd, unsigned wants);
    /* Set-up is done. */
    void (*ready)(struct pg_conn *conn);
    /* After every command was answered. `refused`: reached, but not usable. */
    void (*lost)(struct pg_conn *conn, bool refused, const char *reason);
};

enum pg_conn_state { PG_CONN_IDLE, PG_CONN_RESOLVING, PG_CONN_CONNECTING, PG_CONN_SETTING_UP, PG_CONN_READY };

struct pg_conn {
    const struct mem *mem;
    const struct pg_conn_handlers *handlers;
    void *context;
    struct conninfo *conninfo;
    struct list *statements; /* to prepare */
    unsigned statement_timeout_ms;
    bool allow_volatile;
    /* private */
    enum pg_conn_state state;
    PGconn *pg;
    int fd;
    unsigned wants;
    uint64_t now_ms;
    uint64_t started_ms; /* of the attempt */
    uint64_t heard_ms;   /* of the newest answer */
    struct list sent;
    unsigned sent_count;
    size_t unflushed; /* bytes of parameters sent since the socket had taken everything */
    unsigned setup_left;
    bool broken;
    bool refused;
    char reason[CATALOG_REASON];
};

void pg_conn_init(struct pg_conn *conn); /* the public members are set, the rest is zero */

/* Closes; what is on the way is answered with no result; lost() is not called. */
void pg_conn_finish(struct pg_conn *conn);

/* Begins an attempt; the connection is idle. Ends in ready() or lost(), never inside this call. */
void pg_conn_start(struct pg_conn *conn, uint64_t now_ms);

/* Sends a command; the connection is ready. Its memory stays put until its answer. Never calls back. */
void pg_conn_send(struct pg_conn *conn, struct pg_command *command);

/* Whether it is ready and another command should be sent now. Not while the socket is full: libpq keeps what it can't write in a
 * buffer that never shrinks, and sixty checkpoints in it were megabytes for ever. May call answers. */
bool pg_conn_takes(struct pg_conn *conn);

/* Drops the connection at the next pg_conn_tick() or pg_conn_flush(), as if it had been lost. */
void pg_conn_break(struct pg_conn *conn, const char *reason);

/* All three may call answers, ready() and lost(). */
void pg_conn_ready(struct pg_conn *conn);
void pg_conn_flush(struct pg_conn *conn);
void pg_conn_tick(struct pg_conn *conn, uint64_t now_ms);

#endif
