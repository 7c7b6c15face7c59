/* session_wire.h — the messages of a session: joining, participants, renewal of the token. PROTOCOL.md, "Session".
 *
 * Each message is a struct with one _write and one _read, used by server and clients. Views in a struct that was read point into
 * the message. A _read answers through `fields`: fields.status, and the name of the field that is wrong.
 *
 *     session.join          request    wire_join            → wire_joined
 *     session.participants  request    wire_page            → participants, next
 *     session.participant   notice     wire_participant_event
 *     session.closed        notice     wire_session_closed
 *     session.fault         notice     an error value (rpc.h)
 *     auth.refresh          request    {}                   → wire_token
 *     auth.expiring         notice     wire_token_expiring */
#ifndef WIRE_SESSION_WIRE_H
#define WIRE_SESSION_WIRE_H

#include "wire/rpc.h"

enum {
    WIRE_PROTOCOL_VERSION = 1,
    WIRE_NAME_BYTES_MAX = 128,         /* client names, versions, display names, user names */
    WIRE_CREDENTIAL_BYTES_MAX = 4096,  /* access tokens, JWTs included */
    WIRE_CAPABILITIES_BYTES_MAX = 512, /* the encoded list */
    WIRE_PARTICIPANTS_PAGE_MAX = 200,
    WIRE_PARTICIPANTS_PAGE_DEFAULT = 50,
    WIRE_ROLE_BYTES_MAX = 32,
    WIRE_REASON_BYTES_MAX = 240
};

/* session.*, auth.*: from, right, rate; ends with name NULL. */
extern const struct wire_method wire_session_methods[];

/* ---- session.join ---- */

struct wire_join {
    struct bytes client;       /* name of the program, e.g. "vibesync-cli"; 1 to 128 bytes */
    struct bytes version;      /* its version; up to 128 bytes, "" when not given */
    uint64_t protocol;         /* WIRE_PROTOCOL_VERSION */
    struct bytes credential;   /* access token; data NULL when the upgrade carried it */
    struct bytes capabilities; /* encoded array of texts, for wire_capability_has; data NULL: none */
};

void wire_join_write(struct bytes_writer *out, const struct wire_join *join);
struct pack_fields wire_join_read(struct bytes params, struct wire_join *out);

/* Whether an encoded list of texts holds `name`. */
bool wire_capability_has(struct bytes capabilities, const char *name);

/* What the server enforces, in its units; announced at join. A limit error names the member. */
struct wire_limits {
    uint64_t message_bytes;       /* one WebSocket message */
    uint64_t update_bytes;        /* payload of one kind 3 */
    uint64_t awareness_bytes;     /* payload of one kind 5 */
    uint64_t open_documents;      /* per connection */
    uint64_t requests_per_second; /* per connection, all methods together */
    uint64_t updates_per_second;  /* per connection, all documents together */
    uint64_t files;               /* per session */
    uint64_t document_bytes;      /* encoded state of one document */
    uint64_t path_bytes;          /* a file's path */
    uint64_t chat_bytes;          /* text of one chat message */
};

struct wire_participant {
    uint64_t id; /* of this connection in the session; never reused within a boot */
    struct uuid user;
    struct bytes username;     /* unique */
    struct bytes display_name; /* as chosen */
    struct bytes role;         /* "owner", "collaborator", "viewer", "agent", "runner" */
};

void wire_participant_write(struct bytes_writer *out, const struct wire_participant *participant);
struct pack_fields wire_participant_read(struct bytes value, struct wire_participant *out);

struct wire_joined {
    uint64_t protocol; /* the level both speak: the smaller of the two versions */
    struct uuid session;
    struct wire_participant self; /* user, participant id and role */
    uint32_t rights;              /* enum wire_right */
    struct uuid boot;             /* of the server process; another one: document numbers are void */
    struct wire_limits limits;
    struct bytes capabilities; /* encoded array of texts; data NULL: none */
    uint64_t files_count;
    struct bytes participants;  /* encoded array of participants, the first page, without oneself */
    uint64_t participants_next; /* cursor for session.participants; 0: that was all */
    uint64_t token_expires_at;  /* Unix ms; 0: never */
};

void wire_joined_write(struct bytes_writer *out, const struct wire_joined *joined);
struct pack_fields wire_joined_read(struct bytes result, struct wire_joined *out);

/* Walks an encoded array of participants. STATUS_OK, STATUS_MORE at the end, STATUS_MALFORMED. */
struct wire_participants {
    /* private */
    struct pack_reader reader;
    uint32_t left;
    bool failed;
};
struct wire_participants wire_participants(struct bytes array);
enum status wire_participants_next(struct wire_participants *walk, struct wire_participant *out);

/* ---- session.participants {after, limit} → {participants, next} ---- */

struct wire_page {
    uint64_t after; /* 0: from the start */
    uint64_t limit; /* 1 to WIRE_PARTICIPANTS_PAGE_MAX; 50 when not given */
};

void wire_page_write(struct bytes_writer *out, const struct wire_page *page);
struct pack_fields wire_page_read(struct bytes params, struct wire_page *out);

struct wire_participants_page {
    struct bytes participants; /* encoded array */
    uint64_t next;             /* 0: that was all */
};
void wire_participants_page_write(struct bytes_writer *out, const struct wire_participants_page *page);
struct pack_fields wire_participants_page_read(struct bytes result, struct wire_participants_page *out);

/* ---- session.participant {event, participant, reason} ---- */

enum wire_participant_what { WIRE_PARTICIPANT_JOINED, WIRE_PARTICIPANT_LEFT, WIRE_PARTICIPANT_CHANGED };

struct wire_participant_event {
    enum wire_participant_what what;
    struct wire_participant participant;
    struct bytes reason; /* data NULL: none. Up to WIRE_REASON_BYTES_MAX */
};

void wire_participant_event_write(struct bytes_writer *out, const struct wire_participant_event *event);
struct pack_fields wire_participant_event_read(struct bytes params, struct wire_participant_event *out);

/* ---- session.closed {reason, message}: the session ends for everyone; a close with 4404 follows ---- */

struct wire_session_closed {
    struct bytes reason;  /* a word: "closed", "deleted" */
    struct bytes message; /* for a person */
};

void wire_session_closed_write(struct bytes_writer *out, const struct wire_session_closed *closed);
struct pack_fields wire_session_closed_read(struct bytes params, struct wire_session_closed *out);

/* ---- auth.refresh {} → {token, expires_at};  auth.expiring {expires_at} ---- */

struct wire_token {
    struct bytes token;
    uint64_t expires_at; /* Unix ms; 0: never */
};

void wire_token_write(struct bytes_writer *out, const struct wire_token *token);
struct pack_fields wire_token_read(struct bytes result, struct wire_token *out);

void wire_token_expiring_write(struct bytes_writer *out, uint64_t expires_at);
struct pack_fields wire_token_expiring_read(struct bytes params, uint64_t *out);

/* An empty map, for requests without parameters and results without content. */
void wire_empty_write(struct bytes_writer *out);

#endif
