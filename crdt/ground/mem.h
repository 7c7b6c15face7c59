/* mem.h — the allocator that a caller hands down.
 *
 * Every object that owns memory takes a `const struct mem *` when it is made and keeps it; nothing below calls malloc. Tests pass
 * an allocator that fails the n-th time. One function serves all three verbs, as lua_Alloc does: growing, making and freeing. */
#ifndef GROUND_MEM_H
#define GROUND_MEM_H

#include <stddef.h>

struct mem {
    /* `old` NULL: allocates. `bytes` 0: frees and returns NULL. Else resizes; on failure NULL and `old` stays valid. */
    void *(*resize)(void *context, void *old, size_t old_bytes, size_t bytes);
    void *context;
};

/* The C library's heap. */
extern const struct mem mem_default;

/* `bytes` bytes, unset, aligned for any type; NULL when there are none. bytes > 0. */
void *mem_alloc(const struct mem *mem, size_t bytes);

/* The same, zeroed. */
void *mem_zalloc(const struct mem *mem, size_t bytes);

/* Resizes a block of `old_bytes`; NULL on failure, and then `old` is still valid. */
void *mem_resize(const struct mem *mem, void *old, size_t old_bytes, size_t bytes);

/* Frees a block of `bytes` bytes; NULL is fine. */
void mem_free(const struct mem *mem, void *block, size_t bytes);

#endif
