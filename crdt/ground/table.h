/* table.h — an open-addressing hash table from a 64-bit key to a pointer.
 *
 * Linear probing, at most 3/4 full, deletion by shifting back (no tombstones). The key is mixed, so small integers, random ids and
 * the first half of a UUID all spread. Where a key is a digest of something longer, the caller compares the object that it finds
 * and walks its own chain. Values are never NULL. */
#ifndef GROUND_TABLE_H
#define GROUND_TABLE_H

#include "ground/mem.h"
#include "ground/status.h"

#include <stddef.h>
#include <stdint.h>

struct table_slot {
    uint64_t key;
    void *value; /* NULL: free */
};

struct table {
    /* private */
    const struct mem *mem;
    struct table_slot *slots;
    size_t capacity; /* 0 or a power of two */
    size_t count;
};

void table_init(struct table *table, const struct mem *mem);
void table_finish(struct table *table);

void *table_get(const struct table *table, uint64_t key);

/* Sets or replaces. STATUS_NO_MEMORY: the table is unchanged. */
enum status table_put(struct table *table, uint64_t key, void *value);

/* Answers the removed value, or NULL. */
void *table_remove(struct table *table, uint64_t key);

size_t table_count(const struct table *table);

/* Walks in no order: start with *cursor = 0; NULL at the end. The table must not change meanwhile. */
void *table_next(const struct table *table, size_t *cursor);

#endif
