/* session.h — a workspace in memory: who is connected, which documents are open, what its features keep.
 *
 * Made when the first participant has shown a good credential, freed some time after the last one left and every document is saved
 * and closed. Owned by one loop; nothing here is shared.
 *
 *   session ──┬── connections      the joined ones
 *             ├── documents        by number and by file
 *             ├── room             awareness of the session itself (document number 0)
 *             └── feature_state[]  one block per feature
 *
 * A feature call in flight counts in `calls`, which keeps the struct alive: a late reply may use the pointer that it holds. */
#ifndef SERVER_SESSION_H
#define SERVER_SESSION_H

#include "connection/connection.h"
#include "session/attendance.h"
#include "session/room.h"

enum { SESSION_FEATURES_MAX = 16 };

struct session {
    struct server *server;
    struct session *chain; /* the next with the same table key */
    struct list server_link;
    struct uuid id;
    uint64_t number;         /* of this loop: later ones have greater numbers */
    struct list connections; /* by id */
    uint32_t connection_count;
    struct attendance attendance; /* of users */
    uint32_t calls;
    struct list documents;
    uint64_t documents_bytes; /* document/budget.c */
    struct table documents_by_number;
    struct room room;
    struct bytes_writer news; /* who came and went, in a crowd; with the room's next tick */
    void *feature_state[SESSION_FEATURES_MAX];
    uint64_t empty_since_ms; /* 0: somebody is here */
    uint64_t ticked_ms;
};

struct session *session_find(struct server *server, const struct uuid *id);

/* The session in memory, made if it is not there. STATUS_NO_MEMORY. */
enum status session_open(struct server *server, const struct uuid *id, struct session **out);

/* Adds a connection whose participant has been filled in; tells the others. STATUS_NO_MEMORY: it is not in. */
enum status session_enter(struct session *session, struct connection *connection);

/* Takes a connection out: its subscriptions end, the others are told. Harmless when it is in no session. */
void session_leave(struct connection *connection);

/* Sends `frame`, in the native dialect, to every joined connection that speaks it but `except` (may be NULL). */
void session_broadcast(struct session *session, struct frame *frame, const struct connection *except);

/* Awareness for the session itself. STATUS_MALFORMED. */
enum status session_awareness(struct connection *connection, struct bytes update);

/* Request session.participants. */
void session_participants(struct connection *connection, uint32_t msgid, struct bytes params);

/* Appends the encoded array of a page of participants after the id `after`; `out_next`: cursor, 0 at the end. Costs the page, as
 * long as the participant `after` is still here; else everybody before it, once. */
void session_write_participants(const struct session *session, uint64_t after, uint64_t limit, const struct connection *except,
                                struct bytes_writer *out, uint64_t *out_next);

/* Timers of the session, its features and its documents; frees it when nobody needs it. */
void session_tick(struct session *session, uint64_t now_ms);

/* Frees everything at once, dirty documents too: only when the process ends. */
void session_destroy(struct session *session);

#endif
