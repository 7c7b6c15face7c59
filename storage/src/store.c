/* store.c — three lanes, their queues, and what the owner is told.
 *
 *   store_submit ─▶ lane.queue ──lane_pump──▶ pg_conn (sent, in order) ──answer──▶ store_command_on_answer ─▶ reply
 *
 * A lane's life: not connected ─▶ ready ─▶ lost ─▶ (back-off) ─▶ ready. The state of the store is made from the three:
 *
 *   all ready                                   READY
 *   one was reached and refused                 REFUSED     its queue is answered STATUS_UNAVAILABLE, it is tried again
 *   down for a second, or never reached         AWAY        the same
 *   else                                        CONNECTING  the queues wait
 *
 * What is forbidden: calling back from inside a function that is not store_ready(), store_flush() or store_tick(). */
#include "store_inside.h"

#include "pg_types.h"
#include "row_inside.h"

#include <assert.h>
#include <stdio.h>

extern const struct embedded_file store_sql_writer[];
extern const struct embedded_file store_sql_bulk[];
extern const struct embedded_file store_sql_query[];

enum {
    LANE_DEPTH_MAX = 64,      /* statements sent and unanswered: enough to hide the round trip */
    LANE_GRACE_MS = 1000,     /* a blink: statements wait */
    LANE_WAIT_MS_MAX = 10000, /* and no longer than this */
    LANE_RETRY_MS_MIN = 100,
    LANE_RETRY_MS_MAX = 5000,
    QUEUE_COUNT_MAX = 4096,
    QUEUE_BYTES_MAX = 64 << 20,
    DIRTY_BYTES_MAX = 256 << 20,
};

/* Statement time limits per lane. */
static const unsigned lane_statement_ms[LANE_COUNT] = { [LANE_WRITER] = 30000, [LANE_BULK] = 120000, [LANE_QUERY] = 15000 };

/* ---- state ---- */

static enum store_state store_state_now(const struct store *store, const char **out_reason) {
    enum store_state state = STORE_READY;
    const char *reason = "";
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        const struct lane *lane = &store->lanes[i];
        enum store_state of_lane = STORE_CONNECTING;
        if (lane->conn.state == PG_CONN_READY)
            of_lane = STORE_READY;
        else if (lane->refused)
            of_lane = STORE_REFUSED;
        else if (lane->was_ready ? store->now_ms - lane->down_ms > LANE_GRACE_MS : lane->failures > 0)
            of_lane = STORE_AWAY;
        static const unsigned gravity[] = { [STORE_READY] = 0, [STORE_CONNECTING] = 1, [STORE_AWAY] = 2, [STORE_REFUSED] = 3 };
        if (gravity[of_lane] > gravity[state]) {
            state = of_lane;
            reason = lane->reason;
        }
    }
    *out_reason = state == STORE_READY ? store->journal.reason : reason;
    return state;
}

static bool store_is_away(const struct store *store) {
    return store->state == STORE_AWAY || store->state == STORE_REFUSED;
}

struct store_health store_health(const struct store *store) {
    return (struct store_health){
        .state = store->state,
        .since_ms = store->state_since_ms,
        .dirty_bytes = store->journal.dirty_bytes,
        .dirty_since_ms = journal_dirty_since(store),
        .queued = store->lanes[LANE_BULK].command_count + store->lanes[LANE_QUERY].command_count,
        .group = store->journal.group_done,
        .reason = store->reason,
    };
}

static void store_answer(struct store_command *command, const struct reply *reply);

static void lane_refuse_queue(struct lane *lane, const char *why) {
    struct reply reply = reply_without(STATUS_UNAVAILABLE, why);
    unsigned left = (unsigned)lane->command_count; /* what callbacks queue now waits for the next turn */
    while (left-- > 0 && !list_empty(&lane->queue)) {
        struct store_command *command = list_entry(lane->queue.next, struct store_command, pg.link);
        list_remove(&command->pg.link);
        store_answer(command, &reply);
    }
}

static void store_update_state(struct store *store) {
    const char *reason;
    enum store_state state = store_state_now(store, &reason);
    /* Not held against the old reason: both may be the journal's own buffer, which has been written meanwhile. */
    bool changed = state != store->state || (reason[0] != 0) != store->has_reason;
    store->reason = reason;
    store->has_reason = reason[0] != 0;
    if (state != store->state) {
        store->state = state;
        store->state_since_ms = store->now_ms;
    }
    if (store_is_away(store))
        for (unsigned i = LANE_BULK; i < LANE_COUNT; i++)
            lane_refuse_queue(&store->lanes[i], "PostgreSQL is away");
    if (changed && store->owner.health_changed != NULL) {
        struct store_health health = store_health(store);
        store->owner.health_changed(store->owner.context, &health);
    }
}

