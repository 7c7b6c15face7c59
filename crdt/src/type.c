/* type.c — numbers for types and keys, and the names they stand for. */
#include "type.h"

#include <assert.h>

enum { TYPES_CAPACITY_MIN = 1, ENTRIES_CAPACITY_MIN = 8, NAMES_CHUNK_MIN = 64, NAMES_CHUNK_MAX = 16 * 1024 };

struct names_chunk {
    struct names_chunk *older;
    size_t used;
    size_t capacity;
    uint8_t bytes[];
};

void types_init(struct types *types) {
    *types = (struct types){ .entry_free = ENTRY_NONE };
}

static void types_free_spares(struct types *types, const struct mem *mem) {
    while (types->spare != NULL) {
        struct crdt_type *type = types->spare;
        types->spare = type->next;
        mem_free(mem, type, sizeof *type);
    }
    types->spare_count = 0;
}

void types_finish(struct types *types, const struct mem *mem) {
    for (uint32_t i = 0; i < types->count; i++)
        if (types->all[i] != NULL)
            mem_free(mem, types->all[i], sizeof *types->all[i]);
    types_free_spares(types, mem);
    mem_free(mem, types->all, types->capacity * sizeof *types->all);
    mem_free(mem, types->free_numbers, types->capacity * sizeof *types->free_numbers);
    mem_free(mem, types->entries, types->entry_capacity * sizeof *types->entries);
    mem_free(mem, types->buckets, types->bucket_count * sizeof *types->buckets);
    mem_free(mem, types->root_buckets, types->root_capacity * sizeof *types->root_buckets);
    for (struct names_chunk *chunk = types->names; chunk != NULL;) {
        struct names_chunk *older = chunk->older;
        mem_free(mem, chunk, sizeof *chunk + chunk->capacity);
        chunk = older;
    }
    types_init(types);
}

void types_trim(struct types *types, const struct mem *mem) {
    types_free_spares(types, mem);
}

/* FNV-1a, then the finalizer of MurmurHash3. Hostile keys may collide; a chain costs its length then, as in any unkeyed hash. */
static uint32_t name_hash(uint32_t seed, struct bytes name) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ seed;
    for (size_t i = 0; i < name.size; i++)
        hash = (hash ^ name.data[i]) * UINT64_C(0x100000001b3);
    hash ^= hash >> 33;
    hash *= UINT64_C(0xff51afd7ed558ccd);
    hash ^= hash >> 33;
    return (uint32_t)hash;
}

static void root_buckets_put(uint32_t *buckets, uint32_t capacity, uint32_t hash, uint32_t number) {
    uint32_t at = hash & (capacity - 1);
    while (buckets[at] != TYPE_NONE)
        at = (at + 1) & (capacity - 1);
    buckets[at] = number;
}

static enum status types_grow_roots(struct types *types, const struct mem *mem, size_t needed) {
    if (needed * 2 <= types->root_capacity)
        return STATUS_OK;
    uint32_t capacity = types->root_capacity == 0 ? 2 : types->root_capacity;
    while (capacity < needed * 2)
        capacity *= 2;
    uint32_t *buckets = mem_alloc(mem, capacity * sizeof *buckets);
    if (buckets == NULL)
        return STATUS_NO_MEMORY;
    memset(buckets, 0xff, capacity * sizeof *buckets);
    for (uint32_t i = 0; i < types->count; i++)
        if (types->all[i] != NULL && types->all[i]->item == ITEM_NONE)
            root_buckets_put(buckets, capacity, name_hash(0, types->all[i]->name), i);
    mem_free(mem, types->root_buckets, types->root_capacity * sizeof *buckets);
    types->root_buckets = buckets;
    types->root_capacity = capacity;
    return STATUS_OK;
}

