/* pg_conn.c — one non-blocking connection; the state diagram is in pg_conn.h.
 *
 *   IDLE       → RESOLVING    pg_conn_start
 *   RESOLVING  → CONNECTING   pg_conn_connect      names are numbers now
 *   CONNECTING → SETTING_UP   pg_conn_set_up       the start-up packet is answered: enter pipeline mode, check, prepare
 *   SETTING_UP → READY        pg_conn_set_up_on_…  the last of the set-up commands is answered
 *   any        → IDLE         pg_conn_drop         error, time limit, or something that we refuse
 *
 * Errors are noted in `broken` and acted upon in one place, pg_conn_settle(), so that no answer is called from inside a send. */
#include "pg_conn.h"

#include "pg_types.h"
#include "store/store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    UNFLUSHED_BYTES_MAX = 64 << 10, /* several small commands in one write */
    CONNECT_MS_MAX = 10000,         /* names, TCP, TLS, authentication, set-up */
    ANSWER_SLACK_MS = 10000,        /* beyond the statement timeout: then the other side is gone and TCP has not noticed */
};

void pg_conn_init(struct pg_conn *conn) {
    conn->fd = -1;
    list_init(&conn->sent);
}

/* libpq ends its messages with a newline and may write several lines. */
static void pg_conn_note(struct pg_conn *conn, const char *message) {
    if (conn->broken)
        return; /* the first reason is the cause */
    conn->broken = true;
    snprintf(conn->reason, sizeof conn->reason, "%s", message == NULL ? "connection lost" : message);
    size_t size = strlen(conn->reason);
    while (size > 0 && conn->reason[size - 1] == '\n')
        conn->reason[--size] = 0;
    for (char *at = conn->reason; *at != 0; at++)
        if (*at == '\n' || *at == '\t')
            *at = ' ';
    if (conn->reason[0] == 0)
        snprintf(conn->reason, sizeof conn->reason, "connection lost");
}

void pg_conn_break(struct pg_conn *conn, const char *reason) {
    if (conn->state != PG_CONN_IDLE)
        pg_conn_note(conn, reason);
}

static void pg_conn_watch(struct pg_conn *conn, int fd, unsigned wants) {
    if (fd == conn->fd && wants == conn->wants)
        return;
    if (fd != conn->fd && conn->fd >= 0 && conn->wants != STORE_NONE)
        conn->handlers->watch(conn, conn->fd, STORE_NONE);
    conn->fd = fd;
    conn->wants = wants;
    if (fd >= 0)
        conn->handlers->watch(conn, fd, wants);
}

static void pg_conn_unwatch(struct pg_conn *conn) {
    pg_conn_watch(conn, -1, STORE_NONE);
}

void pg_conn_finish(struct pg_conn *conn) {
    pg_conn_unwatch(conn);
    PQfinish(conn->pg);
    conn->pg = NULL;
    conn->state = PG_CONN_IDLE;
    conn->broken = false;
    conn->setup_left = 0;
    if (conn->conninfo != NULL)
        conninfo_forget(conn->conninfo);
    while (!list_empty(&conn->sent)) {
        struct pg_command *command = list_entry(conn->sent.next, struct pg_command, link);
        list_remove(&command->link);
        conn->sent_count--;
        PQclear(command->result);
        command->result = NULL;
        command->answer(conn, command, NULL);
    }
}

/* To IDLE; every command on the way is answered "unknown", then the owner is told. */
static void pg_conn_drop(struct pg_conn *conn) {
    bool refused = conn->refused;
    pg_conn_finish(conn);
    conn->refused = false;
    conn->handlers->lost(conn, refused, conn->reason);
}

/* The one place that acts on trouble. */
static void pg_conn_settle(struct pg_conn *conn) {
    if (conn->broken)
        pg_conn_drop(conn);
}

/* ---- connecting ---- */

void pg_conn_start(struct pg_conn *conn, uint64_t now_ms) {
    assert(conn->state == PG_CONN_IDLE);
    conn->now_ms = now_ms;
    conn->started_ms = now_ms;
    conn->broken = false;
    conn->refused = false;
    conn->state = PG_CONN_RESOLVING;
}

/* libpq would print notices to stderr. */
static void pg_conn_on_notice(void *context, const PGresult *notice) {
    (void)context;
    (void)notice;
}

