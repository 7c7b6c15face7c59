/* rig.c — see rig.h. */
#include "rig.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

uint64_t rig_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct uuid new_uuid(void) {
    static uint64_t counter;
    struct timespec now;
    uint8_t random[10];
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t mix = (uint64_t)now.tv_nsec * 2654435761u + ++counter * 40503 + (uint64_t)clock();
    for (unsigned i = 0; i < 10; i++)
        random[i] = (uint8_t)(mix >> (i % 8 * 8)) ^ (uint8_t)rand();
    return uuid_v7((uint64_t)now.tv_sec * 1000, random);
}

struct uuid uuid_of(const char *text) {
    struct uuid uuid;
    cr_assert(uuid_parse(bytes_text(text), &uuid), "%s", text);
    return uuid;
}

/* ---- world ---- */

static struct uuid world_insert(struct world *world, const char *sql) {
    char text[64];
    cr_assert(pg_query(world->owner_url, sql, text, sizeof text), "%s: %s", sql, text);
    return uuid_of(text);
}

static bool world_migrate(const char *url) {
    struct migrate_options options = { .url = url, .server_role = "vibesync_server" };
    struct migrate_report report;
    enum status status = migrate_run(&options, &report);
    if (status != STATUS_OK)
        fprintf(stderr, "%s\n", report.message);
    return status == STATUS_OK;
}

void world_init(struct world *world, const char *private_settings) {
    memset(world, 0, sizeof *world);
    srand((unsigned)clock());
    bool up = private_settings != NULL ? pg_cluster_start(&world->cluster, private_settings) : pg_cluster_open(&world->cluster);
    cr_assert(up && pg_cluster_database_like(&world->cluster, "migrated", world_migrate, world->owner_url));
    pg_url_for_role(world->owner_url, "vibesync_server", world->url);
    world->user = world_insert(world, "insert into users (username) values ('ann') returning id");
    world->session = world_insert(world, "insert into coding_sessions (name, owner_id) select 'room', id from users returning id");
    world->file = world_file(world, "main.py");
}

struct uuid world_file(struct world *world, const char *path) {
    char sql[512];
    snprintf(sql, sizeof sql,
             "insert into files (session_id, filename, file_path) select id, '%s', '%s' from coding_sessions returning id", path,
             path);
    return world_insert(world, sql);
}

void world_finish(struct world *world) {
    pg_cluster_close(&world->cluster);
}

/* ---- rig ---- */

static void rig_watch(void *context, unsigned slot, int fd, unsigned wants) {
    struct rig *rig = context;
    cr_assert_lt(slot, STORE_SLOTS);
    rig->fds[slot] = wants == STORE_NONE ? -1 : fd;
    rig->wants[slot] = wants;
}

static void rig_health(void *context, const struct store_health *health) {
    struct rig *rig = context;
    rig->health_changes++;
    rig->health = *health;
}

void rig_init(struct rig *rig, const struct world *world, const struct store_options *options) {
    struct store_options with = options != NULL ? *options : (struct store_options){ 0 };
    struct store_owner owner = { rig, rig_watch, rig_health };
    char reason[256] = "";
    memset(rig, 0, sizeof *rig);
    for (unsigned i = 0; i < STORE_SLOTS; i++)
        rig->fds[i] = -1;
    if (with.url == NULL)
        with.url = world->url;
    if (uuid_is_nil(&with.writer))
        with.writer = new_uuid();
    enum status status = store_create(&with, &owner, rig_now_ms(), reason, &rig->store);
    cr_assert_eq(status, STATUS_OK, "%s", reason);
}

void rig_init_with_mem(struct rig *rig, const struct store_options *options) {
    struct store_owner owner = { rig, rig_watch, rig_health };
    memset(rig, 0, sizeof *rig);
    for (unsigned i = 0; i < STORE_SLOTS; i++)
        rig->fds[i] = -1;
    enum status status = store_create(options, &owner, rig_now_ms(), NULL, &rig->store);
    cr_assert(status == STATUS_OK || status == STATUS_NO_MEMORY);
}

void rig_finish(struct rig *rig) {
    store_destroy(rig->store);
    rig->store = NULL;
    for (unsigned i = 0; i < STORE_SLOTS; i++)
        cr_assert_eq(rig->fds[i], -1, "slot %u is still watched", i);
}

void rig_turn(struct rig *rig) {
    rig_turn_at(rig, rig_now_ms());
}

void rig_turn_at(struct rig *rig, uint64_t now_ms) {
    struct pollfd polls[STORE_SLOTS];
    store_flush(rig->store, now_ms);
    for (unsigned i = 0; i < STORE_SLOTS; i++)
        polls[i] =
            (struct pollfd){ rig->fds[i],
                             (short)((rig->wants[i] & STORE_READ ? POLLIN : 0) | (rig->wants[i] & STORE_WRITE ? POLLOUT : 0)), 0 };
    poll(polls, STORE_SLOTS, 10);
    for (unsigned i = 0; i < STORE_SLOTS; i++)
        if (polls[i].fd >= 0 && polls[i].revents != 0 && rig->fds[i] == polls[i].fd) {
            unsigned events = (polls[i].revents & POLLIN ? STORE_READ : 0) | (polls[i].revents & POLLOUT ? STORE_WRITE : 0);
            cr_assert_eq(polls[i].revents & POLLNVAL, 0, "a closed descriptor is watched");
            store_ready(rig->store, i, events != 0 ? events : STORE_READ | STORE_WRITE);
        }
    store_tick(rig->store, now_ms);
}

