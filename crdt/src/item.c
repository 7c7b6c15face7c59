/* item.c — slabs of 256 items; the first grows 4, 16, 64, 256, so that a small document stays small. */
#include "item.h"

#include "wire.h"

#include <assert.h>

enum { ITEM_FIRST_CAPACITY = 4 };
#define ITEM_NUMBERS_MAX (UINT32_MAX - 1) /* an enumerator is an int */

void items_init(struct items *items) {
    *items = (struct items){ .free_head = ITEM_NONE };
}

static size_t items_slab_bytes(const struct items *items, uint32_t slab) {
    return (slab == 0 ? items->first_capacity : ITEM_SLAB_ITEMS) * sizeof(struct item);
}

void items_finish(struct items *items, const struct mem *mem) {
    for (uint32_t i = 0; i < items->slab_count; i++)
        mem_free(mem, items->slabs[i], items_slab_bytes(items, i));
    mem_free(mem, items->slabs, items->slabs_capacity * sizeof *items->slabs);
    items_init(items);
}

static size_t items_capacity(const struct items *items) {
    return items->slab_count == 0 ? 0 : items->first_capacity + (size_t)(items->slab_count - 1) * ITEM_SLAB_ITEMS;
}

/* The first slab alone may move, since nobody holds a pointer while reserving. */
static enum status items_grow_first(struct items *items, const struct mem *mem, size_t needed) {
    uint32_t capacity = items->first_capacity == 0 ? ITEM_FIRST_CAPACITY : items->first_capacity;
    while (capacity < needed && capacity < ITEM_SLAB_ITEMS)
        capacity *= 4;
    struct item *slab = mem_resize(mem, items->slab_count == 0 ? NULL : items->slabs[0],
                                   items->first_capacity * sizeof(struct item), capacity * sizeof(struct item));
    if (slab == NULL)
        return STATUS_NO_MEMORY;
    items->slabs[0] = slab;
    items->slab_count = items->slab_count == 0 ? 1 : items->slab_count;
    items->first_capacity = capacity;
    return STATUS_OK;
}

enum status items_reserve(struct items *items, const struct mem *mem, size_t count) {
    size_t available = items->free_count + (items_capacity(items) - items->used);
    if (available >= count)
        return STATUS_OK;
    size_t needed = items->used + (count - items->free_count);
    if (needed > ITEM_NUMBERS_MAX - ITEM_SLAB_ITEMS)
        return STATUS_TOO_BIG;
    size_t slabs_needed = (needed + ITEM_SLAB_ITEMS - 1) / ITEM_SLAB_ITEMS;
    if (slabs_needed > items->slabs_capacity) {
        size_t capacity = items->slabs_capacity == 0 ? 1 : items->slabs_capacity;
        while (capacity < slabs_needed)
            capacity *= 2;
        struct item **slabs = mem_resize(mem, items->slabs, items->slabs_capacity * sizeof *slabs, capacity * sizeof *slabs);
        if (slabs == NULL)
            return STATUS_NO_MEMORY;
        items->slabs = slabs;
        items->slabs_capacity = (uint32_t)capacity;
    }
    if (items->first_capacity < ITEM_SLAB_ITEMS) {
        enum status status = items_grow_first(items, mem, needed);
        if (status != STATUS_OK)
            return status;
    }
    while (items->slab_count < slabs_needed) {
        struct item *slab = mem_alloc(mem, ITEM_SLAB_ITEMS * sizeof *slab);
        if (slab == NULL)
            return STATUS_NO_MEMORY;
        items->slabs[items->slab_count++] = slab;
    }
    return STATUS_OK;
}

void items_trim(struct items *items, const struct mem *mem) {
    uint32_t needed = (items->used + ITEM_SLAB_ITEMS - 1) / ITEM_SLAB_ITEMS + 1;
    while (items->slab_count > needed) {
        items->slab_count--;
        mem_free(mem, items->slabs[items->slab_count], items_slab_bytes(items, items->slab_count));
    }
}

uint32_t items_take(struct items *items) {
    if (items->free_head != ITEM_NONE) {
        uint32_t number = items->free_head;
        items->free_head = item_at(items, number)->txn_next;
        items->free_count--;
        return number;
    }
    assert(items->used < items_capacity(items));
    return items->used++;
}

void items_give(struct items *items, uint32_t number) {
    struct item *item = item_at(items, number);
    item->kind = CONTENT_FREE;
    item->txn_next = items->free_head;
    items->free_head = number;
    items->free_count++;
}
