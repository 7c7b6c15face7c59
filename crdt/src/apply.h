/* apply.h — one call of crdt_update_apply: what it plans and needs. Inside of apply.c, schedule.c and pending.c. */
#ifndef CRDT_APPLY_H
#define CRDT_APPLY_H

#include "crdt/update.h"
#include "store.h"

enum {
    APPLY_SOURCES_INLINE = 2, /* an update of one or two clients, nearly all, takes no memory for planning */
    APPLY_RANGES_INLINE = 4
};

struct block {
    uint64_t client;
    uint64_t clock;
    uint64_t structs;
    struct bytes_reader reader;
};

/* The structs of one client, in clock order: a block of the update, or parked ones. */
struct source {
    struct client *client;
    struct block block;
    struct parked **parked; /* NULL: from the block */
    size_t parked_count;

    /* The cursor. */
    struct bytes_reader reader;
    uint64_t left;
    uint64_t clock;
    size_t parked_at; /* the next one */
    bool has_head;
    bool blocked;
    bool on_stack;
    struct wire_struct head;
    uint64_t head_clock;
    const uint8_t *head_bytes;
};

/* What planning says of a client; client.planned is its number, if client.plan == doc.plan. */
struct planned {
    struct client *client;
    uint64_t state;
    size_t ascii;
    size_t text;
    size_t source;    /* its place among the sources, SIZE_MAX: none */
    uint64_t missing; /* the clock that something waits for, or CLIENT_NOT_MISSING */
};

struct apply {
    struct crdt_doc *doc;
    bool real;

    struct planned *planned;
    size_t planned_count;
    size_t planned_capacity;
    struct planned planned_inline[APPLY_SOURCES_INLINE];

    struct source *sources; /* of the update */
    size_t source_count;
    size_t source_capacity;
    struct source sources_inline[APPLY_SOURCES_INLINE];

    struct source *woken; /* of pending and what this update adds to it */
    size_t woken_count;
    size_t woken_capacity;

    struct source **stack;
    size_t stack_capacity;
    struct source *stack_inline[APPLY_SOURCES_INLINE];

    struct id_range *ranges; /* deletions, those that waited included */
    size_t range_count;
    size_t range_capacity;
    struct id_range ranges_inline[APPLY_RANGES_INLINE];
    uint64_t range_units; /* of this update's, as they came */

    bool retry;    /* older pending structs are tried again */
    bool woke;     /* older pending deletions find their units */
    bool in_order; /* all structs were wholly new */
    bool plain;    /* no Skip, nothing empty, no bytes behind the end */

    /* Needs at worst. */
    size_t items;
    size_t splits;
    size_t contents;  /* items whose content is not ASCII text */
    uint64_t deletes; /* runs that structs delete */
    bool wide;        /* clocks pass 32 bits */
    size_t types;
    size_t entries;
    size_t name_bytes;
    bool pairs;

    struct parked **fresh; /* copied for pending by this call */
    size_t fresh_count;
    size_t fresh_capacity;
    size_t fresh_kept; /* the first ones went to pending */

    struct parked **waiting; /* the new pending.structs, if `pending_changes` */
    size_t waiting_count;
    size_t waiting_capacity;
    size_t waiting_bytes;
    bool structs_change;

    struct id_range *late; /* the new pending.deletes, if ranges wait */
    size_t late_count;
    size_t late_capacity;
};

/* Grows `array` to `needed` elements. `inline_array`: where it began inside struct apply, or NULL. STATUS_NO_MEMORY,
 * STATUS_TOO_BIG. */
enum status apply_grow(struct crdt_doc *doc, void **array, size_t *capacity, size_t element, void *inline_array, size_t needed);

/* ---- schedule.c ---- */

/* Whether the source has a struct left; it is then source->head. Empty structs are passed over. */
bool source_peek(struct source *source);

/* Of a client that is planned; valid until another one is. */
static inline struct planned *planned_of(const struct apply *apply, const struct client *client) {
    return &apply->planned[client->planned];
}

/* The clock behind which a client's next unit comes: as planned, or in truth. NULL: 0. */
uint64_t apply_state(const struct apply *apply, const struct client *client);

/* Goes through the sources' structs in Yjs's order: plans them, or, with apply->real, integrates them, which cannot fail after the
 * same plan. Sources that cannot go on end `blocked`. STATUS_NO_MEMORY, STATUS_TOO_BIG. */
enum status apply_schedule(struct apply *apply, struct source *sources, size_t count);

/* ---- pending.c ---- */

/* Copies what the update's sources could not integrate. */
enum status apply_copy_blocked(struct apply *apply);

/* Old and new pending structs in one order. A new one is left out if it says nothing more than the one before it, or than old ones
 * that begin before it and follow each other without a gap: where both know different things of a unit, Yjs keeps those. */
enum status apply_merge_waiting(struct apply *apply);

/* Plays all of pending through, as sources of their own. */
enum status apply_wake(struct apply *apply);

/* What waits now becomes the document's pending. */
void apply_keep_pending(struct apply *apply);

#endif