void rig_until(struct rig *rig, bool (*condition)(void *), void *context, uint64_t ms, const char *what) {
    uint64_t end_ms = rig_now_ms() + ms;
    while (!condition(context)) {
        rig_turn(rig);
        struct store_health health = store_health(rig->store);
        cr_assert_lt(rig_now_ms(), end_ms, "waited in vain for: %s (state %d, %s)", what, (int)health.state, health.reason);
    }
}

struct state_wait {
    struct rig *rig;
    enum store_state state;
};

static bool state_is(void *context) {
    struct state_wait *wait = context;
    return store_health(wait->rig->store).state == wait->state;
}

void rig_until_state(struct rig *rig, enum store_state state) {
    struct state_wait wait = { rig, state };
    rig_until(rig, state_is, &wait, 20000, "state");
}

void rig_turns_ms(struct rig *rig, uint64_t ms) {
    for (uint64_t end_ms = rig_now_ms() + ms; rig_now_ms() < end_ms;)
        rig_turn(rig);
}

/* ---- lines ---- */

static void line_on_durable(struct journal_line *journal, uint64_t group) {
    struct line *line = list_entry(journal, struct line, journal);
    cr_assert_gt(group, line->durable_group, "groups rise");
    line->durable_group = group;
    line->durable_calls++;
}

static void line_on_poisoned(struct journal_line *journal, const struct reply *reply, struct bytes row) {
    struct line *line = list_entry(journal, struct line, journal);
    struct journal_row_reader reader;
    cr_assert_eq(journal_row_open(row, &reader), STATUS_OK);
    line->poisoned_calls++;
    memcpy(line->sqlstate, reply->sqlstate, sizeof line->sqlstate);
}

static const struct journal_watcher line_watcher = { line_on_durable, line_on_poisoned };

void line_init(struct line *line, struct rig *rig, const struct world *world, const struct uuid *file) {
    memset(line, 0, sizeof *line);
    journal_line_init(&line->journal, rig->store, &world->session, file, 1, &line_watcher);
}

uint64_t line_append(struct line *line, const char *update) {
    struct journal_entry entry = { .at_ms = 1700000000000, .origin = 1, .update = bytes_text(update) };
    uint64_t group = 0;
    enum status status = journal_append(&line->journal, &entry, &group);
    cr_assert_eq(status, STATUS_OK, "%s", status_name(status));
    return group;
}

static bool line_is_durable(void *context) {
    struct line *line = context;
    return line->durable_group == journal_line_last(&line->journal);
}

void line_until_durable(struct rig *rig, struct line *line) {
    rig_until(rig, line_is_durable, line, 30000, "durable");
    cr_assert(journal_line_clean(&line->journal));
}

/* ---- loads ---- */

static void copy_bytes(char *out, size_t size, struct bytes bytes) {
    cr_assert_lt(bytes.size, size);
    if (bytes.size > 0)
        memcpy(out, bytes.data, bytes.size);
    out[bytes.size] = 0;
}

static void rig_on_loaded(void *context, enum status status, const char *reason, struct loaded_document *loaded) {
    struct loaded_copy *copy = context;
    struct journal_entry entry;
    copy->done = true;
    copy->status = status;
    snprintf(copy->reason, sizeof copy->reason, "%s", reason);
    cr_assert_eq(loaded != NULL, status == STATUS_OK);
    if (loaded == NULL)
        return;
    copy->epoch = loaded->epoch;
    copy->version = loaded->version;
    copy->row_count = loaded->row_count;
    copy_bytes(copy->state, sizeof copy->state, loaded->state);
    copy_bytes(copy->state_vector, sizeof copy->state_vector, loaded->state_vector);
    copy_bytes(copy->root, sizeof copy->root, loaded->root_name);
    while (loaded_document_next(loaded, &entry)) {
        size_t at = strlen(copy->text);
        copy_bytes(copy->text + at, sizeof copy->text - at, entry.update);
        copy->entry_count++;
    }
}

static bool copy_is_done(void *context) {
    return ((struct loaded_copy *)context)->done;
}

void rig_load(struct rig *rig, const struct uuid *file, struct loaded_copy *out) {
    struct store_load load;
    memset(&load, 0, sizeof load);
    memset(out, 0, sizeof *out);
    enum status status = store_load(rig->store, &load, file, rig_on_loaded, out);
    if (status == STATUS_NO_MEMORY) /* an allocator of a test that fails once */
        status = store_load(rig->store, &load, file, rig_on_loaded, out);
    cr_assert_eq(status, STATUS_OK, "%s", status_name(status));
    rig_until(rig, copy_is_done, out, 30000, "load");
}