/* ---- commands ---- */

static void store_command_free(struct store_command *command) {
    struct lane *lane = command->lane;
    lane->command_count--;
    lane->command_bytes -= command->block_bytes;
    if (command->request != NULL)
        command->request->command = NULL;
    mem_free(lane->store->mem, command, command->block_bytes);
}

static void store_answer(struct store_command *command, const struct reply *reply) {
    store_reply callback = command->lane->store->closing ? NULL : command->reply;
    void *context = command->context;
    store_command_free(command); /* first: the callback may submit with the same request, or free it */
    if (callback != NULL)
        callback(context, reply);
}

static void store_command_on_answer(struct pg_conn *conn, struct pg_command *pg, const PGresult *result) {
    (void)conn;
    struct store_command *command = list_entry(pg, struct store_command, pg);
    struct reply reply =
        result != NULL ? reply_of(result) : reply_without(STATUS_UNAVAILABLE, "the connection to PostgreSQL was lost");
    store_answer(command, &reply);
}

static size_t round_up(size_t size) {
    return (size + 15) & ~(size_t)15;
}

enum status store_command_create(struct store *store, struct statement *statement, unsigned param_count, size_t bytes_size,
                                 struct store_command **out) {
    struct lane *lane = &store->lanes[statement->lane];
    size_t head = round_up(sizeof(struct store_command));
    size_t values = round_up(param_count * sizeof(char *));
    size_t numbers = round_up(param_count * sizeof(int));
    size_t block_bytes = head + values + 2 * numbers + bytes_size + 1;
    /* One command of any size may stand alone: a big document must be storable. */
    size_t left = lane->command_bytes < store->queue_bytes_max ? store->queue_bytes_max - lane->command_bytes : 0;
    if (lane->command_count >= store->queue_count_max || (lane->command_count > 0 && block_bytes > left))
        return STATUS_OVERLOADED;
    uint8_t *block = mem_alloc(store->mem, block_bytes);
    if (block == NULL)
        return STATUS_NO_MEMORY;
    struct store_command *command = (struct store_command *)(void *)block;
    *command = (struct store_command){
        .pg = { .kind = PG_EXECUTE,
                .statement = statement,
                .answer = store_command_on_answer,
                .values = (const char **)(void *)(block + head),
                .lengths = (int *)(void *)(block + head + values) },
        .lane = lane,
        .types = (uint32_t *)(void *)(block + head + values + numbers),
        .bytes = block + head + values + 2 * numbers,
        .block_bytes = block_bytes,
        .queued_ms = store->now_ms,
    };
    list_init(&command->pg.link);
    lane->command_count++;
    lane->command_bytes += block_bytes;
    *out = command;
    return STATUS_OK;
}

uint8_t *store_command_param(struct store_command *command, uint32_t type, size_t size) {
    assert(command->pg.param_count < PARAMS_MAX && size <= INT32_MAX);
    uint8_t *room = command->bytes + command->bytes_size;
    unsigned index = command->pg.param_count++;
    command->bytes_size += size;
    command->pg.values[index] = (const char *)room;
    command->pg.lengths[index] = (int)size;
    command->types[index] = type;
    return room;
}

void store_command_queue(struct store_command *command, struct store_request *request, store_reply reply, void *context) {
    command->request = request;
    command->reply = reply;
    command->context = context;
    if (request != NULL) {
        assert(request->command == NULL);
        request->command = command;
    }
    list_append(&command->lane->queue, &command->pg.link);
}

enum status store_submit(struct store *store, struct store_request *request, const char *name, const struct params *params,
                         store_reply reply, void *context) {
    struct statement *statement = catalog_find(&store->catalog, name);
    if (statement == NULL)
        return STATUS_NOT_FOUND;
    if (params != NULL && params->status != STATUS_OK)
        return params->status;
    if (params == NULL && statement->described && statement->param_count > 0)
        return STATUS_NO_MEMORY;
    if (store->stopped || store_is_away(store))
        return STATUS_UNAVAILABLE;
    unsigned count = params == NULL ? 0 : params->count;
    size_t bytes_size = 0;
    for (unsigned i = 0; i < count; i++)
        bytes_size += params->items[i].value.size;
    struct store_command *command;
    enum status status = store_command_create(store, statement, count, bytes_size, &command);
    if (status != STATUS_OK)
        return status;
    for (unsigned i = 0; i < count; i++) {
        struct bytes value = params->items[i].value;
        uint8_t *room = store_command_param(command, params->items[i].type, value.size);
        if (value.size > 0)
            memcpy(room, value.data, value.size);
        if (value.data == NULL)
            command->pg.values[i] = NULL;
    }
    store_command_queue(command, request, reply, context);
    return STATUS_OK;
}

