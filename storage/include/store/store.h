/* store.h — PostgreSQL without waiting: one store per event loop, knowing no loop.
 *
 *            store_submit()             journal_append()      store_load(), store_checkpoint()
 *                 │                            │                          │
 *          ┌──────▼──────┐              ┌──────▼──────┐            ┌──────▼──────┐
 *          │ query queue │              │ open group  │            │ bulk queue  │       each with a stated maximum
 *          └──────┬──────┘              └──────┬──────┘            └──────┬──────┘
 *          slot 2 │ QUERY               slot 0 │ WRITER            slot 1 │ BULK          libpq, pipeline mode
 *                 └────────────────────────────┴──────────────────────────┘
 *                  owner->watch(slot, fd, wants)     store_ready(slot, events)
 *
 * The owner (an event loop) watches up to STORE_SLOTS descriptors and calls
 *   store_ready()  when one of them is readable or writable
 *   store_flush()  once at the end of a loop turn: what the turn queued leaves in one write per connection
 *   store_tick()   every STORE_TICK_MS or so: reconnecting, time limits
 * All of it, and every callback, happens on the owner's thread. Callbacks come from store_ready(), store_flush(),
 * store_tick() and store_stop(), never from inside store_submit(), journal_append(), store_load() or store_checkpoint(); a callback
 * may call any of these, but not store_destroy(). No function waits for the network or for a name server.
 *
 * Losing a connection: statements on the way are answered STATUS_UNAVAILABLE (the outcome is unknown; a statement worth repeating
 * is written so that repeating is harmless). The journal repeats by itself. Reconnecting backs off from 100 ms to 5 s. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "ground/embed.h"
#include "ground/list.h"
#include "ground/uuid.h"
#include "store/params.h"
#include "store/row.h"

enum { STORE_SLOTS = 3, STORE_TICK_MS = 50 };

enum store_wants { STORE_NONE = 0, STORE_READ = 1, STORE_WRITE = 2 };

struct store;

enum store_state {
    STORE_CONNECTING, /* at the start, and in the first moment after a loss: statements wait in their queue */
    STORE_READY,      /* all three connections stand */
    STORE_AWAY,    /* PostgreSQL cannot be reached: statements are refused with STATUS_UNAVAILABLE, journal_append() still takes */
    STORE_REFUSED, /* reached, but not usable: a statement does not fit the schema, or commits would not be durable */
};

struct store_health {
    enum store_state state;
    uint64_t since_ms;       /* of the owner's clock, as given to store_tick() */
    uint64_t dirty_bytes;    /* appended to the journal and not yet committed, of all documents */
    uint64_t dirty_since_ms; /* when the oldest of them was appended; 0: nothing is dirty */
    size_t queued;           /* statements waiting or on the way, query and bulk */
    uint64_t group;          /* journal groups committed so far */
    const char *reason;      /* one line, why it is away or refused, or what keeps the journal from being written; "" if well */
};

struct store_owner {
    void *context;
    /* Watch descriptor `fd` of `slot` (0 to STORE_SLOTS - 1) for `wants` from now on, replacing what was watched for that slot.
     * STORE_NONE ends it and must take effect before it returns: the descriptor is closed next. Must not call back into the store.
     */
    void (*watch)(void *context, unsigned slot, int fd, unsigned wants);
    /* The state or its reason changed. May be NULL. */
    void (*health_changed)(void *context, const struct store_health *health);
};

struct store_options {
    const char *url;                             /* postgresql://… or key=value; copied */
    struct uuid writer;                          /* this boot of this loop: never used before */
    const struct mem *mem;                       /* NULL: mem_default */
    const struct embedded_file *const *catalogs; /* tables of .sql files beside the store's own, ended by NULL; may be NULL; must
                                                    outlive the store */
    size_t queue_count_max;                      /* statements waiting or on the way per lane; 0: 4,096 */
    size_t queue_bytes_max;                      /* their parameters, per lane; 0: 64 MiB */
    size_t dirty_bytes_max;                      /* journal bytes not yet durable; 0: 256 MiB */
    bool allow_volatile; /* accept fsync, full_page_writes or synchronous_commit = off; never outside benchmarks */
};

/* Makes a store and begins to connect; the state is STORE_CONNECTING. Reads the catalogs.
 *
 * STATUS_MALFORMED  the URL or a catalog cannot be read; `reason` (may be NULL, 256 bytes) says what and where
 * STATUS_EXISTS     two statements bear one name; `reason` says which
 * STATUS_NO_MEMORY */
enum status store_create(const struct store_options *options, const struct store_owner *owner, uint64_t now_ms, char reason[256],
                         struct store **out);

/* The owner ends: closes the connections and answers whatever waits with STATUS_UNAVAILABLE, by callbacks from here, as long as
 * those who asked can free what they keep. store_submit() answers the same from then on; only store_destroy() may follow. */
void store_stop(struct store *store);

/* Closes the connections (after watch(STORE_NONE)) and drops every queue; no callback is called any more. What the journal had not
 * committed is gone: see store_health()'s dirty_bytes before. NULL is fine. */
void store_destroy(struct store *store);

/* `events`: STORE_READ, STORE_WRITE or both; on an error of the descriptor both. */
void store_ready(struct store *store, unsigned slot, unsigned events);
void store_flush(struct store *store, uint64_t now_ms);
void store_tick(struct store *store, uint64_t now_ms);

/* reason is valid until the next call on the store. */
struct store_health store_health(const struct store *store);

/* The id under which this store writes the journal. */
struct uuid store_writer(const struct store *store);

/* ---- statements ----
 *
 * A catalog file holds named statements:
 *
 *   -- name: chat_insert
 *   -- $1 uuid id, $2 uuid session, … ; answers id, seq
 *   insert into … ;
 *
 * Each is prepared on every query connection, all of them before the store is ready: one that PostgreSQL refuses makes the state
 * STORE_REFUSED with its name in the reason. A statement is a transaction of its own; what must go together is one statement
 * (WITH …). */

typedef void (*store_reply)(void *context, const struct reply *reply);

/* What the owner embeds to be able to cancel. Zeroed or store_request_init()ed before its first use. */
struct store_request {
    /* private */
    struct store_command *command; /* NULL: nothing on the way */
};

static inline bool store_request_pending(const struct store_request *request) {
    return request->command != NULL;
}

/* Queues the statement `name`; `reply` is called once, later, unless cancelled. Replies come in the order of submitting.
 *
 * `request`  to be able to cancel, not pending; NULL: cannot be cancelled
 * `params`   NULL for a statement without parameters
 * `reply`    may be NULL: the answer is dropped
 *
 * Failures are answered here and `reply` is not called:
 * STATUS_UNAVAILABLE  PostgreSQL is away
 * STATUS_OVERLOADED   the queue is full
 * STATUS_NOT_FOUND    no statement has that name
 * STATUS_NO_MEMORY */
enum status store_submit(struct store *store, struct store_request *request, const char *name, const struct params *params,
                         store_reply reply, void *context);

/* The reply will not be called; the statement may still be executed. Harmless when nothing is pending. */
void store_cancel(struct store_request *request);

/* Whether a statement has that name. */
bool store_has_statement(const struct store *store, const char *name);

#endif
