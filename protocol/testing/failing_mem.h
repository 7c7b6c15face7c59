/* failing_mem.h — an allocator that fails once, at the n-th request, and counts what is not given back.
 *
 *     for (unsigned n = 1; ; n++) {
 *         struct failing_mem failing;
 *         failing_mem_init(&failing, n);
 *         ... run with &failing.mem ...
 *         if (!failing.fired) break;      // the run needed fewer than n allocations: all have failed once
 *     }
 */
#ifndef TESTING_FAILING_MEM_H
#define TESTING_FAILING_MEM_H

#include "ground/mem.h"

#include <stdbool.h>

struct failing_mem {
    struct mem mem;
    unsigned left; /* requests until the failure */
    bool fired;
    size_t held; /* bytes not yet freed */
};

static inline void *failing_mem_resize(void *context, void *old, size_t old_bytes, size_t bytes) {
    struct failing_mem *failing = context;
    if (bytes > 0 && failing->left > 0 && --failing->left == 0) {
        failing->fired = true;
        return NULL;
    }
    void *block = mem_default.resize(NULL, old, old_bytes, bytes);
    failing->held += bytes;
    failing->held -= old == NULL ? 0 : old_bytes;
    return block;
}

/* `n`  which request fails, from 1; 0: none */
static inline void failing_mem_init(struct failing_mem *failing, unsigned n) {
    *failing = (struct failing_mem){ .mem = { failing_mem_resize, failing }, .left = n };
}

#endif