static enum status types_grow(struct types *types, const struct mem *mem, size_t count) {
    size_t needed = types->count + count;
    if (needed > PLACE_MAX)
        return STATUS_TOO_BIG;
    if (needed > types->capacity) {
        size_t capacity = types->capacity == 0 ? TYPES_CAPACITY_MIN : types->capacity;
        while (capacity < needed)
            capacity *= 2;
        uint32_t *free_numbers = mem_alloc(mem, capacity * sizeof *free_numbers);
        if (free_numbers == NULL)
            return STATUS_NO_MEMORY;
        struct crdt_type **all = mem_resize(mem, types->all, types->capacity * sizeof *all, capacity * sizeof *all);
        if (all == NULL) {
            mem_free(mem, free_numbers, capacity * sizeof *free_numbers);
            return STATUS_NO_MEMORY;
        }
        if (types->free_count > 0)
            memcpy(free_numbers, types->free_numbers, types->free_count * sizeof *free_numbers);
        mem_free(mem, types->free_numbers, types->capacity * sizeof *free_numbers);
        types->free_numbers = free_numbers;
        types->all = all;
        types->capacity = (uint32_t)capacity;
    }
    while (types->spare_count < count) {
        struct crdt_type *type = mem_alloc(mem, sizeof *type);
        if (type == NULL)
            return STATUS_NO_MEMORY;
        type->next = types->spare;
        types->spare = type;
        types->spare_count++;
    }
    return types_grow_roots(types, mem, types->roots + count);
}

static void entry_link(struct types *types, uint32_t number) {
    struct entry *entry = &types->entries[number];
    uint32_t *bucket = &types->buckets[entry->hash & (types->bucket_count - 1)];
    entry->bucket_next = *bucket;
    *bucket = number;
}

static enum status types_grow_entries(struct types *types, const struct mem *mem, size_t count) {
    if (count <= types->entry_free_count)
        return STATUS_OK;
    size_t needed = types->entry_count + (count - types->entry_free_count);
    if (needed <= types->entry_capacity)
        return STATUS_OK;
    if (needed > PLACE_MAX)
        return STATUS_TOO_BIG;
    size_t capacity = types->entry_capacity == 0 ? ENTRIES_CAPACITY_MIN : types->entry_capacity;
    while (capacity < needed)
        capacity *= 2;
    uint32_t *buckets = mem_alloc(mem, capacity * sizeof *buckets);
    if (buckets == NULL)
        return STATUS_NO_MEMORY;
    struct entry *entries = mem_resize(mem, types->entries, types->entry_capacity * sizeof *entries, capacity * sizeof *entries);
    if (entries == NULL) {
        mem_free(mem, buckets, capacity * sizeof *buckets);
        return STATUS_NO_MEMORY;
    }
    memset(buckets, 0xff, capacity * sizeof *buckets);
    mem_free(mem, types->buckets, types->bucket_count * sizeof *buckets);
    types->entries = entries;
    types->entry_capacity = (uint32_t)capacity;
    types->buckets = buckets;
    types->bucket_count = (uint32_t)capacity;
    for (uint32_t i = 0; i < types->entry_count; i++)
        if (entries[i].type != TYPE_NONE)
            entry_link(types, i);
    return STATUS_OK;
}

enum status types_reserve(struct types *types, const struct mem *mem, size_t type_count, size_t entry_count, size_t name_bytes) {
    enum status status = type_count > 0 ? types_grow(types, mem, type_count) : STATUS_OK;
    if (status == STATUS_OK && entry_count > 0)
        status = types_grow_entries(types, mem, entry_count);
    if (status != STATUS_OK || name_bytes == 0)
        return status;
    struct names_chunk *names = types->names;
    if (names != NULL && names->capacity - names->used >= name_bytes)
        return STATUS_OK;
    size_t capacity = 0; /* the first chunk has no room to spare: many a document has one root and no key */
    if (names != NULL)
        capacity = names->capacity < NAMES_CHUNK_MIN / 2 ? NAMES_CHUNK_MIN : names->capacity * 2;
    capacity = capacity > NAMES_CHUNK_MAX ? NAMES_CHUNK_MAX : capacity;
    capacity = capacity < name_bytes ? name_bytes : capacity;
    struct names_chunk *chunk = mem_alloc(mem, sizeof *chunk + capacity);
    if (chunk == NULL)
        return STATUS_NO_MEMORY;
    *chunk = (struct names_chunk){ .older = names, .capacity = capacity };
    types->names = chunk;
    return STATUS_OK;
}

static struct bytes names_add(struct types *types, struct bytes name) {
    if (name.size == 0)
        return bytes_of("", 0);
    struct names_chunk *names = types->names;
    assert(names != NULL && names->capacity - names->used >= name.size);
    uint8_t *at = names->bytes + names->used;
    memcpy(at, name.data, name.size);
    names->used += name.size;
    return bytes_of(at, name.size);
}

