/* client_core.h — what the files of this library share: the client, its documents, its calls.
 *
 *     client.c           the connection's life, events, dispatch          client_line.c      socket bytes ⇄ messages
 *     client_call.c      requests and replies                             client_presence.c  awareness
 *     client_document.c  replicas: opening, editing, resuming             client_retry.c     what a close means
 *     client_tls.c       TLS                                              client_url.c       addresses */
#ifndef CLIENT_CORE_H
#define CLIENT_CORE_H

#include "client_line.h"
#include "client_presence.h"
#include "client_retry.h"
#include "ground/list.h"
#include "ground/table.h"
#include "wire/sync.h"

enum {
    CLIENT_REASON_BYTES_MAX = 240,
    CLIENT_GOODBYE_MS = 3000,     /* for the closing handshake */
    CLIENT_PACE_MS = 250,         /* the server's updates_per_second are spent in slices of this length */
    CLIENT_MARGIN_BYTES = 256,    /* what an update needs beside the inserted text, generously */
    CLIENT_TAKEN_ATTEMPTS_MAX = 5 /* other client ids tried when one is taken */
};

/* WAITING ─tick─▶ DIALING ─connected─▶ UPGRADING ─101─▶ JOINING ─joined─▶ JOINED ─leave─▶ LEAVING ─▶ STOPPED
 *    ▲               └──────────────────────┴───────────────┴────────────────┤ client_lose
 *    └─────────────────────────────────────────────────────── retry ─────────┴────── give up ─────────▲ */
enum client_phase { PHASE_WAITING, PHASE_DIALING, PHASE_UPGRADING, PHASE_JOINING, PHASE_JOINED, PHASE_LEAVING, PHASE_STOPPED };

struct client_call {
    uint32_t msgid;
    client_reply_handler *handler;
    void *context;
};

struct client {
    const struct mem *mem;
    void (*random)(void *context, void *out, size_t size);
    void *random_context;
    struct client_url url; /* its views are not set */
    struct bytes_writer token, name, version;

    struct line line;
    enum client_phase phase;
    bool socket; /* the driver has one, or is making it */
    uint64_t now_ms;
    uint64_t phase_since_ms;
    uint64_t retry_at_ms;
    uint64_t heard_at_ms;
    uint64_t pinged_at_ms; /* 0: no ping is out */
    unsigned attempts;

    /* A received message while its values are handled. */
    struct wire_reader reader;
    bool reading;

    /* Events that wait for client_next. */
    bool tell_joined, tell_ended, tell_token, tell_presence;
    uint16_t end_code;
    char end_reason[CLIENT_REASON_BYTES_MAX + 1];
    struct wire_fault fault; /* the last that the server said about this connection */
    bool has_fault;
    struct list flagged; /* documents with events */

    struct client_call calls[CLIENT_CALLS_MAX];
    unsigned call_count;
    uint32_t next_msgid;
    struct bytes_writer unsent; /* takes the params of calls that cannot be made */
    size_t call_start;          /* of the request that is being written, in the batch */
    bool call_open, call_refused;
    enum status call_status;

    struct list documents;
    struct table by_number;
    unsigned document_count;
    unsigned owing_count; /* documents with `owes` */
    struct bytes_writer scratch;
    uint64_t slice_started_ms; /* pacing */
    uint64_t slice_updates;

    struct client_presence presence;
    struct client_self self;
    struct wire_limits limits;
    uint64_t join_count;
};

enum document_flag { FLAG_READY = 1, FLAG_CHANGED = 2, FLAG_AWARENESS = 4, FLAG_SAVED = 8, FLAG_HALTED = 16 };

struct client_document {
    struct client *client;
    struct list link;
    struct list flagged;
    unsigned flags;
    void *context;
    struct uuid file;
    struct bytes_writer path;
    enum client_document_state state;
    struct wire_fault fault; /* why HALTED */
    uint64_t number;         /* 0: none in this connection */
    uint64_t epoch;
    bool has_epoch; /* was open before, with this replica */
    bool ready_once;
    bool writable;
    uint64_t client_id;
    struct crdt_doc *replica;
    struct crdt_type *text;
    struct client_presence presence;

    struct bytes_writer server_vector; /* what the server had when it opened the document */
    uint64_t retry_at_ms;              /* WAITING: UINT64_MAX: for the connection */
    unsigned attempts, taken_attempts;

    uint64_t *clocks; /* ring: the own clock behind each update in flight */
    size_t clocks_capacity;
    uint64_t clock_acknowledged;
    bool owes;                      /* local content that is neither durable nor in flight */
    struct bytes_writer owes_since; /* state vector before it; empty: all */
    struct client_progress progress;
};

/* ---- client.c ---- */

/* The connection is of no use any more. Calls are answered, documents wait; then CLIENT_LOST or CLIENT_STOPPED is told. */
void client_lose(struct client *client, enum client_decision decision, uint16_t code, struct bytes reason, uint64_t after_ms);

/* The server broke the protocol: says so, closes, and tries again after a pause. */
void client_blame(struct client *client, const char *what);

uint32_t client_random_u32(struct client *client);

/* ---- client_call.c ---- */

/* As the public pair, for calls that are part of joining. */
struct bytes_writer *call_begin(struct client *client, const char *method, bool allowed);
void call_answer(struct client *client, const struct wire_value *value);
void call_fail_all(struct client *client);
/* Forgets calls whose context goes away. */
void call_forget(struct client *client, const void *context);

/* ---- client_document.c ---- */

void document_joined(struct client_document *document);
void document_lost(struct client_document *document);
void document_on_update(struct client_document *document, struct bytes update);
void document_on_ack(struct client_document *document, uint64_t count);
void document_on_vector(struct client_document *document, struct bytes vector);
void document_on_awareness(struct client_document *document, struct bytes update);
void document_on_rejected(struct client_document *document, const struct wire_doc_rejected *rejected);
void document_on_gone(struct client_document *document, const struct wire_doc_gone *gone);
/* Sends what is owed if there is room for it. */
void document_settle(struct client_document *document);
void document_tick(struct client_document *document);
uint64_t document_wakeup(const struct client_document *document);
void document_free(struct client_document *document);
void document_flag(struct client_document *document, enum document_flag flag);

#endif
