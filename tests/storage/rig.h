/* rig.h — an event loop of poll(2) around one store, and a database with a session and a file in it. */
#ifndef TESTS_STORAGE_RIG_H
#define TESTS_STORAGE_RIG_H

#include "pg_cluster.h"
#include "store/documents.h"
#include "store/migrate.h"
#include "store/store.h"

/* A migrated database with a user, a session and a file. */
struct world {
    struct pg_cluster cluster;
    char owner_url[PG_URL_MAX];
    char url[PG_URL_MAX]; /* of the server's role */
    struct uuid user;
    struct uuid session;
    struct uuid file;
};

/* On the shared cluster; private_settings != NULL: on a private one. */
void world_init(struct world *world, const char *private_settings);
void world_finish(struct world *world);
/* One more file in the session. */
struct uuid world_file(struct world *world, const char *path);
struct uuid uuid_of(const char *text);

struct rig {
    struct store *store;
    int fds[STORE_SLOTS];
    unsigned wants[STORE_SLOTS];
    unsigned health_changes;
    struct store_health health;
};

void rig_init(struct rig *rig, const struct world *world, const struct store_options *options); /* url and writer may be unset */
/* The store stays NULL if there is no memory for it. */
void rig_init_with_mem(struct rig *rig, const struct store_options *options);
void rig_finish(struct rig *rig);
/* One turn of the loop, at most 10 ms. */
void rig_turn(struct rig *rig);
/* The same, the store being told that it is that time. */
void rig_turn_at(struct rig *rig, uint64_t now_ms);
uint64_t rig_now_ms(void);
/* Turns until `condition(context)`; fails the test after `ms`. */
void rig_until(struct rig *rig, bool (*condition)(void *), void *context, uint64_t ms, const char *what);
void rig_until_state(struct rig *rig, enum store_state state);
void rig_turns_ms(struct rig *rig, uint64_t ms);

/* A document's line that counts. */
struct line {
    struct journal_line journal;
    uint64_t durable_group;
    unsigned durable_calls;
    unsigned poisoned_calls;
    char sqlstate[6];
};

void line_init(struct line *line, struct rig *rig, const struct world *world, const struct uuid *file);
uint64_t line_append(struct line *line, const char *update);
void line_until_durable(struct rig *rig, struct line *line);

/* A load, waited for. */
struct loaded_copy {
    bool done;
    enum status status;
    char reason[256];
    int64_t epoch, version;
    char state[256], state_vector[64], root[64];
    unsigned row_count;
    unsigned entry_count;
    char text[65536]; /* all updates, one after the other */
};
void rig_load(struct rig *rig, const struct uuid *file, struct loaded_copy *out);

#endif
