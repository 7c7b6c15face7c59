/* client.h — what one writer has written: its runs by clock, and the arena of its contents.
 *
 *   directory:  [clock 0 | ·] [clock 900 | ·]            sorted; finds the chunk
 *                        │             │
 *   chunks:      {0: item 3, 40: item 17, …} ⇄ {900: item 8, …}      up to 64 runs; the first one of a client is small
 *
 *   ascii:       [… hello world | free]                  ASCII text, a byte a unit; items name it by offset
 *   text:        [… "안녕" | free]                        all other contents, in chunks that do not move
 *                                                        in both, the newest run ends at the tail and grows in place
 *
 * A chunk holds runs whose clocks have the same upper half, so that it needs the lower halves only.
 *
 * The directory is only an acceleration: a chunk that it does not list (because there was no memory to list it) is found by walking
 * from the one before. So inserting a run needs nothing but a spare chunk, and that is reserved beforehand. */
#ifndef CRDT_SRC_CLIENT_H
#define CRDT_SRC_CLIENT_H

#include "ground/bytes.h"
#include "ground/utf.h"
#include "item.h"

enum {
    RUN_CHUNK_FULL = 64,
    RUN_CHUNK_SMALL = 4,
    COMPACT_BYTES_MIN = 4096 /* dead bytes below which compacting is not worth the walk */
};

struct run_chunk {
    struct run_chunk *previous;
    struct run_chunk *next;
    uint32_t count;
    uint32_t capacity;
    uint32_t upper;    /* half of its clocks */
    uint32_t clocks[]; /* `capacity` lower halves of first clocks, then `capacity` item numbers */
};

static inline uint32_t *run_items(struct run_chunk *chunk) {
    return chunk->clocks + chunk->capacity;
}

static inline uint64_t run_clock(const struct run_chunk *chunk, uint32_t at) {
    return (uint64_t)chunk->upper << 32 | chunk->clocks[at];
}

struct run_slot {
    uint64_t clock;
    struct run_chunk *chunk;
};

struct text_chunk {
    struct text_chunk *older;
    uint32_t used;
    uint32_t capacity;
    uint8_t bytes[];
};

#define CLIENT_NOT_MISSING UINT64_MAX

struct client {
    uint64_t id;
    uint64_t state;   /* next clock */
    uint64_t id_word; /* the memory of the id as varint, id_bytes long and filled with zeros; id_mask has ones there */
    uint64_t id_mask;
    uint32_t index; /* in doc.clients */
    uint32_t runs;
    struct run_chunk *first;
    struct run_chunk *last;
    struct run_slot *directory;
    uint32_t directory_count;
    uint32_t directory_capacity;
    struct run_chunk *hint; /* where the last search ended */
    uint8_t *ascii;
    uint32_t ascii_used;
    uint32_t ascii_capacity;
    uint32_t ascii_dead; /* of ascii_used, what no item means any more */
    uint8_t id_bytes;    /* of id_word */
    bool txn_touched;
    bool compact;            /* is in doc.compact */
    struct text_chunk *text; /* newest first */
    uint32_t text_bytes;     /* in all chunks */
    uint32_t text_dead;      /* of them, what no item points to any more */
    uint32_t text_promised;  /* what was reserved and is not used yet */
    uint32_t planned;        /* its number in the plan; see apply.c */

    uint64_t missing;            /* pending is tried again when state passes this; CLIENT_NOT_MISSING */
    struct client *missing_next; /* in pending.missing */

    /* The transaction. */
    uint64_t txn_from;  /* state when it began, if touched */
    uint64_t bytes_run; /* the run that began here had bytes_before bytes of content before it grew at bytes_clock */
    uint64_t bytes_clock;
    uint32_t bytes_before;
    struct client *txn_next;
    struct client *compact_next;
    uint64_t plan; /* doc.plan, if the call of crdt_update_apply that goes on has planned it */
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
    uint32_t full_count;
    uint32_t small_count;
};

enum status run_spares_reserve(struct run_spares *spares, const struct mem *mem, size_t full, size_t small);
/* Frees all but `keep` full ones. */
void run_spares_trim(struct run_spares *spares, const struct mem *mem, size_t keep);

