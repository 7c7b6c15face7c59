/* item.c — slabs of 64 items; the first doubles from one on, so that a small document stays small. */
#include "item.h"

#include "wire.h"

#include <assert.h>

enum { ITEM_FIRST_CAPACITY = 1, CONTENTS_CAPACITY_MIN = 4 };
#define ITEM_NUMBERS_MAX (UINT32_MAX - 1) /* an enumerator is an int */

void items_init(struct items *items) {
    *items = (struct items){ .free_head = ITEM_NONE, .contents_free_head = CONTENT_NONE, .stride = sizeof(struct item) };
}

static size_t items_slab_bytes(const struct items *items, uint32_t slab) {
    return (size_t)(slab == 0 ? items->first_capacity : ITEM_SLAB_ITEMS) * items->stride;
}

static void items_free_slabs(struct items *items, const struct mem *mem) {
    for (uint32_t i = 0; i < items->slab_count; i++)
        mem_free(mem, items->slabs[i], items_slab_bytes(items, i));
    mem_free(mem, items->slabs, items->slabs_capacity * sizeof *items->slabs);
}

void items_finish(struct items *items, const struct mem *mem) {
    items_free_slabs(items, mem);
    mem_free(mem, items->contents, items->contents_capacity * sizeof *items->contents);
    uint64_t changes = items->changes + 1;
    items_init(items);
    items->changes = changes;
}

/* The first slab alone may move, since nobody holds a pointer while reserving. */
static enum status items_grow_first(struct items *items, const struct mem *mem, size_t needed) {
    uint32_t capacity = items->first_capacity == 0 ? ITEM_FIRST_CAPACITY : items->first_capacity;
    while (capacity < needed && capacity < ITEM_SLAB_ITEMS)
        capacity *= 2;
    uint8_t *slab = mem_resize(mem, items->slab_count == 0 ? NULL : items->slabs[0], (size_t)items->first_capacity * items->stride,
                               (size_t)capacity * items->stride);
    if (slab == NULL)
        return STATUS_NO_MEMORY;
    items->slabs[0] = slab;
    items->slab_count = items->slab_count == 0 ? 1 : items->slab_count;
    items->first_capacity = capacity;
    return STATUS_OK;
}

static enum status contents_reserve(struct items *items, const struct mem *mem, size_t count) {
    size_t available = items->contents_free_count + (items->contents_capacity - items->contents_used);
    if (available >= count)
        return STATUS_OK;
    size_t needed = items->contents_used + (count - items->contents_free_count);
    if (needed > ITEM_NUMBERS_MAX / 2)
        return STATUS_TOO_BIG;
    size_t capacity =
        items->contents_capacity == 0 ? CONTENTS_CAPACITY_MIN : items->contents_capacity + items->contents_capacity / 2;
    capacity = capacity < needed ? needed : capacity;
    struct content *contents =
        mem_resize(mem, items->contents, items->contents_capacity * sizeof *contents, capacity * sizeof *contents);
    if (contents == NULL)
        return STATUS_NO_MEMORY;
    items->contents = contents;
    items->contents_capacity = (uint32_t)capacity;
    return STATUS_OK;
}

static enum status slabs_reserve(struct items *items, const struct mem *mem, size_t count) {
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
        uint8_t **slabs = mem_resize(mem, items->slabs, items->slabs_capacity * sizeof *slabs, capacity * sizeof *slabs);
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
        uint8_t *slab = mem_alloc(mem, (size_t)ITEM_SLAB_ITEMS * items->stride);
        if (slab == NULL)
            return STATUS_NO_MEMORY;
        items->slabs[items->slab_count++] = slab;
    }
    return STATUS_OK;
}

enum status items_reserve(struct items *items, const struct mem *mem, size_t count, size_t contents) {
    contents += items->contents_used > 0 || contents > 0 ? count : 0;
    enum status status = slabs_reserve(items, mem, count);
    return status == STATUS_OK && contents > 0 ? contents_reserve(items, mem, contents) : status;
}

enum status items_widen(struct items *items, const struct mem *mem) {
    if (items->wide)
        return STATUS_OK;
    struct items wide = *items;
    wide.wide = true;
    wide.stride = sizeof(struct item) + sizeof(struct item_wide);
    wide.slabs = NULL;
    wide.slab_count = wide.slabs_capacity = wide.first_capacity = 0;
    wide.used = wide.free_count = 0;
    enum status status = slabs_reserve(&wide, mem, items_capacity(items));
    if (status != STATUS_OK) {
        items_free_slabs(&wide, mem);
        return status;
    }
    wide.used = items->used;
    wide.free_count = items->free_count;
    for (uint32_t i = 0; i < items->used; i++) {
        struct item *item = item_at(&wide, i);
        *item = *item_at(items, i);
        *item_upper_set(item) = (struct item_wide){ 0 };
    }
    items_free_slabs(items, mem);
    *items = wide;
    return STATUS_OK;
}

void items_trim(struct items *items, const struct mem *mem, uint32_t keep) {
    uint32_t needed = (items->used + ITEM_SLAB_ITEMS - 1) / ITEM_SLAB_ITEMS + keep;
    while (items->slab_count > needed) {
        items->slab_count--;
        mem_free(mem, items->slabs[items->slab_count], items_slab_bytes(items, items->slab_count));
    }
}

uint32_t items_take(struct items *items) {
    items->changes++;
    if (items->free_head != ITEM_NONE) {
        uint32_t number = items->free_head;
        items->free_head = item_at(items, number)->content;
        items->free_count--;
        return number;
    }
    assert(items->used < items_capacity(items));
    return items->used++;
}

void items_give(struct items *items, uint32_t number) {
    items->changes++;
    struct item *item = item_at(items, number);
    item->kind = CONTENT_FREE;
    item->tag = PLACE_NONE;
    item->content = items->free_head;
    items->free_head = number;
    items->free_count++;
}

uint32_t contents_take(struct items *items, struct content content) {
    uint32_t row = items->contents_free_head;
    if (row != CONTENT_NONE) {
        items->contents_free_head = items->contents[row].type;
        items->contents_free_count--;
    } else {
        assert(items->contents_used < items->contents_capacity);
        row = items->contents_used++;
    }
    items->contents[row] = content;
    return row;
}

void contents_give(struct items *items, uint32_t row) {
    items->contents[row].type = items->contents_free_head;
    items->contents_free_head = row;
    items->contents_free_count++;
}
