/* mem.c — the default allocator, and the three verbs over any allocator. */
#include "ground/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void *mem_default_resize(void *context, void *old, size_t old_bytes, size_t bytes) {
    (void)context;
    (void)old_bytes;
    if (bytes == 0) {
        free(old);
        return NULL;
    }
    return realloc(old, bytes);
}

const struct mem mem_default = { mem_default_resize, NULL };

void *mem_alloc(const struct mem *mem, size_t bytes) {
    assert(bytes > 0);
    return mem->resize(mem->context, NULL, 0, bytes);
}

void *mem_zalloc(const struct mem *mem, size_t bytes) {
    void *block = mem_alloc(mem, bytes);
    if (block != NULL)
        memset(block, 0, bytes);
    return block;
}

void *mem_resize(const struct mem *mem, void *old, size_t old_bytes, size_t bytes) {
    assert(bytes > 0);
    return mem->resize(mem->context, old, old_bytes, bytes);
}

void mem_free(const struct mem *mem, void *block, size_t bytes) {
    if (block != NULL)
        mem->resize(mem->context, block, bytes, 0);
}
