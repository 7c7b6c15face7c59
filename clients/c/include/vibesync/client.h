/* client.h — a participant of a vibesync session: bytes in, bytes out, events out. No socket, no clock, no thread.
 *
 *      application                        struct client                              driver (client_poll.h, or your own loop)
 *      client_document_insert ─────▶  documents (a CRDT replica each)  ◀── client_feed ───────── received bytes
 *      client_call_begin/end  ─────▶  calls                            ──▶ client_output/sent ─▶ bytes to send
 *      client_next ◀── events ─────   connection: dial, upgrade, join  ◀── client_connected, client_disconnected, client_tick
 *
 * The library reconnects by itself, with jittered pauses, and resumes: every document is opened again with its epoch and client id,
 * state vectors are exchanged both ways, and what the server lacks is sent again. A local edit is never lost by a lost connection:
 * the replica itself is the queue. client_document_saved() says when everything is durable.
 *
 * A driver's turn:
 *
 *     switch (client_action(client)) { REST: nothing; DIAL: connect; TALK: read and write; HANG_UP: write, close }
 *     client_feed(client, received, now);
 *     while (client_next(client, now, &event) == STATUS_OK) ... the application handles it ...
 *     send client_output(client, now) and tell client_sent();
 *     client_tick(client, now) no later than client_wakeup(client)
 *
 * Times are milliseconds of any clock that never goes back. Text is UTF-8; indices and lengths count UTF-16 units. Nothing here is
 * thread-safe: one client, one thread. Functions of a client may be called from its reply callbacks, but not client_next,
 * client_feed and client_destroy. */
#ifndef VIBESYNC_CLIENT_H
#define VIBESYNC_CLIENT_H

#include "crdt/crdt.h"
#include "ground/uuid.h"
#include "wire/doc_wire.h"
#include "wire/session_wire.h"

struct client;
struct client_document;

enum {
    CLIENT_DOCUMENTS_MAX = 1024,                 /* open at once */
    CLIENT_CALLS_MAX = 256,                      /* unanswered at once */
    CLIENT_IN_FLIGHT_MAX = 65536,                /* updates of one document sent and not acknowledged; more are merged into one */
    CLIENT_OUT_BYTES_MAX = 32 * 1024 * 1024,     /* bytes to send that the driver has not taken; documents hold back long before */
    CLIENT_OUT_BYTES_HIGH = 1024 * 1024,         /* from here on documents hold back edits, to be merged into one update */
    CLIENT_MESSAGE_BYTES_MAX = 64 * 1024 * 1024, /* of a received WebSocket message */
    CLIENT_BATCH_BYTES = 64 * 1024,              /* values that share a WebSocket message */
    CLIENT_URL_BYTES_MAX = 2048,
    CLIENT_HANDSHAKE_MS = 10000,   /* from the connected socket to the joined session */
    CLIENT_SILENCE_MS = 25000,     /* then a ping goes out; the same again without a byte and the connection counts as lost */
    CLIENT_RENEW_MS = 15000,       /* own awareness is repeated at this interval */
    CLIENT_BACKOFF_MIN_MS = 250,   /* first pause before another attempt */
    CLIENT_BACKOFF_MAX_MS = 30000, /* longest pause */
    CLIENT_STABLE_MS = 5000,       /* joined for so long: the pauses start small again */
};

/* ---- address ----
 *
 *     https://HOST[:PORT][/v1/sessions/UUID[/ws]][#token=TOKEN]      also wss://, http://, ws://
 *
 * What stands behind '#' is never sent; it is how a whole invitation travels as one line. */
struct client_url {
    char host[256];      /* name or literal, IPv6 without brackets */
    uint16_t port;       /* 80 or 443 when none is given */
    bool secure;         /* https, wss: TLS */
    char authority[264]; /* host and port as the Host header wants them */
    struct uuid session; /* nil: none in the URL */
    struct bytes token;  /* in the text that was parsed; data NULL: none */
    struct bytes code;   /* #code=CODE, an invitation; data NULL: none */
};

/* STATUS_MALFORMED, STATUS_TOO_BIG. */
enum status client_url_parse(struct bytes text, struct client_url *out);

/* ---- life ---- */

struct client_options {
    const struct mem *mem; /* NULL: mem_default */
    struct bytes url;      /* with a session */
    struct bytes token;    /* access token; data NULL: the URL's */
    struct bytes name;     /* of the program, e.g. "vibesync-cli" */
    struct bytes version;
    /* Fills `out` with unpredictable bytes: mask keys, client ids, jitter. */
    void (*random)(void *context, void *out, size_t size);
    void *random_context;
    uint64_t now_ms;
    const char *ca_file; /* for TLS: a file, in PEM, of the authorities to trust in place of the system's; NULL: the system's */
};

/* Copies what it needs. STATUS_MALFORMED: the URL, no session or no token in it; STATUS_IO: no certificate can be read from
 * `ca_file`; STATUS_NO_MEMORY. */
enum status client_create(const struct client_options *options, struct client **out);

