/* connection.h — one participant's line: WebSocket bytes in, calls on, frames out.
 *
 *                 handoff                session.join          answered
 *   (nothing) ──────────▶ WAITING ──────────────▶ JOINING ──────────▶ JOINED
 *                            │ late, bad                │ refused        │ closed by either side, too slow, removed, drain
 *                            └──────────▶ CLOSING ◀─────┴────────────────┤
 *                                            ▲                           │ a door's client that comes back at once when closed
 *                                            └── CONNECTION_REFUSED_MS ── REFUSED
 *                                            │ the peer's close came and all is sent, or 2 s passed
 *                                            └──▶ doomed, freed at the end of the turn
 *
 *   transition            function
 *   → WAITING             connection_open
 *   WAITING → JOINING     session_join_begin        (session/session_join.c)
 *   JOINING → JOINED      connection_joined
 *   any → REFUSED         connection_refuse
 *   any → CLOSING         connection_close
 *   any → doomed          connection_doom
 *
 * Who sends more frames or updates a second than allowed is read more slowly: the socket is paused until the excess is worked off,
 * and TCP tells the peer. Nothing is lost; who has run up CONNECTION_PAUSE_MS_MAX at once is closed with 4529.
 *
 * The struct stays valid until the end of the turn in which it was doomed. Whoever waits for a database keeps the id, not the
 * pointer. What it speaks is its dialect's (dialect.h). An idle connection holds no buffer: the WebSocket parser is lent
 * mid-message, the outbox ring is given back when empty.
 */
#ifndef SERVER_CONNECTION_H
#define SERVER_CONNECTION_H

#include "connection/dialect.h"
#include "connection/outbox.h"
#include "log.h"
#include "server.h"
#include "session/participant.h"
#include "session/room_member.h"
#include "wire/fault.h"
#include "wire/ws.h"

struct handoff;
struct hocuspocus;
struct room;
struct session;
struct socket;
struct rate;

enum { CONNECTION_HOLD_MS = 100 };

enum connection_state {
    CONNECTION_WAITING,
    CONNECTION_JOINING,
    CONNECTION_JOINED,
    CONNECTION_REFUSED,
    CONNECTION_CLOSING,
    CONNECTION_DOOMED
};

struct connection {
    /* what a delivery reads and writes */
    struct server *server;
    const struct dialect *dialect;
    uint64_t id;
    enum connection_state state;
    bool ponged;            /* something was heard since the last ping */
    bool too_slow;          /* its outbox was full or it stalled; closed at the end of the turn */
    bool stalled;           /* of the two: that */
    bool wants_write;       /* the kernel takes nothing now */
    struct list flush_link; /* in server->flush, in server->put_off, or alone */
    struct socket *socket;
    uint64_t moved_ms; /* when the kernel last took a byte of what waits; 0: nothing waits for it */
    uint64_t told_ms;  /* when something left that did not wait for company */
    uint64_t held_ms;  /* since when something waits for company; 0: nothing does */
    struct outbox outbox;
    struct list due;                /* subscriptions that are owed something, see document/delivery.h */
    struct room_member room_member; /* in the room of the session */
    struct ws_conn ws;

