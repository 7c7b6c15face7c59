/* feature.h — what a feature is: one folder, one table row, this struct.
 *
 * A feature announces its methods (name, direction, right, rate), handlers for those that clients call, and its statements (the
 * .sql of its folder). Rights and rates are checked in dispatch.c before a handler runs, so a handler contains no permission code.
 * What a handler may do with the rest of the server is host.h, and nothing else.
 *
 * A handler that answers STATUS_OK has answered the call or started something that will (host_store). Any other status is told to
 * the caller by dispatch. */
#ifndef SERVER_FEATURE_H
#define SERVER_FEATURE_H

#include "ground/arena.h"
#include "ground/uuid.h"
#include "http/request_id.h"
#include "wire/fault.h"
#include "wire/method.h"
#include "wire/pack.h"

struct feature_session;
struct participant;
struct session;

/* One request on its way. It outlives the handler, the message and maybe the connection: what it holds are copies and ids. */
struct feature_call {
    struct arena arena;  /* lives as long as the call */
    struct bytes params; /* a checked msgpack map, in the arena */
    struct uuid session_id;
    struct uuid user_id;
    struct bytes user_name;  /* the participant's display name, in the arena */
    uint64_t connection_id;  /* the participant's id in the session */
    uint64_t now_ms;         /* Unix ms */
    struct wire_fault fault; /* what to tell the caller instead of the status's own sentence; code WIRE_CODE_COUNT: nothing set */
    void *state;             /* the handler's own, in the arena */

    /* private: host.c and dispatch.c */
    struct session *session;
    uint32_t msgid;
    char request[REQUEST_ID_BYTES]; /* of the connection, for the log */
    bool answered;
    unsigned pending; /* statements on their way */
};

struct feature_handler {
    const char *method; /* NULL ends the table */
    enum status (*handle)(struct feature_call *call);
};

struct feature {
    const char *name;                       /* also prefixes methods and statements */
    const struct wire_method *methods;      /* ends with name NULL */
    const struct feature_handler *handlers; /* one for each method that comes from clients */
    size_t session_state_size;              /* a zeroed block per session; 0: none */
    /* Each may be NULL. */
    enum status (*session_open)(struct feature_session *session);
    void (*session_close)(struct feature_session *session);
    void (*participant_joined)(struct feature_session *session, const struct participant *participant, uint64_t connection_id);
    void (*participant_left)(struct feature_session *session, const struct participant *participant, uint64_t connection_id);
    /* About once a second. */
    void (*tick)(struct feature_session *session, uint64_t now_ms);
};

/* A session as a feature sees it. */
struct feature_session {
    struct uuid id;
    void *state; /* session_state_size bytes; NULL if that is 0 */
    /* private */
    struct session *session;
};

#endif
