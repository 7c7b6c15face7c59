/* arena.c — chunks, newest first; only the newest is bumped. */
#include "ground/arena.h"

#include <assert.h>
#include <stdalign.h>

enum { ARENA_CHUNK_BYTES = 2048 };

struct arena_chunk {
    struct arena_chunk *older;
    size_t capacity;
    alignas(max_align_t) uint8_t data[];
};

void arena_init(struct arena *arena, const struct mem *mem, size_t total_max) {
    *arena = (struct arena){ .mem = mem, .total_max = total_max };
}

static void arena_free_from(struct arena *arena, struct arena_chunk *chunk) {
    while (chunk != NULL) {
        struct arena_chunk *older = chunk->older;
        size_t bytes = sizeof *chunk + chunk->capacity;
        arena->total -= bytes;
        mem_free(arena->mem, chunk, bytes);
        chunk = older;
    }
}

void arena_finish(struct arena *arena) {
    if (arena == NULL || arena->mem == NULL)
        return;
    arena_free_from(arena, arena->chunks);
    arena->chunks = NULL;
    arena->used = 0;
    assert(arena->total == 0);
}

void arena_reset(struct arena *arena) {
    if (arena->chunks == NULL)
        return;
    arena_free_from(arena, arena->chunks->older);
    arena->chunks->older = NULL;
    arena->used = 0;
}

void *arena_alloc(struct arena *arena, size_t bytes) {
    size_t align = alignof(max_align_t);
    if (bytes > SIZE_MAX / 2)
        return NULL;
    bytes = (bytes + align - 1) / align * align;
    if (arena->chunks == NULL || bytes > arena->chunks->capacity - arena->used) {
        size_t capacity = bytes > ARENA_CHUNK_BYTES ? bytes : ARENA_CHUNK_BYTES;
        size_t chunk_bytes = sizeof(struct arena_chunk) + capacity;
        if (chunk_bytes > arena->total_max - arena->total)
            return NULL;
        struct arena_chunk *chunk = mem_alloc(arena->mem, chunk_bytes);
        if (chunk == NULL)
            return NULL;
        chunk->older = arena->chunks;
        chunk->capacity = capacity;
        arena->chunks = chunk;
        arena->used = 0;
        arena->total += chunk_bytes;
    }
    void *block = arena->chunks->data + arena->used;
    arena->used += bytes;
    return memset(block, 0, bytes);
}

struct bytes arena_copy(struct arena *arena, struct bytes bytes) {
    uint8_t *data = bytes.size < SIZE_MAX ? arena_alloc(arena, bytes.size + 1) : NULL;
    if (data == NULL)
        return bytes_of(NULL, 0);
    if (bytes.size > 0)
        memcpy(data, bytes.data, bytes.size);
    return bytes_of(data, bytes.size);
}
