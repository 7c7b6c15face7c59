/* server.h — everything one loop owns; no globals, no locks.
 *
 * A process runs one or more loops, each in a thread with its own `struct server`. A session is owned by exactly one of them,
 * chosen by load when it opens (placement.h); its connections, documents and features are touched only there. Any loop accepts;
 * what belongs elsewhere is handed over as a descriptor. `struct fleet` is the immutable list of all servers of the process. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "ground/uuid.h"

#include "ground/list.h"
#include "ground/table.h"
#include "http/request_id.h"

#include "connection/dialect.h"
#include "loop/socket.h"
#include "metrics/metrics.h"
#include "placement.h"
#include "wire/ws.h"

struct config;
struct connection;
struct loop;
struct loop_timer;
struct server;
struct store;
struct store_watch;

struct fleet {
    struct server **servers; /* `count` of them, complete before the first loop runs */
    unsigned count;
    uint8_t admin_token_hash[32];   /* SHA-256 of the token that may create sessions */
    uint8_t metrics_token_hash[32]; /* of the token that may read /metrics */
    struct uuid boot;               /* new at each start of the process */
};

/* A WebSocket connection on its way to the loop that owns its session: the 101 answer is already written. */
struct handoff {
    struct socket_line line;
    struct uuid session;
    enum dialect_kind dialect;
    bool in_url;             /* the credential was: only a door token may be */
    struct bytes credential; /* what the upgrade brought, or empty: it comes in a message */
    struct bytes path;       /* DIALECT_YWS: of the file */
    struct bytes early;      /* bytes read behind the request head: the first WebSocket frames */
    uint8_t deflate_bits;    /* as ws_upgrade says */
    char peer[64];
    char request[REQUEST_ID_BYTES]; /* id of the upgrade */
    /* credential, path and early point into `memory`, freed with the handoff */
    uint8_t *memory;
    size_t memory_bytes;
};

struct handoff *handoff_create(struct socket_line line, const struct uuid *session, struct bytes credential, struct bytes path,
                               struct bytes early, const char *peer);
/* Closes the line if it is still there (fd >= 0). */
void handoff_destroy(struct handoff *handoff);

/* Makes the server of one loop, with a copy of `config` and a reference to `tls`; connects its store in the background.
 * STATUS_NO_MEMORY, STATUS_MALFORMED (database URL). */
enum status server_create(const struct fleet *fleet, const struct config *config, struct tls_context *tls, unsigned index,
                          struct loop *loop, struct server **out);
/* Everything must be closed: after server_drain()'s callback. */
void server_destroy(struct server *server);

/* Ends the server: refuses newcomers, saves and checkpoints every document, closes connections with 1001. `done` is called once,
 * with STATUS_OK when all is saved, STATUS_UNAVAILABLE when `timeout_ms` passed before. */
void server_drain(struct server *server, uint64_t timeout_ms, void (*done)(void *context, enum status status), void *context);

struct loop *server_loop(struct server *server);
struct store *server_store(struct server *server);
const struct fleet *server_fleet(const struct server *server);
/* This loop's own copy. Ask each time: a reload replaces it between two turns. */
const struct config *server_config(const struct server *server);
/* Takes `config`, of config_copy(), and a reference to `tls`, with which new connections begin; NULL: they are plain. */
void server_configure(struct server *server, struct config *config, struct tls_context *tls);

/* NULL when ready to serve; otherwise why not, one sentence, e.g. "the database is away since 12 s". */
const char *server_not_ready(struct server *server, char *buffer, size_t buffer_bytes);

/* Writes the gauges of server->metrics. */
void server_measure(struct server *server);

/* A new version 7 id. */
struct uuid server_new_id(struct server *server);

/* ---- for the core: connection/, session/, document/, feature/ ---- */

struct server {
    const struct fleet *fleet;
    struct config *config;
    struct tls_context *tls; /* NULL: the listener speaks plain HTTP */
    unsigned index;
    struct loop *loop;
    struct store *store;
    struct store_watch *store_watch;
    struct loop_timer *tick;
    struct ws_pool ws_pool;
    struct table connections; /* id -> struct connection */
    struct list connection_list;
    size_t speaking[DIALECT_COUNT]; /* of them, by dialect */
    struct list flush;              /* connections that have something to send when this turn ends */
    struct list put_off;            /* connections that go on sending in the next turn */
    size_t turn_bytes_left;         /* what this turn still writes of what is big */
    struct list doomed;             /* connections to be freed when this turn ends */
    uint64_t connection_next;
    struct table sessions; /* uuid_key -> struct session, chained */
    struct list session_list;
    uint64_t session_next;
    struct list rooms; /* rooms of awareness that have something to tell at the next tick */
    uint64_t ticked_ms;
    bool rooms_waited;      /* they were put off at the last tick */
    uint64_t document_next; /* document numbers are never used again within a process */
    struct placement placement;
    struct metrics metrics;
    uint64_t ticked_us;      /* shed.c: when the last tick was */
    uint64_t lag_us;         /* how late ticks are, smoothed over half a second */
    uint64_t resident_bytes; /* of the process, a second ago */
    size_t unjoined;         /* connections that have not joined yet */
    struct list held;        /* connections for which something waits for company, the longest waiting first */
    struct list paced;       /* connections that are not read for now: they sent too much */
    uint64_t slow_tick_ms;
    uint64_t documents_count;
    uint64_t documents_bytes; /* budget.c: what the documents hold */
    struct list idle_saved;   /* documents without readers that may leave, and */
    struct list idle_dirty;   /* those that a checkpoint would let leave: who has been so for longest first */
    uint64_t retention_next_ms;
    bool standing_asked; /* standing.c: a question is on the way */
    bool tokens_asked;   /* session_token.c: the same, when the last one left, and the connection that it ended with; 0: all */
    uint64_t tokens_asked_ms;
    uint64_t tokens_asked_to;
    struct list visits; /* visit.c: being recorded, and those that could not be */
    struct list visits_missed;
    size_t visits_missed_count;
    bool closed_asked; /* session_closed.c: the same, of sessions and their numbers */
    uint64_t closed_asked_ms;
    uint64_t closed_asked_to;
    bool draining;
    uint64_t drain_started_ms;
    uint64_t drain_deadline_ms;
    void (*drain_done)(void *context, enum status status);
    void *drain_context;
};

uint64_t server_now_ms(const struct server *server);
uint64_t server_unix_ms(const struct server *server);
/* The connection goes on sending in the next turn, which comes at once. */
void server_put_off(struct server *server, struct connection *connection);
/* The connection with that id, or NULL if it has gone: how late replies find their target. */
struct connection *server_connection(const struct server *server, uint64_t id);

#endif
