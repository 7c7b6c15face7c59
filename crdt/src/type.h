/* type.h — what text, array, map and XML share: a list of items and, per key, a chain of items whose rightmost one is the value.
 *
 *     type ── start ─▶ item ⇄ item ⇄ item …                       the list
 *        └─ entries ─▶ {"k": item} ─▶ {"m": item}                  key → rightmost item of the key's chain
 *
 * Roots have a name and no item; nested types are held by an item and end when that is collected. Entries of all types stand in one
 * array and one hash by (type, key), so that an item names its key by a number. */
#ifndef CRDT_SRC_TYPE_H
#define CRDT_SRC_TYPE_H

#include "ground/bytes.h"
#include "item.h"

#define INDEX_NONE UINT32_MAX

struct crdt_type {
    uint32_t index; /* in types.all */
    uint32_t item;  /* that holds it; ITEM_NONE for a root */
    uint32_t start;
    uint32_t last;    /* of the list; ITEM_NONE: it is empty */
    uint32_t entries; /* the first of its keys, in the order in which they came */
    uint32_t entries_last;
    uint64_t length;  /* countable, undeleted units of the list */
    bool has_formats; /* some item is or was a formatting mark */
    bool used;        /* held something once */
    bool changed;     /* scratch of observing */
    /* Where the last local edit was: `cursor_index` units stand before cursor_item. ITEM_NONE: not known. */
    uint32_t cursor_item;
    uint64_t cursor_index;
    uint32_t index_root; /* INDEX_NONE: nobody asked for positions yet; see list_index.h */
    struct bytes name;
    struct crdt_type *next; /* in a work list, among those that changed, or among the spare ones */
};

struct entry {
    uint32_t type;
    uint32_t item;  /* rightmost of the chain: the value */
    uint32_t first; /* leftmost */
    uint32_t next;  /* of the same type, or free */
    uint32_t bucket_next;
    uint32_t hash;
    uint32_t key_bytes;
    const uint8_t *key;
};

struct types {
    struct crdt_type **all; /* NULL: free number */
    uint32_t count;         /* numbers given out */
    uint32_t capacity;
    struct crdt_type *spare;
    size_t spare_count;
    uint32_t *free_numbers;
    uint32_t free_count;
    uint32_t roots; /* how many of them are roots */

    struct entry *entries;
    uint32_t entry_count;
    uint32_t entry_capacity;
    uint32_t entry_free;
    uint32_t entry_free_count;
    uint32_t *buckets; /* a power of two ≥ entry_capacity */
    uint32_t bucket_count;
    uint32_t root_capacity;
    uint32_t *root_buckets; /* types by name, open addressing; TYPE_NONE: free */

    struct names_chunk *names; /* bytes of root names and keys; end with the document */
};

void types_init(struct types *types);
void types_finish(struct types *types, const struct mem *mem);

/* Makes the next `type_count` types_add / types_root, `entry_count` types_entry and `name_bytes` of their names succeed. */
enum status types_reserve(struct types *types, const struct mem *mem, size_t type_count, size_t entry_count, size_t name_bytes);
void types_trim(struct types *types, const struct mem *mem);

/* A new nested type, held by `item`. */
struct crdt_type *types_add(struct types *types, uint32_t item);

/* The root of that name, made if there is none. */
struct crdt_type *types_root(struct types *types, struct bytes name);
struct crdt_type *types_root_find(const struct types *types, struct bytes name);

/* The key of a type, made if there is none. */
uint32_t types_entry(struct types *types, struct crdt_type *type, struct bytes key);

/* Forgets a nested type and its keys. */
void types_remove(struct types *types, struct crdt_type *type);

/* The same for a nested type; a root holds nothing then, and never did. */
void types_empty(struct types *types, struct crdt_type *type);

static inline struct crdt_type *type_at(const struct types *types, uint32_t number) {
    return types->all[number];
}

#endif