static void pg_conn_connect(struct pg_conn *conn) {
    char reason[CATALOG_REASON];
    enum status status = conninfo_resolve(conn->conninfo, reason);
    if (status == STATUS_MORE)
        return;
    if (status != STATUS_OK) {
        pg_conn_note(conn, reason);
        return;
    }
    const char *const *keywords;
    const char *const *values;
    conninfo_words(conn->conninfo, &keywords, &values);
    conn->pg = PQconnectStartParams(keywords, values, 0);
    conn->state = PG_CONN_CONNECTING;
    if (conn->pg == NULL || PQstatus(conn->pg) == CONNECTION_BAD) {
        pg_conn_note(conn, conn->pg == NULL ? "out of memory" : PQerrorMessage(conn->pg));
        return;
    }
    PQsetNoticeReceiver(conn->pg, pg_conn_on_notice, NULL);
    pg_conn_watch(conn, PQsocket(conn->pg), STORE_WRITE);
}

static void pg_conn_set_up(struct pg_conn *conn);

static void pg_conn_on_connecting(struct pg_conn *conn) {
    /* libpq may close this descriptor and open another inside the call, with the same number: nothing may be watched meanwhile. */
    pg_conn_unwatch(conn);
    switch (PQconnectPoll(conn->pg)) {
    case PGRES_POLLING_READING:
        pg_conn_watch(conn, PQsocket(conn->pg), STORE_READ);
        return;
    case PGRES_POLLING_WRITING:
        pg_conn_watch(conn, PQsocket(conn->pg), STORE_WRITE);
        return;
    case PGRES_POLLING_OK:
        pg_conn_set_up(conn);
        return;
    default:
        pg_conn_note(conn, PQerrorMessage(conn->pg));
    }
}

/* ---- set-up: settings, then every statement prepared and described ---- */

struct pg_setup {
    struct pg_command command;
    char sql[512];
};

static void pg_conn_refuse(struct pg_conn *conn, const char *reason) {
    if (!conn->broken)
        conn->refused = true;
    pg_conn_note(conn, reason);
}

static void pg_conn_set_up_on_answered(struct pg_conn *conn, struct pg_command *command) {
    struct pg_setup *setup = list_entry(command, struct pg_setup, command);
    mem_free(conn->mem, setup, sizeof *setup);
    if (conn->setup_left == 0) /* the connection was dropped meanwhile */
        return;
    if (--conn->setup_left == 0 && !conn->broken) {
        conn->state = PG_CONN_READY;
        conn->handlers->ready(conn);
    }
}

static bool pg_result_is_good(const PGresult *result) {
    ExecStatusType type = PQresultStatus(result);
    return type == PGRES_TUPLES_OK || type == PGRES_COMMAND_OK;
}

/* A commit that is not on disk when it is reported is not what we promise. The values are this session's own: a setting of the role
 * or the database counts. */
static void pg_conn_set_up_on_settings(struct pg_conn *conn, struct pg_command *command, const PGresult *result) {
    if (result != NULL && !pg_result_is_good(result))
        pg_conn_refuse(conn, PQresultErrorMessage(result));
    else if (result != NULL) {
        static const struct {
            const char *name;
            const char *bad;
        } checks[] = { { "fsync", "off" }, { "full_page_writes", "off" }, { "synchronous_commit", "off" } };
        char reason[CATALOG_REASON];
        for (int i = 0; i < 3 && !conn->allow_volatile; i++)
            if (strcmp(PQgetvalue(result, 0, i), checks[i].bad) == 0) {
                snprintf(reason, sizeof reason, "commits would not be durable: PostgreSQL runs this role with %s = off",
                         checks[i].name);
                pg_conn_refuse(conn, reason);
            }
        if (strtol(PQgetvalue(result, 0, 3), NULL, 10) < 150000)
            pg_conn_refuse(conn, "PostgreSQL 15 or newer is needed");
        if (strcmp(PQgetvalue(result, 0, 4), "UTF8") != 0)
            pg_conn_refuse(conn, "the database's encoding must be UTF8");
    }
    pg_conn_set_up_on_answered(conn, command);
}

static void pg_conn_set_up_on_prepared(struct pg_conn *conn, struct pg_command *command, const PGresult *result) {
    if (result != NULL && !pg_result_is_good(result)) {
        char reason[CATALOG_REASON];
        const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
        snprintf(reason, sizeof reason, "statement %s: %s", command->statement->name,
                 message == NULL ? PQresultErrorMessage(result) : message);
        /* Shutting down or out of memory in the middle of it is not the statement's fault. */
        if (sqlstate != NULL && (sqlstate[0] == '5' || sqlstate[0] == '0'))
            pg_conn_note(conn, reason);
        else
            pg_conn_refuse(conn, reason);
    }
    pg_conn_set_up_on_answered(conn, command);
}