/* Frees everything, documents included. Unanswered calls are not called back. NULL is fine. */
void client_destroy(struct client *client);

/* Says goodbye: sends what is queued, closes with 1000, never reconnects. CLIENT_STOPPED follows. */
void client_leave(struct client *client);

/* ---- the driver's side ---- */

enum client_action {
    CLIENT_REST,   /* no socket is wanted now; client_wakeup says when to tick */
    CLIENT_DIAL,   /* connect to client_host():client_port(), then call client_connected or client_disconnected */
    CLIENT_TALK,   /* the socket stands: feed what arrives, send what client_output has */
    CLIENT_HANG_UP /* send what client_output has if the socket takes it, close the socket, call client_disconnected */
};
enum client_action client_action(const struct client *client);

const char *client_host(const struct client *client);
uint16_t client_port(const struct client *client);

void client_connected(struct client *client, uint64_t now_ms);

/* The socket ended or could not be made. Without effect when there was none. */
void client_disconnected(struct client *client, uint64_t now_ms);

/* Hands over received bytes. Not copied: they must stay valid until client_next answers STATUS_MORE, before which nothing else may
 * be fed. */
void client_feed(struct client *client, struct bytes received, uint64_t now_ms);

/* The bytes to send next, with TLS not all of them at once; valid until the next call on the client. Edits and calls since the last
 * time become one message here. */
struct bytes client_output(struct client *client);

/* The first `size` bytes of the output were sent. */
void client_sent(struct client *client, size_t size);

/* Does what is due at `now_ms`: reconnect, time-outs, pings, renewals. */
void client_tick(struct client *client, uint64_t now_ms);

/* When to tick next at the latest; UINT64_MAX: never. */
uint64_t client_wakeup(const struct client *client);

/* ---- events ---- */

enum client_event_kind {
    CLIENT_JOINED,            /* in the session; client_self() and client_limits() are set. `resumed`: not for the first time */
    CLIENT_LOST,              /* the connection is gone; the next attempt is at `retry_at_ms`. `code`, `reason` */
    CLIENT_STOPPED,           /* gone and not tried again until the application acts. `code`, `reason`, `fault` if there was one */
    CLIENT_DOCUMENT_READY,    /* the replica holds what the server had; editing may start (or goes on, after a reconnect) */
    CLIENT_DOCUMENT_CHANGED,  /* others changed the text; once per received message */
    CLIENT_DOCUMENT_SAVED,    /* everything local is durable */
    CLIENT_DOCUMENT_HALTED,   /* see client_document_state(); `fault` says why. The replica stays readable */
    CLIENT_AWARENESS_CHANGED, /* `document` NULL: the session's */
    CLIENT_NOTICE,            /* `method`, `params`: whatever the library does not handle itself */
    CLIENT_TOKEN_RENEWED      /* `token` replaces the one from before: keep it for the next start */
};

struct client_event {
    enum client_event_kind kind;
    struct client_document *document;
    bool resumed;
    uint16_t code;       /* close code; 0: the socket failed, or a refusal that was no close */
    struct bytes reason; /* for a person */
    uint64_t retry_at_ms;
    const struct wire_fault *fault; /* NULL: none */
    struct bytes method, params;
    struct bytes token;
};

/* The next event. STATUS_MORE: all is handled. Views in `out` are valid until the next call. */
enum status client_next(struct client *client, uint64_t now_ms, struct client_event *out);

/* ---- the session ---- */

bool client_joined(const struct client *client);

/* How often the session was joined; 1 after the first time. */
uint64_t client_join_count(const struct client *client);

struct client_self {
    struct uuid session;
    struct uuid user;
    uint64_t participant;
    uint32_t rights; /* enum wire_right */
    char role[WIRE_ROLE_BYTES_MAX + 1];
    char display_name[WIRE_NAME_BYTES_MAX + 1];
    char username[WIRE_NAME_BYTES_MAX + 1];
};

/* As of the last join; zero before the first. */
const struct client_self *client_self(const struct client *client);
const struct wire_limits *client_limits(const struct client *client);

/* ---- calls ----
 *
 *     struct bytes_writer *params = client_call_begin(client, "chat.send");
 *     pack_write_map(params, 1);
 *     pack_put_string(params, "text", "hello");
 *     status = client_call_end(client, on_sent, context);
 */

struct client_reply {
    enum status status;  /* OK; DENIED: the server said no; UNAVAILABLE: the connection went first, the outcome is unknown */
    struct bytes result; /* OK: one checked msgpack value */
    const struct wire_fault *fault; /* DENIED */
};

typedef void client_reply_handler(void *context, struct client *client, const struct client_reply *reply);

/* Starts a request; write exactly one map to the answer, then end it. `method` must stay valid until then. */
struct bytes_writer *client_call_begin(struct client *client, const char *method);

/* Queues the request. `handler` is called once, from client_next or client_disconnected; NULL: nobody wants to know.
 * STATUS_UNAVAILABLE (not joined), STATUS_OVERLOADED (CLIENT_CALLS_MAX wait, or the output is full), STATUS_NO_MEMORY: nothing was
 * queued, `handler` is not called. */
