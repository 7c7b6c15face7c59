/* client.h — what one writer has written: its runs by clock, and the arena of its contents.
 *
 *   directory:  [clock 0 | ·] [clock 900 | ·]            sorted; finds the chunk
 *                        │             │
 *   chunks:      {0: item 3, 40: item 17, …} ⇄ {900: item 8, …}      up to 64 runs; the first one of a client is small
 *
 *   arena:       [… "hello world" | free]                the newest run's text ends at the arena's tail and grows in place
 *
 * The directory is only an acceleration: a chunk that it does not list (because there was no memory to list it) is found by walking
 * from the one before. So inserting a run needs nothing but a spare chunk, and that is reserved beforehand. */
#ifndef CRDT_SRC_CLIENT_H
#define CRDT_SRC_CLIENT_H

#include "ground/bytes.h"
#include "item.h"

enum { RUN_CHUNK_FULL = 64, RUN_CHUNK_SMALL = 4 };

struct run_chunk {
    struct run_chunk *previous;
    struct run_chunk *next;
    uint32_t count;
    uint32_t capacity;
    uint64_t clocks[]; /* `capacity` first clocks, then `capacity` item numbers */
};

static inline uint32_t *run_items(struct run_chunk *chunk) {
    return (uint32_t *)(void *)(chunk->clocks + chunk->capacity);
}

struct run_slot {
    uint64_t clock;
    struct run_chunk *chunk;
};

struct text_chunk {
    struct text_chunk *older;
    size_t used;
    size_t capacity;
    uint8_t bytes[];
};

#define CLIENT_NOT_MISSING UINT64_MAX

struct client {
    uint64_t id;
    uint64_t state; /* next clock */
    uint32_t index; /* in doc.clients */
    uint32_t runs;
    struct run_chunk *first;
    struct run_chunk *last;
    struct run_slot *directory;
    uint32_t directory_count;
    uint32_t directory_capacity;
    struct run_chunk *hint; /* where the last search ended */
    uint32_t hint_at;
    struct text_chunk *text; /* newest first */
    size_t text_bytes;       /* in all chunks */
    size_t text_dead;        /* of them, what no item points to any more */

    uint64_t missing;            /* pending is tried again when state passes this; CLIENT_NOT_MISSING */
    struct client *missing_next; /* in doc.missing */

    /* The transaction. */
    uint64_t txn_from; /* state when it began, if touched */
    struct client *txn_next;
    bool txn_touched;
    bool compact;
    struct client *compact_next;

    /* One call of crdt_update_apply, valid if plan == doc.plan. */
    uint64_t plan;
    uint64_t plan_state;
    size_t plan_text;
    size_t plan_source; /* its place among the sources, SIZE_MAX: none */
    uint64_t plan_missing;
    struct client *plan_next;
    struct client *plan_missing_next;
};

/* A place among a client's runs. */
struct run_place {
    struct run_chunk *chunk;
    uint32_t at;
};

static inline uint32_t run_place_item(struct run_place place) {
    return run_items(place.chunk)[place.at];
}

/* Spare chunks, shared by all clients of a document. */
struct run_spares {
    struct run_chunk *full;
    struct run_chunk *small;
    size_t full_count;
    size_t small_count;
};

enum status run_spares_reserve(struct run_spares *spares, const struct mem *mem, size_t full, size_t small);
/* Frees all but `keep` full ones. */
void run_spares_trim(struct run_spares *spares, const struct mem *mem, size_t keep);

void client_finish(struct client *client, const struct mem *mem);

/* The run that holds `clock`, clock < state. Cost: constant near the last search or at the end, else log runs. */
struct run_place client_find(struct client *client, uint64_t clock);

/* Steps; false at the end. */
bool run_place_next(struct run_place *place);
bool run_place_previous(struct run_place *place);

/* Appends a run at `state`, or inserts one behind `place`; takes from the spares. Does not touch `state`. */
void client_append_run(struct client *client, const struct mem *mem, struct run_spares *spares, uint64_t clock, uint32_t item);
void client_insert_run(struct client *client, const struct mem *mem, struct run_spares *spares, struct run_place place,
                       uint64_t clock, uint32_t item);
void client_remove_run(struct client *client, const struct mem *mem, struct run_place place);

/* Runs from `place` to the end. Cost: chunks. */
uint64_t client_runs_from(struct run_place place);

/* Makes room for `bytes` more bytes of content. */
enum status client_text_reserve(struct client *client, const struct mem *mem, size_t bytes);

/* Copies content to the arena's tail, which was reserved. */
const uint8_t *client_text_add(struct client *client, struct bytes content);

/* Where the next content will stand; a run that ends here grows in place. */
static inline const uint8_t *client_text_tail(const struct client *client) {
    return client->text == NULL ? NULL : client->text->bytes + client->text->used;
}

/* Copies what `items` still point to into one new chunk and frees the others. Without memory nothing happens. */
void client_text_compact(struct client *client, const struct mem *mem, struct items *items);

#endif
