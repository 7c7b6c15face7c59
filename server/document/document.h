/* document.h — one file's CRDT in memory, its subscribers, its way into the database.
 *
 *   kind 3 ──▶ document_update ──▶ rights, limits, claims ──▶ crdt apply ──▶ journal_append ──▶ group g
 *                                                                │
 *                                                                └─▶ one frame ──▶ every other subscriber
 *   group g durable ──▶ document_on_durable ──▶ kind 4 to whoever waits for a group up to g
 *
 *   state of a document                                                        transition → function
 *
 *     OPENING ──▶ OPEN ──▶ CLOSED                                               OPENING → OPEN      document_open_done
 *        │          │                                                           OPENING → CLOSED    document_open_fail
 *        └──────────┴──▶ CLOSED (deleted, quarantined, a new epoch, …)          OPEN → CLOSED       document_gone, document_tick
 *
 * Acks. `n` counts every kind 3 of a subscription. An update goes into journal group g; when g is durable, n may be acknowledged.
 * Groups finish in order and at most two of a document are unfinished, so a subscription waits for at most two (group, n) pairs.
 * An update that brought nothing new waits for the newest group of the document. */
#ifndef SERVER_DOCUMENT_H
#define SERVER_DOCUMENT_H

#include "crdt/crdt.h"
#include "document/authors.h"
#include "document/image.h"
#include "session/session.h"
#include "store/documents.h"
#include "wire/doc_wire.h"

enum document_state { DOCUMENT_OPENING, DOCUMENT_OPEN, DOCUMENT_CLOSED };

enum { DOCUMENT_SUBSCRIPTIONS_MAX = 1024 }; /* open documents of one connection: an editor with every tab open, and room */

struct document {
    struct session *session;
    struct list session_link;
    struct uuid file;
    uint64_t number;
    enum document_state state;
    int64_t epoch;
    char *root_name;
    size_t root_name_size;
    struct crdt_doc *crdt;
    struct image images[DIALECT_SHARING]; /* the same in frames, by dialect, for who joins */
    struct room room;
    struct list subscriptions;
    struct list openers; /* document_open operations that wait for the load */
    struct authors authors;
    struct uuid last_author;
    uint64_t idle_since_ms; /* 0: somebody reads */

    /* budget.c */
    size_t counted_bytes;
    struct list idle_link;
    const struct list *idle_in; /* the server's list; NULL: in none */

    /* persist.c */
    struct store_load load;
    struct journal_line line;
    struct {
        uint64_t group; /* 0: none */
        uint64_t since_us;
    } unsaved[2]; /* the journal groups on their way, the older first: when each got its first update */
    struct checkpoint_job checkpoint;
    bool checkpointing;
    struct persist_work *work; /* of the running checkpoint, in the pool; NULL: none */
    int64_t checkpoint_version;
    uint64_t changes;               /* updates that brought something, counted */
    uint64_t changes_checkpointing; /* `changes` that the running checkpoint merges, journal rows included */
    uint64_t changes_saved;         /* the same of the newest checkpoint: all of them, and the journal is empty */
    uint64_t journal_bytes_saved;   /* line's bytes_total at the newest checkpoint, less what was loaded from the journal */
    uint64_t state_bytes;           /* of the newest checkpoint */
    uint64_t changed_since_ms;      /* the oldest change that no checkpoint holds; 0: none */
    uint64_t changed_last_ms;
    uint64_t checkpoint_not_before_ms; /* after a failure */
    bool overtaken;                    /* another server's checkpoint is newer than what memory holds */
    bool root_overtaken;               /* the same, with another text root */
    uint64_t standing_asked_ms;        /* standing.c */

    /* leave.c */
    void (*leaving)(void *context, bool saved); /* NULL: it stays */
    void *leaving_context;
    uint64_t leave_by_ms;
};

