/* load.h — vibesync-load's parts and what they share. One thread, one epoll.
 *
 *   scenario ──▶ load_main.c ──▶ door: rooms and credentials ──▶ swarm: connections ──┬─▶ ledger: who has what, latencies
 *                     │                                            ▲                 └─▶ answers of the door
 *                     └─ clocks: the next update or cursor ────────┘
 *
 * A *room* is one document and its connections; a *peer* is one connection. A *door* is a protocol: how to enter, how an update is
 * wrapped. The generator must cost less than the server that it measures: frames are read in place out of one buffer, updates are
 * told apart by their first bytes, and no replica is kept; that what arrived was right is checked at the end by a newcomer. */
#ifndef LOAD_LOAD_H
#define LOAD_LOAD_H

#include "crdt/crdt.h"
#include "gauge.h"
#include "ground/bytes.h"
#include "ground/uuid.h"
#include "ledger.h"
#include "recording.h"
#include "scenario.h"

#include <stdio.h>

struct load;

enum peer_state { PEER_AWAY, PEER_CONNECTING, PEER_UPGRADING, PEER_ENTERING, PEER_LIVE, PEER_STALLED };

enum { LOAD_TOKEN_MAX = 128 };

struct peer {
    struct load *load;
    int fd;
    enum peer_state state;
    uint32_t room;
    uint32_t index;           /* in its room: the first are the writers, the last the stalled */
    uint32_t step;            /* the door's */
    uint64_t doc;             /* native: the document's number */
    uint64_t began_ns;        /* of connecting */
    uint64_t ack_count;       /* native: updates acknowledged of this connection */
    uint64_t filled_count;    /* updates that it sent to fill the document, before those of its lane */
    bool joiner;              /* came while it was measured */
    struct crdt_doc *replica; /* of the newcomer that checks a room; else NULL */
    struct ledger_view updates;
    struct ledger_view moves;
    uint8_t *partial; /* the beginning of a frame that has not arrived as a whole */
    size_t partial_size, partial_capacity;
    uint8_t *unsent;
    size_t unsent_size, unsent_capacity;
    char token[LOAD_TOKEN_MAX];
};

struct room {
    struct uuid session;
    char name[64]; /* y-websocket: in the URL; native: the room code */
    char owner_token[LOAD_TOKEN_MAX];
    bool opened;                /* its first peer is live: the document exists */
    uint64_t filled_characters; /* of the document before anything was measured */
};

/* A protocol. */
struct door {
    const char *name;
    const char *subprotocol; /* NULL: none */
    bool keeps;              /* a newcomer is sent what was written before */
    bool acknowledges;
    void (*prepare)(struct load *load);
    void (*target)(const struct peer *peer,
                   struct bytes_writer *out); /* path of the upgrade; a peer's token goes along as a header */
    void (*opened)(struct peer *peer);        /* the WebSocket stands */
    void (*message)(struct peer *peer, struct bytes message);
    void (*write_update)(const struct peer *peer, struct bytes update, struct bytes_writer *out);
    void (*write_awareness)(const struct peer *peer, struct bytes update, struct bytes_writer *out);
};

extern const struct door door_native, door_y, door_yws, door_hocuspocus, door_bare;

/* Makes the rooms of vibesyncd, and a guest with a token for each peer. */
void native_prepare(struct load *load);
/* Appends the room's session. */
void native_write_session(const struct peer *peer, struct bytes_writer *out);
#define NATIVE_PATH "load.txt"

struct load {
    struct scenario scenario;
    struct recording recording; /* of the scenario's trace; without one no updates */
    const struct door *door;
    char host[256], port[8], authority[300];
    char admin_token[LOAD_TOKEN_MAX];
    struct room *rooms;
    struct peer *peers; /* room after room; the joiners behind them */
    size_t peer_count;  /* without joiners */
    size_t joiner_count;
    struct peer *checker; /* one more, the last */
    uint32_t client_base; /* CRDT client of lane n: base + n */
    uint64_t run;         /* random: tells this run's rooms from others' */
    struct ledger updates, moves;
    struct histogram acks, joins;
    uint64_t live_count, joining_count;
    uint64_t closed_count; /* by the server, not asked for */
    uint16_t closed_code;
    uint64_t received_bytes, received_messages;
    bool stopping;
    int epoll;
    bool verbose;
};

/* Exit statuses. */
enum { LOAD_OK = 0, LOAD_LOST = 1, LOAD_USAGE = 2 };

/* ---- load.c ---- */

_Noreturn void load_die(const char *format, ...) __attribute__((format(printf, 1, 2)));
void *load_must(void *block);
uint64_t load_now_ns(void);
uint64_t load_random(void);

/* ---- swarm.c ---- */

/* Begins to connect. */
void peer_connect(struct peer *peer);
/* Closes without a word. */
void peer_cut(struct peer *peer);
/* Sends one binary message, its payload given. */
void peer_send(struct peer *peer, struct bytes payload);
/* The door says: it is in, and has what was there before. */
void peer_enter(struct peer *peer);
/* The door says: an update, an awareness update, an acknowledgement of n updates since it came. */
void peer_on_update(struct peer *peer, struct bytes update);
void peer_on_awareness(struct peer *peer, struct bytes update);
void peer_on_ack(struct peer *peer, uint64_t count);
/* Reads and writes what is ready, waits at most until `until_ns`. */
void swarm_turn(struct load *load, uint64_t until_ns);

/* ---- updates.c: Yjs updates without a replica ---- */

/* The update that inserts a lane's characters [number, number + 1) × `characters` behind those before. */
void update_write(struct bytes_writer *out, uint64_t client, uint64_t clock, uint64_t characters);
/* Reads what update_write() wrote; false for any other update. */
bool update_read(struct bytes update, uint64_t *client, uint64_t *clock, uint64_t *characters);
/* A document of about `size` encoded bytes in runs of ten characters by eight clients; answers its characters. */
uint64_t update_write_document(struct bytes_writer *out, uint64_t size);
/* A cursor: one client's awareness state. */
void cursor_write(struct bytes_writer *out, uint64_t client, uint64_t clock);

/* ---- check.c: a newcomer to each room must have everything ---- */

/* Answers how many rooms differ; `out_checked` how many were looked at. */
size_t check_rooms(struct load *load, size_t *out_checked);

#endif