static void pg_conn_set_up_on_described(struct pg_conn *conn, struct pg_command *command, const PGresult *result) {
    struct statement *statement = command->statement;
    if (result != NULL && pg_result_is_good(result)) {
        int count = PQnparams(result);
        if (count > PARAMS_MAX) {
            char reason[CATALOG_REASON];
            snprintf(reason, sizeof reason, "statement %s: more than %d parameters", statement->name, PARAMS_MAX);
            pg_conn_refuse(conn, reason);
        } else {
            statement->param_count = (unsigned)count;
            for (int i = 0; i < count; i++)
                statement->param_types[i] = PQparamtype(result, i);
            statement->described = true;
        }
    }
    pg_conn_set_up_on_answered(conn, command);
}

static void pg_conn_set_up_send(struct pg_conn *conn, enum pg_command_kind kind, struct statement *statement, const char *sql,
                                pg_answer answer) {
    struct pg_setup *setup = mem_zalloc(conn->mem, sizeof *setup);
    if (setup == NULL) {
        pg_conn_note(conn, "out of memory");
        return;
    }
    list_init(&setup->command.link);
    setup->command.kind = kind;
    setup->command.statement = statement;
    if (sql != NULL) {
        snprintf(setup->sql, sizeof setup->sql, "%s", sql);
        setup->command.sql = setup->sql;
    }
    setup->command.answer = answer;
    conn->setup_left++;
    pg_conn_send(conn, &setup->command);
}

static void pg_conn_set_up_on_limits(struct pg_conn *conn, struct pg_command *command, const PGresult *result) {
    if (result != NULL && !pg_result_is_good(result))
        pg_conn_refuse(conn, PQresultErrorMessage(result));
    pg_conn_set_up_on_answered(conn, command);
}

static void pg_conn_set_up(struct pg_conn *conn) {
    conn->unflushed = 0;
    if (PQsetnonblocking(conn->pg, 1) != 0 || PQenterPipelineMode(conn->pg) != 1) {
        pg_conn_note(conn, PQerrorMessage(conn->pg));
        return;
    }
    conninfo_forget(conn->conninfo);
    conn->state = PG_CONN_SETTING_UP;
    char limits[160];
    snprintf(limits, sizeof limits, "select set_config('statement_timeout', '%u', false), set_config('lock_timeout', '%u', false)",
             conn->statement_timeout_ms, conn->statement_timeout_ms / 2);
    pg_conn_set_up_send(conn, PG_PLAIN, NULL, limits, pg_conn_set_up_on_limits);
    pg_conn_set_up_send(conn, PG_PLAIN, NULL,
                        "select current_setting('fsync'), current_setting('full_page_writes'), "
                        "current_setting('synchronous_commit'), current_setting('server_version_num'), "
                        "current_setting('server_encoding')",
                        pg_conn_set_up_on_settings);
    list_each (link, conn->statements) {
        struct statement *statement = list_entry(link, struct statement, link);
        pg_conn_set_up_send(conn, PG_PREPARE, statement, NULL, pg_conn_set_up_on_prepared);
        pg_conn_set_up_send(conn, PG_DESCRIBE, statement, NULL, pg_conn_set_up_on_described);
    }
    pg_conn_watch(conn, PQsocket(conn->pg), STORE_READ | STORE_WRITE);
}

/* ---- sending and receiving ---- */

static int pg_conn_send_command(struct pg_conn *conn, const struct pg_command *command) {
    static const int binary[PARAMS_MAX] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                            1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
    switch (command->kind) {
    case PG_PREPARE:
        return PQsendPrepare(conn->pg, command->statement->name, command->statement->sql, 0, NULL);
    case PG_DESCRIBE:
        return PQsendDescribePrepared(conn->pg, command->statement->name);
    case PG_PLAIN:
        return PQsendQueryParams(conn->pg, command->sql, 0, NULL, NULL, NULL, NULL, 0);
    case PG_EXECUTE:
        return PQsendQueryPrepared(conn->pg, command->statement->name, (int)command->param_count,
                                   (const char *const *)command->values, command->lengths, binary, 1);
    }
    return 0;
}

void pg_conn_send(struct pg_conn *conn, struct pg_command *command) {
    assert(conn->state == PG_CONN_READY || conn->state == PG_CONN_SETTING_UP);
    command->result = NULL;
    command->sent_ms = conn->now_ms;
    list_append(&conn->sent, &command->link);
    conn->sent_count++;
    for (unsigned i = 0; i < command->param_count; i++)
        conn->unflushed += (size_t)command->lengths[i];
    if (conn->broken)
        return; /* answered when the connection is dropped */
    if (pg_conn_send_command(conn, command) != 1 || PQpipelineSync(conn->pg) != 1)
        pg_conn_note(conn, PQerrorMessage(conn->pg));
}