struct subscription {
    struct document *document;
    struct connection *connection;
    struct list document_link;
    bool behind;     /* delivery.c; with the three above and the next in one cache line: what a delivery reads */
    uint8_t dialect; /* enum dialect_kind */
    bool owes_ack;
    bool writable;
    bool claimed;         /* a client id, by a live update, or in vain */
    bool has_parked;      /* something of it had to wait for what is missing */
    struct list due_link; /* in connection->due while anything is owed, or alone */
    struct list connection_link;
    uint8_t *known; /* behind: what the peer has, a state vector; NULL: nothing */
    size_t known_size;
    uint64_t count;     /* kind 3 values since doc.open */
    uint64_t acked;     /* n of the newest ack, sent or owed */
    uint64_t acks_said; /* DIALECT_HOCUSPOCUS, which acknowledges each by itself */
    uint64_t refused;   /* the n that was refused; 0: none. Everything after it is refused, too */
    struct {
        uint64_t group;
        uint64_t count;
    } waits[2];         /* in order; group 0: free */
    uint64_t client_id; /* 0: nothing was claimed, see authors.h */
    struct room_member member;
    uint8_t *name; /* DIALECT_HOCUSPOCUS: what the peer calls the document; NULL else */
    size_t name_size;
};

/* Whom its frames are for. */
static inline struct frame_address subscription_address(const struct subscription *subscription) {
    return (struct frame_address){
        .dialect = (enum dialect_kind)subscription->dialect,
        .number = subscription->document->number,
        .name = bytes_of(subscription->name, subscription->name_size),
    };
}

/* The document of that file in this session, or NULL. Cost: open documents of the session. */
struct document *document_find(const struct session *session, const struct uuid *file);

/* A connection's subscription to document `number`, or NULL. */
struct subscription *connection_subscription(const struct connection *connection, uint64_t number);

/* The same by the name that the peer gave. */
struct subscription *connection_subscription_named(const struct connection *connection, struct bytes name);

/* A new document in state OPENING, without content. STATUS_NO_MEMORY. */
enum status document_create(struct session *session, const struct uuid *file, struct document **out);

/* Frees it at once; its subscriptions are ended without a word. What is not durable is still written by the store. */
void document_destroy(struct document *document);

/* Replaces the connection's older subscription to the same document by the same name (copied; empty but for DIALECT_HOCUSPOCUS).
 * STATUS_NO_MEMORY; STATUS_TOO_BIG: DOCUMENT_SUBSCRIPTIONS_MAX. */
enum status document_subscribe(struct document *document, struct connection *connection, uint64_t client_id, struct bytes name,
                               struct subscription **out);
void document_unsubscribe(struct subscription *subscription);

/* One kind 3, or what a door has in its place. `live`: by a peer whose protocol names no client id, and just made by it: what it
 * holds may claim one (authors_claim). STATUS_MALFORMED: not an update, nothing happened and the connection is to be closed. Any
 * other refusal is told to the sender by its dialect's rejected() and answers STATUS_OK. The subscription may end meanwhile. */
enum status document_update(struct subscription *subscription, struct bytes update, bool live);

/* A door's sync step 1, which comes before its updates. False: the peer has another history of the file; that was told to it by its
 * dialect's rejected(), and the subscription has ended, so that its replica is not given this one, too. */
bool document_admits(struct subscription *subscription, struct bytes state_vector);

/* One kind 5. STATUS_MALFORMED. */
enum status document_awareness(struct subscription *subscription, struct bytes update);

/* Tells every subscriber doc.gone; who cannot be told is cut off. */
void document_tell_gone(struct document *document, enum wire_gone reason, int64_t epoch);

/* Ends an open document: tells every subscriber doc.gone and frees it. `epoch`: the file's new one with WIRE_GONE_EPOCH, else 0. */
void document_gone(struct document *document, enum wire_gone reason, int64_t epoch);

/* Open, and nobody reads it or waits for it. */
bool document_is_idle(const struct document *document);

/* Frees a document that is idle and saved. `why`: a word for the log. */
void document_evict(struct document *document, const char *why);

/* Expires awareness, checkpoints when due, evicts when idle and clean. May free the document. */
void document_tick(struct document *document, uint64_t now_ms);

/* What another writer wrote: applied and sent to every subscriber. Status as crdt_update_apply. */
enum status document_merge(struct document *document, struct bytes update);

#endif