enum status client_call_end(struct client *client, client_reply_handler *handler, void *context);

/* ---- documents ---- */

enum client_document_state {
    CLIENT_DOCUMENT_WAITING,  /* not joined, or a pause before another attempt */
    CLIENT_DOCUMENT_OPENING,  /* asked */
    CLIENT_DOCUMENT_SYNCING,  /* exchanging what either side lacks */
    CLIENT_DOCUMENT_LIVE,     /* in step */
    CLIENT_DOCUMENT_REJECTED, /* an update was refused: nothing goes out any more. client_document_reopen() */
    CLIENT_DOCUMENT_EPOCH,    /* the server's text has another history. client_document_reopen() takes the server's */
    CLIENT_DOCUMENT_FAILED    /* not there, not allowed, deleted, quarantined */
};

/* Opens a document: `file`, or with `file` nil `path`. CLIENT_DOCUMENT_READY or CLIENT_DOCUMENT_HALTED follows, once joined.
 * STATUS_OVERLOADED (CLIENT_DOCUMENTS_MAX), STATUS_RANGE (path too long or empty), STATUS_NO_MEMORY. */
enum status client_document_open(struct client *client, const struct uuid *file, struct bytes path, void *context,
                                 struct client_document **out);

/* Closes and frees it. What is not saved is lost: ask client_document_saved() before. */
void client_document_close(struct client_document *document);

/* Throws the replica away and opens afresh, after REJECTED, EPOCH or FAILED: take what is worth keeping before. STATUS_NO_MEMORY.
 */
enum status client_document_reopen(struct client_document *document);

void *client_document_context(const struct client_document *document);
struct client *client_document_client(const struct client_document *document);
enum client_document_state client_document_state(const struct client_document *document);
struct uuid client_document_file(const struct client_document *document); /* nil before the first answer */
struct bytes client_document_path(const struct client_document *document);
uint64_t client_document_epoch(const struct client_document *document);
bool client_document_writable(const struct client_document *document);

/* The replica, to read from: state vectors, sizes, clocks. Change it through the functions below only. */
const struct crdt_doc *client_document_replica(const struct client_document *document);

/* In UTF-16 units; 0 before the first READY. */
uint64_t client_document_length(const struct client_document *document);

/* Appends the text. STATUS_NO_MEMORY, STATUS_TOO_BIG (the writer's maximum). */
enum status client_document_text(const struct client_document *document, struct bytes_writer *out);

/* Deletes `length` units at `index` and inserts `text` there, as one update. Works without a connection too.
 *
 * STATUS_UNAVAILABLE  it was never ready, so there is no text to edit yet
 * STATUS_DENIED       read only
 * STATUS_CONFLICT     halted
 * STATUS_RANGE        index or length outside the text
 * STATUS_MALFORMED    not UTF-8
 * STATUS_TOO_BIG      longer than the server takes in one update
 * STATUS_NO_MEMORY    the deletion may have happened without the insertion; the document is sound */
enum status client_document_replace(struct client_document *document, uint64_t index, uint64_t length, struct bytes text);

enum status client_document_insert(struct client_document *document, uint64_t index, struct bytes text);
enum status client_document_delete(struct client_document *document, uint64_t index, uint64_t length);

/* Adds an update that was made on another replica with this document's client id or an unused one, as if it had been typed here:
 * for editors that keep a replica of their own. Errors as above; STATUS_MALFORMED: not an update. */
enum status client_document_apply(struct client_document *document, struct bytes update);

/* Whether everything local is durable on the server. */
bool client_document_saved(const struct client_document *document);

struct client_progress {
    uint64_t sent;          /* updates since the document was last opened */
    uint64_t acknowledged;  /* of these, durable */
    uint64_t opening;       /* counts openings; `sent` and `acknowledged` start from 0 with each */
    uint64_t update_bytes;  /* payload of all updates sent, over all openings */
    uint64_t updates;       /* all updates sent, over all openings */
    uint64_t received;      /* updates of others, over all openings */
    uint64_t units_missing; /* local units that were acknowledged and that the server did not have at a later opening: a broken
                               promise */
    bool owes;              /* local edits are held back, to be sent as one update */
};
struct client_progress client_document_progress(const struct client_document *document);

/* ---- awareness: cursors and who is here. `document` NULL: the session's ---- */

/* Sets this participant's state, JSON; "null" removes it. Repeated every CLIENT_RENEW_MS and after each reconnect.
 * STATUS_MALFORMED, STATUS_TOO_BIG, STATUS_NO_MEMORY; STATUS_UNAVAILABLE: the document was never ready. */
enum status client_awareness_set(struct client *client, struct client_document *document, struct bytes json, uint64_t now_ms);

/* Calls `visit` for each state, one's own included. `visit` must not change anything. */
enum status client_awareness_each(struct client *client, struct client_document *document,
                                  enum status (*visit)(void *context, uint64_t id, uint64_t clock, struct bytes json),
                                  void *context);

#endif
