/* presence.c — who has which file open and where the cursor stands, as rows.
 *
 * Awareness itself is relayed by the core (session/room.c) and lives in memory; it never waits for the database. This feature only
 * writes, every few seconds and in one statement per session, what memory holds: editing_sessions gets one row for each document
 * that a connection has open, session_participants the latest place of each user. A session in which nobody has anything open
 * writes once more, to remove its rows, and then nothing. */
#include "features/presence/presence.h"

#include "feature/host.h"
#include "features/presence/presence_state.h"

enum { PRESENCE_ROWS_MAX = 10000, PRESENCE_ARENA_BYTES = 4 << 20 };

struct presence_session {
    uint64_t written_ms;
    bool has_rows;
};

struct presence_rows {
    size_t count;
    size_t capacity;
    struct uuid *users, *files, *connections;
    int32_t *anchors, *heads;
    bool *typing;
};

static void presence_count(void *context, const struct host_presence *presence) {
    struct presence_rows *rows = context;
    (void)presence;
    if (rows->capacity < PRESENCE_ROWS_MAX)
        rows->capacity++;
}

static void presence_add(void *context, const struct host_presence *presence) {
    struct presence_rows *rows = context;
    if (rows->count == rows->capacity)
        return;
    struct presence_state state = presence_state_read(presence->state);
    size_t at = rows->count++;
    rows->users[at] = presence->user;
    rows->files[at] = presence->file;
    rows->connections[at] = presence->connection;
    rows->anchors[at] = state.anchor;
    rows->heads[at] = state.head;
    rows->typing[at] = state.typing;
}

static void presence_write(struct feature_session *session, struct presence_rows *rows) {
    struct presence_session *state = session->state;
    struct arena arena;
    arena_init(&arena, &mem_default, PRESENCE_ARENA_BYTES);
    size_t capacity = rows->capacity + 1; /* an empty list has arrays too */
    rows->users = arena_alloc(&arena, capacity * sizeof *rows->users);
    rows->files = arena_alloc(&arena, capacity * sizeof *rows->files);
    rows->connections = arena_alloc(&arena, capacity * sizeof *rows->connections);
    rows->anchors = arena_alloc(&arena, capacity * sizeof *rows->anchors);
    rows->heads = arena_alloc(&arena, capacity * sizeof *rows->heads);
    rows->typing = arena_alloc(&arena, capacity * sizeof *rows->typing);
    if (rows->users == NULL || rows->files == NULL || rows->connections == NULL || rows->anchors == NULL || rows->heads == NULL ||
        rows->typing == NULL)
        goto finish; /* the next interval tries again */
    host_each_presence(session, presence_add, rows);
    struct params *params = params_new(&arena);
    params_add_uuid(params, &session->id);
    params_add_uuid_array(params, rows->users, rows->count);
    params_add_uuid_array(params, rows->files, rows->count);
    params_add_uuid_array(params, rows->connections, rows->count);
    params_add_i32_array(params, rows->anchors, rows->count);
    params_add_i32_array(params, rows->heads, rows->count);
    params_add_bool_array(params, rows->typing, rows->count);
    if (host_store_quietly(session, "presence_write", params) == STATUS_OK)
        state->has_rows = rows->count > 0;
finish:
    arena_finish(&arena);
}

static void presence_tick(struct feature_session *session, uint64_t now_ms) {
    struct presence_session *state = session->state;
    if (now_ms < state->written_ms + host_presence_interval_ms(session))
        return;
    struct presence_rows rows = { 0 };
    host_each_presence(session, presence_count, &rows);
    if (rows.capacity == 0 && !state->has_rows)
        return;
    state->written_ms = now_ms;
    presence_write(session, &rows);
}

static const struct wire_method presence_methods[] = { { 0 } };
static const struct feature_handler presence_handlers[] = { { 0 } };

const struct feature presence_feature = {
    .name = "presence",
    .methods = presence_methods,
    .handlers = presence_handlers,
    .session_state_size = sizeof(struct presence_session),
    .tick = presence_tick,
};