void store_cancel(struct store_request *request) {
    struct store_command *command = request->command;
    if (command == NULL)
        return;
    request->command = NULL;
    command->request = NULL;
    command->reply = NULL;
    command->cancelled = true;
}

bool store_has_statement(const struct store *store, const char *name) {
    return catalog_find(&store->catalog, name) != NULL;
}

/* ---- lanes ---- */

/* binary-compatible: a parameter of type `given` where PostgreSQL wants `wanted` */
static bool type_fits(uint32_t given, uint32_t wanted) {
    bool text = wanted == PG_TEXT || wanted == PG_VARCHAR || wanted == PG_BPCHAR || wanted == PG_NAME;
    return given == PG_ANY || given == wanted || (given == PG_TEXT && text);
}

/* Writes what is wrong into `reason`; false then. */
static bool store_command_fits(const struct store_command *command, char reason[CATALOG_REASON]) {
    const struct statement *statement = command->pg.statement;
    if (command->pg.param_count != statement->param_count) {
        snprintf(reason, CATALOG_REASON, "statement %s: takes %u parameters, was given %u", statement->name, statement->param_count,
                 command->pg.param_count);
        return false;
    }
    for (unsigned i = 0; i < statement->param_count; i++)
        if (!type_fits(command->types[i], statement->param_types[i])) {
            snprintf(reason, CATALOG_REASON, "statement %s: $%u is of type %u, was given %u", statement->name, i + 1,
                     statement->param_types[i], command->types[i]);
            return false;
        }
    return true;
}

static void lane_pump(struct lane *lane) {
    while (!list_empty(&lane->queue) && lane->conn.sent_count < LANE_DEPTH_MAX && pg_conn_takes(&lane->conn)) {
        struct store_command *command = list_entry(lane->queue.next, struct store_command, pg.link);
        list_remove(&command->pg.link);
        char reason[CATALOG_REASON];
        if (command->cancelled) {
            store_command_free(command);
        } else if (!store_command_fits(command, reason)) {
            struct reply reply = reply_without(STATUS_CONFLICT, reason);
            store_answer(command, &reply);
        } else {
            pg_conn_send(&lane->conn, &command->pg);
        }
    }
}

static void lane_on_watch(struct pg_conn *conn, int fd, unsigned wants) {
    struct lane *lane = conn->context;
    lane->store->owner.watch(lane->store->owner.context, lane->slot, fd, wants);
}

static void lane_on_ready(struct pg_conn *conn) {
    struct lane *lane = conn->context;
    lane->was_ready = true;
    lane->refused = false;
    lane->failures = 0;
    lane->reason[0] = 0;
    store_update_state(lane->store);
}

static void lane_on_lost(struct pg_conn *conn, bool refused, const char *reason) {
    struct lane *lane = conn->context;
    struct store *store = lane->store;
    bool stood = lane->failures == 0 && !lane->refused && lane->reason[0] == 0 && lane->was_ready;
    memcpy(lane->reason, reason, sizeof lane->reason);
    lane->refused = refused;
    if (stood) {
        lane->down_ms = store->now_ms;
        lane->retry_ms = store->now_ms; /* a restarted backend answers at once */
    } else {
        unsigned doublings = lane->failures < 6 ? lane->failures : 6;
        uint64_t wait_ms = (uint64_t)LANE_RETRY_MS_MIN << doublings;
        /* the loops of one server should not all knock in the same moment */
        wait_ms = (wait_ms < LANE_RETRY_MS_MAX ? wait_ms : LANE_RETRY_MS_MAX) + store->writer.bytes[15] % 64;
        lane->retry_ms = store->now_ms + wait_ms;
        lane->failures++;
    }
    store_update_state(store);
}

static const struct pg_conn_handlers lane_handlers = { lane_on_watch, lane_on_ready, lane_on_lost };

/* ---- making and ending ---- */

static enum status store_read_catalogs(struct store *store, const struct embedded_file *const *catalogs, char *reason) {
    enum status status = catalog_add(&store->catalog, store_sql_writer, LANE_WRITER, reason);
    if (status == STATUS_OK)
        status = catalog_add(&store->catalog, store_sql_bulk, LANE_BULK, reason);
    if (status == STATUS_OK)
        status = catalog_add(&store->catalog, store_sql_query, LANE_QUERY, reason);
    for (; status == STATUS_OK && catalogs != NULL && *catalogs != NULL; catalogs++)
        status = catalog_add(&store->catalog, *catalogs, LANE_QUERY, reason);
    return status;
}

