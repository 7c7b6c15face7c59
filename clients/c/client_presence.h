/* client_presence.h — one set of awareness states: those of others and the own one, which is repeated until it is taken back.
 *
 * A document has one, under its CRDT client id; the session has one, under an id of its own. */
#ifndef CLIENT_PRESENCE_H
#define CLIENT_PRESENCE_H

#include "vibesync/client.h"

struct client_presence {
    /* private */
    struct crdt_awareness *states;
    struct bytes_writer own; /* JSON; empty: none */
    uint64_t id;
    uint64_t renew_at_ms; /* UINT64_MAX: nothing to renew */
    uint64_t expire_at_ms;
    bool changed; /* a state to show came, changed or went */
};

enum status presence_init(struct client_presence *presence, const struct mem *mem, uint64_t id, uint64_t now_ms);
void presence_finish(struct client_presence *presence);

/* Goes on under another id. */
void presence_rename(struct client_presence *presence, uint64_t id, uint64_t now_ms);

/* Sets the own state; "null" removes it. Errors as crdt_awareness_set, unchanged then. */
enum status presence_set(struct client_presence *presence, struct bytes json, uint64_t now_ms);

/* Takes what the server sent. `out_contradicted`: it says that this participant is gone; renew. */
enum status presence_apply(struct client_presence *presence, struct bytes update, uint64_t now_ms, bool *out_contradicted);

bool presence_has_own(const struct client_presence *presence);

/* Gives the own state its next clock, to be sent. */
void presence_renew(struct client_presence *presence, uint64_t now_ms);

/* Appends the own state as an awareness update. */
enum status presence_encode_own(const struct client_presence *presence, struct bytes_writer *out);

/* Forgets who was not heard of for too long. */
void presence_expire(struct client_presence *presence, uint64_t now_ms);

#endif