void client_finish(struct client *client, const struct mem *mem);
/* The same, and it has written nothing then. */
void client_empty(struct client *client, const struct mem *mem);
/* Gives back what its ASCII text does not need. */
void client_trim(struct client *client, const struct mem *mem);

/* The run that holds `clock`, clock < state. Cost: constant near the last search or at the end, else log runs. */
struct run_place client_find(struct client *client, uint64_t clock);

/* Steps; false at the end. */
bool run_place_next(struct run_place *place);
bool run_place_previous(struct run_place *place);

/* Appends a run at `state`, or inserts one behind `place` and answers where it stands; takes from the spares. Does not touch
 * `state`. */
void client_append_run(struct client *client, const struct mem *mem, struct run_spares *spares, uint64_t clock, uint32_t item);
struct run_place client_insert_run(struct client *client, const struct mem *mem, struct run_spares *spares, struct run_place place,
                                   uint64_t clock, uint32_t item);
/* Whether the run at `place` may begin `units` later, or earlier: only if the upper half of its clock stays the same. */
static inline bool run_can_move(struct run_place place, bool later, uint32_t units) {
    uint32_t clock = place.chunk->clocks[place.at];
    return later ? clock <= UINT32_MAX - units : clock >= units;
}
void client_move_first_run(struct client *client, struct run_chunk *chunk, uint32_t clock);
static inline void client_move_run(struct client *client, struct run_place place, bool later, uint32_t units) {
    uint32_t clock = place.chunk->clocks[place.at];
    clock = later ? clock + units : clock - units;
    if (place.at == 0)
        client_move_first_run(client, place.chunk, clock);
    else
        place.chunk->clocks[place.at] = clock;
}

void client_remove_run(struct client *client, const struct mem *mem, struct run_place place);

/* Fills the chunks one after the other and frees those that run empty. Cost: runs. */
void client_pack(struct client *client, const struct mem *mem);

/* Runs from `place` to the end. Cost: chunks. */
uint64_t client_runs_from(struct run_place place);

/* Makes room for `ascii` more bytes of ASCII text and `text` more of other contents. STATUS_TOO_BIG: beyond 4 GiB. */
enum status client_text_reserve(struct client *client, const struct mem *mem, size_t ascii, size_t text);

/* Whether compacting a text is worth the walk. */
static inline bool client_is_mostly_dead(size_t dead, size_t all) {
    return dead >= COMPACT_BYTES_MIN && dead > all / 2;
}

/* Copies ASCII text to the tail, which was reserved; answers its offset. */
static inline uint32_t client_ascii_add(struct client *client, struct bytes text) {
    uint32_t at = client->ascii_used;
    memcpy(client->ascii + at, text.data, text.size);
    client->ascii_used += (uint32_t)text.size;
    return at;
}

/* The same in one step, if the text has at most UTF_STEP bytes and lies where that many can be read. */
static inline uint32_t client_ascii_add_step(struct client *client, struct bytes text) {
    if (client->ascii_capacity - client->ascii_used < UTF_STEP)
        return client_ascii_add(client, text);
    uint32_t at = client->ascii_used;
    memcpy(client->ascii + at, text.data, UTF_STEP);
    client->ascii_used += (uint32_t)text.size;
    return at;
}

/* Copies another content to the tail, which was reserved. */
const uint8_t *client_text_add(struct client *client, struct bytes content);

/* Where the next content will stand; a run that ends here grows in place. */
static inline const uint8_t *client_text_tail(const struct client *client) {
    return client->text == NULL ? NULL : client->text->bytes + client->text->used;
}
static inline size_t client_text_capacity(const struct client *client) {
    return client->text == NULL ? 0 : client->text->capacity - client->text->used;
}
/* Room that nobody was promised: for ASCII text that could also stand elsewhere. */
static inline size_t client_text_room(const struct client *client) {
    size_t capacity = client_text_capacity(client);
    return capacity < client->text_promised ? 0 : capacity - client->text_promised;
}

/* Moves what items still mean together and gives the rest back. Without memory nothing happens. */
void client_ascii_compact(struct client *client, const struct mem *mem, struct items *items);
void client_text_compact(struct client *client, const struct mem *mem, struct items *items);

#endif