    struct list server_link;  /* in server->connection_list */
    struct list held_link;    /* in server->held, or alone */
    struct list doomed_link;  /* in server->doomed, or alone */
    struct list session_link; /* in session->connections, or alone */
    struct list subscriptions;
    uint32_t subscription_count;
    size_t known_bytes;      /* kept by those that are behind */
    struct session *session; /* NULL until joined and after it closed */
    struct participant participant;
    struct uuid session_id;
    uint8_t *credential; /* of the upgrade; NULL once used */
    size_t credential_size;
    bool credential_in_url;
    uint8_t *door_token; /* TOKEN_HASH_BYTES, of the one that it joined with; NULL: it joined with another credential */
    size_t unjoined_bytes;
    uint64_t deadline_ms;      /* WAITING, JOINING: to join; CLOSING: to be closed; JOINED: next ping */
    uint64_t token_expires_ms; /* Unix; 0: never */
    bool token_reminded;
    bool counted_unjoined;          /* in server->unjoined */
    struct list paced_link;         /* in server->paced, or alone */
    uint64_t paced_until_ms;        /* there: it is read again then */
    uint64_t frames;                /* of ws.frames, what is spent already */
    uint64_t frames_full_us;        /* rate.h */
    uint64_t updates;               /* kind 3 values since the last look */
    uint64_t updates_full_us;       /* rate.h */
    char request[REQUEST_ID_BYTES]; /* id of the upgrade; its calls are ID.msgid */
    struct rate *rates;             /* of methods; made at the first call */
    struct handoff *unread;         /* of a door: not read from yet, its document is being opened; `early` goes first */
    struct hocuspocus *hocuspocus;  /* DIALECT_HOCUSPOCUS; NULL: nothing came yet */
    bool ends_soon;
    struct connection_verdict *verdict; /* REFUSED: how it will be closed */
};

/* Takes `handoff`. Runs in the loop that owns the session. False: it was turned away. */
bool connection_open(struct server *server, struct handoff *handoff);

/* Something is to be sent, or found out, when the turn ends. */
void connection_wake(struct connection *connection);

/* The same, but what waits is in no hurry: it goes with whatever is sent next. At the end of the turn if nothing was sent lately,
 * and before CONNECTION_HOLD_MS and a tick have passed. */
void connection_wake_later(struct connection *connection);

/* Sends `frame` at the end of the turn; takes a reference of its own. A connection that cannot take it is closed as too slow. */
void connection_send(struct connection *connection, struct frame *frame);

/* A frame as it goes to this connection alone: compressed, if the client agreed on that and it is worth it. A reference of its own.
 */
struct frame *connection_pack(const struct connection *connection, struct frame *frame);

/* Sends one message (in the native dialect: values) written by the caller; consumes the writer's content, whatever its status. */
void connection_send_values(struct connection *connection, struct bytes_writer *values);

/* Sends the presence of a room that the member missed. */
void connection_send_room(struct connection *connection, struct room *room, struct room_member *member, struct frame_address to);

/* Whom a log line is about: the session, the connection, and the request that opened it. Its views are the connection's. */
struct log_subject connection_subject(const struct connection *connection);

/* The whole answer "no" to a request. */
void connection_send_fault(struct connection *connection, uint32_t msgid, const struct wire_fault *fault);

/* Leaves the session and starts the closing handshake. `reason` is a sentence. */
void connection_close(struct connection *connection, uint16_t code, const char *reason);

/* Leaves the session, reads no more, and closes in CONNECTION_REFUSED_MS: for clients that come back at once whatever the close
 * says.
 */
void connection_refuse(struct connection *connection, uint16_t code, const char *reason);

/* Closes at the end of the turn, with 1013: what the peer must do again, it does when it comes back. May be called while somebody
 * walks over subscriptions. */
void connection_end_soon(struct connection *connection);

/* A door's connection begins to read: first what came with its handoff. */
void connection_begin_reading(struct connection *connection);

/* Frees everything at the end of the turn, without a handshake. */
void connection_doom(struct connection *connection);

/* End of turn: one gathered write of at most a slice. A big state goes out slice by slice, a turn for each, and what a turn may
 * spend on big ones is bounded (server->turn_bytes_left): so they hold up nobody's typing. */
void connection_flush(struct connection *connection);

/* The end of a doomed connection. */
void connection_destroy(struct connection *connection);

/* It has joined, or never will: one place less among those who are about to. */
void connection_settled(struct connection *connection);

/* Reads on if its pause is over. */
void connection_pace(struct connection *connection, uint64_t now_ms);

/* Every tick: sends what has waited for company long enough. */
void connection_tick_held(struct server *server, uint64_t now_ms);

/* Every second or so: deadlines and pings. */
void connection_tick(struct connection *connection, uint64_t now_ms);

/* A writer for one message's values, bounded by what an outbox may hold. */
struct bytes_writer connection_writer(void);

#endif
