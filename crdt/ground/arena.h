/* arena.h — memory that ends all at once.
 *
 * Bump allocation in chunks; nothing is freed singly. arena_reset() keeps the newest chunk, so an arena that serves one message
 * after the other stops allocating. Lives as long as its owner: a message, a connection, a session. */
#ifndef GROUND_ARENA_H
#define GROUND_ARENA_H

#include "ground/bytes.h"

struct arena_chunk;

struct arena {
    /* private */
    const struct mem *mem;
    struct arena_chunk *chunks;
    size_t used;
    size_t total;
    size_t total_max;
};

/* `total_max` bounds the bytes that all chunks together may take. */
void arena_init(struct arena *arena, const struct mem *mem, size_t total_max);
void arena_finish(struct arena *arena);
void arena_reset(struct arena *arena);

/* `bytes` zeroed bytes aligned for any type; NULL when memory or the maximum is used up. */
void *arena_alloc(struct arena *arena, size_t bytes);

/* A copy with a NUL behind it, which its size does not count; data NULL on failure. */
struct bytes arena_copy(struct arena *arena, struct bytes bytes);

#endif