struct crdt_type *types_add(struct types *types, uint32_t item) {
    struct crdt_type *type = types->spare;
    assert(type != NULL);
    types->spare = type->next;
    types->spare_count--;
    uint32_t number = types->free_count > 0 ? types->free_numbers[--types->free_count] : types->count++;
    *type = (struct crdt_type){ .index = number,
                                .item = item,
                                .start = ITEM_NONE,
                                .last = ITEM_NONE,
                                .entries = ENTRY_NONE,
                                .cursor_item = ITEM_NONE,
                                .index_root = INDEX_NONE };
    types->all[number] = type;
    return type;
}

struct crdt_type *types_root_find(const struct types *types, struct bytes name) {
    if (types->roots == 0)
        return NULL;
    uint32_t mask = types->root_capacity - 1;
    for (uint32_t at = name_hash(0, name) & mask; types->root_buckets[at] != TYPE_NONE; at = (at + 1) & mask) {
        struct crdt_type *type = types->all[types->root_buckets[at]];
        if (bytes_equal(type->name, name))
            return type;
    }
    return NULL;
}

struct crdt_type *types_root(struct types *types, struct bytes name) {
    struct crdt_type *type = types_root_find(types, name);
    if (type != NULL)
        return type;
    type = types_add(types, ITEM_NONE);
    type->name = names_add(types, name);
    types->roots++;
    root_buckets_put(types->root_buckets, types->root_capacity, name_hash(0, name), type->index);
    return type;
}

uint32_t types_entry(struct types *types, struct crdt_type *type, struct bytes key) {
    uint32_t hash = name_hash(type->index + 1, key);
    if (types->bucket_count > 0)
        for (uint32_t at = types->buckets[hash & (types->bucket_count - 1)]; at != ENTRY_NONE;
             at = types->entries[at].bucket_next) {
            struct entry *entry = &types->entries[at];
            if (entry->hash == hash && entry->type == type->index && bytes_equal(bytes_of(entry->key, entry->key_bytes), key))
                return at;
        }
    uint32_t number = types->entry_free;
    if (number != ENTRY_NONE) {
        types->entry_free = types->entries[number].next;
        types->entry_free_count--;
    } else {
        assert(types->entry_count < types->entry_capacity);
        number = types->entry_count++;
    }
    types->entries[number] = (struct entry){ .type = type->index,
                                             .item = ITEM_NONE,
                                             .first = ITEM_NONE,
                                             .next = ENTRY_NONE,
                                             .hash = hash,
                                             .key_bytes = (uint32_t)key.size,
                                             .key = names_add(types, key).data };
    if (type->entries == ENTRY_NONE)
        type->entries = number;
    else
        types->entries[type->entries_last].next = number;
    type->entries_last = number;
    entry_link(types, number);
    return number;
}

static void types_remove_entries(struct types *types, struct crdt_type *type) {
    for (uint32_t number = type->entries; number != ENTRY_NONE;) {
        struct entry *entry = &types->entries[number];
        uint32_t next = entry->next;
        uint32_t *link = &types->buckets[entry->hash & (types->bucket_count - 1)];
        while (*link != number)
            link = &types->entries[*link].bucket_next;
        *link = entry->bucket_next;
        entry->type = TYPE_NONE;
        entry->next = types->entry_free;
        types->entry_free = number;
        types->entry_free_count++;
        number = next;
    }
}

void types_remove(struct types *types, struct crdt_type *type) {
    types_remove_entries(types, type);
    types->all[type->index] = NULL;
    types->free_numbers[types->free_count++] = type->index;
    type->next = types->spare;
    types->spare = type;
    types->spare_count++;
}

void types_empty(struct types *types, struct crdt_type *type) {
    if (type->item != ITEM_NONE) {
        types_remove(types, type);
        return;
    }
    types_remove_entries(types, type);
    *type = (struct crdt_type){ .index = type->index,
                                .item = ITEM_NONE,
                                .start = ITEM_NONE,
                                .last = ITEM_NONE,
                                .entries = ENTRY_NONE,
                                .cursor_item = ITEM_NONE,
                                .index_root = INDEX_NONE,
                                .name = type->name };
}