enum status store_create(const struct store_options *options, const struct store_owner *owner, uint64_t now_ms, char reason[256],
                         struct store **out) {
    char unread[CATALOG_REASON] = "";
    if (reason == NULL)
        reason = unread;
    const struct mem *mem = options->mem != NULL ? options->mem : &mem_default;
    struct store *store = mem_zalloc(mem, sizeof *store);
    if (store == NULL)
        return STATUS_NO_MEMORY;
    store->mem = mem;
    store->owner = *owner;
    store->writer = options->writer;
    store->queue_count_max = options->queue_count_max != 0 ? options->queue_count_max : QUEUE_COUNT_MAX;
    store->queue_bytes_max = options->queue_bytes_max != 0 ? options->queue_bytes_max : QUEUE_BYTES_MAX;
    store->dirty_bytes_max = options->dirty_bytes_max != 0 ? options->dirty_bytes_max : DIRTY_BYTES_MAX;
    store->now_ms = now_ms;
    store->state = STORE_CONNECTING;
    store->state_since_ms = now_ms;
    store->reason = "";
    journal_init(store);
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        struct lane *lane = &store->lanes[i];
        list_init(&store->statements[i]);
        list_init(&lane->queue);
        lane->store = store;
        lane->slot = i;
        lane->conn = (struct pg_conn){ .mem = mem,
                                       .handlers = &lane_handlers,
                                       .context = lane,
                                       .statements = &store->statements[i],
                                       .statement_timeout_ms = lane_statement_ms[i],
                                       .allow_volatile = options->allow_volatile };
        pg_conn_init(&lane->conn);
    }
    catalog_init(&store->catalog, mem, store->statements);
    enum status status = store_read_catalogs(store, options->catalogs, reason);
    for (unsigned i = 0; i < LANE_COUNT && status == STATUS_OK; i++) {
        status = conninfo_create(mem, options->url, reason, &store->conninfo[i]);
        store->lanes[i].conn.conninfo = store->conninfo[i];
    }
    if (status != STATUS_OK) {
        store_destroy(store);
        return status;
    }
    *out = store;
    return STATUS_OK;
}

void store_stop(struct store *store) {
    assert(store->calling == 0);
    store->stopped = true;
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        pg_conn_finish(&store->lanes[i].conn);
        lane_refuse_queue(&store->lanes[i], "the process ends");
    }
}

void store_destroy(struct store *store) {
    if (store == NULL)
        return;
    assert(store->calling == 0);
    store->closing = true;
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        struct lane *lane = &store->lanes[i];
        pg_conn_finish(&lane->conn);
        lane_refuse_queue(lane, "");
        assert(lane->command_count == 0);
        conninfo_destroy(store->conninfo[i]);
    }
    journal_finish(store);
    catalog_finish(&store->catalog, LANE_COUNT);
    mem_free(store->mem, store, sizeof *store);
}

struct uuid store_writer(const struct store *store) {
    return store->writer;
}

/* ---- the owner's three calls ---- */

void store_ready(struct store *store, unsigned slot, unsigned events) {
    assert(slot < LANE_COUNT);
    (void)events; /* libpq finds out by itself what can be done */
    store->calling++;
    pg_conn_ready(&store->lanes[slot].conn);
    store->calling--;
}

void store_flush(struct store *store, uint64_t now_ms) {
    store->now_ms = now_ms;
    store->calling++;
    journal_pump(store);
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        lane_pump(&store->lanes[i]);
        pg_conn_flush(&store->lanes[i].conn);
    }
    store->calling--;
}

static void lane_expire_queue(struct lane *lane) {
    struct reply reply = reply_without(STATUS_UNAVAILABLE, "waited too long for PostgreSQL");
    while (!list_empty(&lane->queue)) {
        struct store_command *command = list_entry(lane->queue.next, struct store_command, pg.link);
        if (lane->store->now_ms - command->queued_ms <= LANE_WAIT_MS_MAX)
            return;
        list_remove(&command->pg.link);
        store_answer(command, &reply);
    }
}

void store_tick(struct store *store, uint64_t now_ms) {
    store->now_ms = now_ms;
    store->calling++;
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        struct lane *lane = &store->lanes[i];
        if (lane->conn.state == PG_CONN_IDLE && now_ms >= lane->retry_ms)
            pg_conn_start(&lane->conn, now_ms);
        pg_conn_tick(&lane->conn, now_ms);
        if (lane->conn.state != PG_CONN_READY)
            lane_expire_queue(lane);
    }
    store_update_state(store);
    store->calling--;
    store_flush(store, now_ms);
}