/* The Sync of the oldest command is answered: so is the command. */
static void pg_conn_answer(struct pg_conn *conn) {
    struct pg_command *command = list_entry(conn->sent.next, struct pg_command, link);
    PGresult *result = command->result;
    command->result = NULL;
    list_remove(&command->link);
    conn->sent_count--;
    conn->heard_ms = conn->now_ms;
    command->answer(conn, command, result);
    PQclear(result);
}

static void pg_conn_take(struct pg_conn *conn, PGresult *result) {
    if (list_empty(&conn->sent)) {
        PQclear(result);
        pg_conn_note(conn, "an answer without a question");
        return;
    }
    struct pg_command *command = list_entry(conn->sent.next, struct pg_command, link);
    if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
        PQclear(result);
        if (command->result == NULL)
            pg_conn_note(conn, "a question without an answer");
        else
            pg_conn_answer(conn);
        return;
    }
    /* A second result for one statement can only be an error at its commit: it is what counts. */
    PQclear(command->result);
    command->result = result;
}

/* What libpq has read already. */
static void pg_conn_take_all(struct pg_conn *conn) {
    /* Even a broken connection may hold whole answers, and a commit known is better than one unknown. */
    PGconn *pg = conn->pg;
    bool after_null = false;
    while (conn->pg == pg && !list_empty(&conn->sent) && !PQisBusy(pg)) {
        PGresult *result = PQgetResult(pg);
        if (result == NULL) {
            if (after_null)
                break;
            after_null = true; /* the end of one statement's results; a Sync's comes next */
            continue;
        }
        after_null = false;
        pg_conn_take(conn, result);
    }
    if (PQstatus(pg) == CONNECTION_BAD)
        pg_conn_note(conn, PQerrorMessage(pg));
}

static void pg_conn_receive(struct pg_conn *conn) {
    if (PQconsumeInput(conn->pg) != 1)
        pg_conn_note(conn, PQerrorMessage(conn->pg));
    pg_conn_take_all(conn);
}

/* Flushing against a full or dying socket makes libpq read, too: answers may lie in its buffer then, or the connection may be
 * closed, and no event will ever tell. So both are looked at here. */
static void pg_conn_write(struct pg_conn *conn) {
    int left = PQflush(conn->pg);
    if (left == 0)
        conn->unflushed = 0;
    if (left < 0)
        pg_conn_note(conn, PQerrorMessage(conn->pg));
    else
        pg_conn_take_all(conn);
    if (!conn->broken)
        pg_conn_watch(conn, PQsocket(conn->pg), STORE_READ | (left > 0 ? STORE_WRITE : 0));
}

bool pg_conn_takes(struct pg_conn *conn) {
    if (conn->state == PG_CONN_READY && !conn->broken && conn->unflushed >= UNFLUSHED_BYTES_MAX)
        pg_conn_write(conn);
    return conn->state == PG_CONN_READY && !conn->broken && conn->unflushed < UNFLUSHED_BYTES_MAX;
}

void pg_conn_ready(struct pg_conn *conn) {
    if (conn->state == PG_CONN_CONNECTING)
        pg_conn_on_connecting(conn);
    else if (conn->state == PG_CONN_SETTING_UP || conn->state == PG_CONN_READY) {
        pg_conn_receive(conn);
        if (!conn->broken)
            pg_conn_write(conn);
    }
    pg_conn_settle(conn);
}

void pg_conn_flush(struct pg_conn *conn) {
    if (!conn->broken && (conn->state == PG_CONN_SETTING_UP || conn->state == PG_CONN_READY))
        pg_conn_write(conn);
    pg_conn_settle(conn);
}

void pg_conn_tick(struct pg_conn *conn, uint64_t now_ms) {
    conn->now_ms = now_ms;
    if (conn->state == PG_CONN_RESOLVING)
        pg_conn_connect(conn);
    if (conn->state != PG_CONN_IDLE && conn->state != PG_CONN_READY && now_ms - conn->started_ms > CONNECT_MS_MAX)
        pg_conn_note(conn, "connecting took too long");
    if (conn->state == PG_CONN_READY && !list_empty(&conn->sent)) {
        const struct pg_command *oldest = list_entry(conn->sent.next, struct pg_command, link);
        uint64_t since_ms = oldest->sent_ms > conn->heard_ms ? oldest->sent_ms : conn->heard_ms;
        if (now_ms - since_ms > conn->statement_timeout_ms + ANSWER_SLACK_MS)
            pg_conn_note(conn, "no answer for too long");
    }
    pg_conn_settle(conn);
}
