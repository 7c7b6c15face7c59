/* table.c — linear probing with backward-shift deletion. */
#include "ground/table.h"

#include <assert.h>
#include <stdbool.h>

enum { TABLE_CAPACITY_MIN = 2 };

/* Finalizer of MurmurHash3 (Austin Appleby, public domain constants): every input bit reaches every output bit. */
static uint64_t table_mix(uint64_t key) {
    key ^= key >> 33;
    key *= UINT64_C(0xff51afd7ed558ccd);
    key ^= key >> 33;
    key *= UINT64_C(0xc4ceb9fe1a85ec53);
    key ^= key >> 33;
    return key;
}

void table_init(struct table *table, const struct mem *mem) {
    *table = (struct table){ .mem = mem };
}

void table_finish(struct table *table) {
    if (table == NULL || table->mem == NULL)
        return;
    mem_free(table->mem, table->slots, table->capacity * sizeof *table->slots);
    *table = (struct table){ .mem = table->mem };
}

/* The slot that holds `key`, or the free slot where it belongs. */
static size_t table_slot(const struct table_slot *slots, size_t capacity, uint64_t key) {
    size_t at = (size_t)table_mix(key) & (capacity - 1);
    while (slots[at].value != NULL && slots[at].key != key)
        at = (at + 1) & (capacity - 1);
    return at;
}

void *table_get(const struct table *table, uint64_t key) {
    if (table->count == 0)
        return NULL;
    return table->slots[table_slot(table->slots, table->capacity, key)].value;
}

static enum status table_grow(struct table *table) {
    size_t capacity = table->capacity == 0 ? TABLE_CAPACITY_MIN : table->capacity * 2;
    struct table_slot *slots = mem_zalloc(table->mem, capacity * sizeof *slots);
    if (slots == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < table->capacity; i++)
        if (table->slots[i].value != NULL)
            slots[table_slot(slots, capacity, table->slots[i].key)] = table->slots[i];
    mem_free(table->mem, table->slots, table->capacity * sizeof *table->slots);
    table->slots = slots;
    table->capacity = capacity;
    return STATUS_OK;
}

enum status table_put(struct table *table, uint64_t key, void *value) {
    assert(value != NULL);
    if (table->count > 0) {
        size_t at = table_slot(table->slots, table->capacity, key);
        if (table->slots[at].value != NULL) {
            table->slots[at].value = value;
            return STATUS_OK;
        }
    }
    if ((table->count + 1) * 4 > table->capacity * 3) {
        enum status status = table_grow(table);
        if (status != STATUS_OK)
            return status;
    }
    table->slots[table_slot(table->slots, table->capacity, key)] = (struct table_slot){ key, value };
    table->count++;
    return STATUS_OK;
}

void *table_remove(struct table *table, uint64_t key) {
    if (table->count == 0)
        return NULL;
    size_t mask = table->capacity - 1;
    size_t hole = table_slot(table->slots, table->capacity, key);
    void *removed = table->slots[hole].value;
    if (removed == NULL)
        return NULL;
    for (size_t at = (hole + 1) & mask; table->slots[at].value != NULL; at = (at + 1) & mask) {
        size_t home = (size_t)table_mix(table->slots[at].key) & mask;
        bool reachable_past_hole = ((at - home) & mask) >= ((at - hole) & mask);
        if (reachable_past_hole) {
            table->slots[hole] = table->slots[at];
            hole = at;
        }
    }
    table->slots[hole].value = NULL;
    table->count--;
    return removed;
}

size_t table_count(const struct table *table) {
    return table->count;
}

void *table_next(const struct table *table, size_t *cursor) {
    while (*cursor < table->capacity) {
        void *value = table->slots[(*cursor)++].value;
        if (value != NULL)
            return value;
    }
    return NULL;
}
