/* item.h — items in slabs, linked by 32-bit numbers.
 *
 * An item is a run of consecutive units of one client with one content. Units after its first have implied neighbours: the unit
 * before, and the item's right origin. 88 bytes:
 *
 *     item 17  client 0, clock 40, length 5         list:  12 ⇄ 17 ⇄ 30
 *       origin        (0, 39)                       the unit left of it when it was inserted, or none
 *       right origin  (2, 7)                        the unit right of it then, or none
 *       parent        type 0, entry none            a list member; with an entry: a value of that key
 *       content       "hello"                       points into the client's text arena
 *
 * The slab hands out numbers; item_at() turns one into a pointer, valid until the next items_reserve(). items_reserve(n) is the
 * only call that can fail, so whoever reserved can link without looking back. */
#ifndef CRDT_SRC_ITEM_H
#define CRDT_SRC_ITEM_H

#include "ground/mem.h"
#include "ground/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ITEM_NONE   UINT32_MAX
#define CLIENT_NONE UINT32_MAX
#define TYPE_NONE   UINT32_MAX
#define ENTRY_NONE  UINT32_MAX
#define ENTRY_LIST  0x80000000U /* in item.entry: a list member, in the block of the lower bits */

enum {
    ITEM_DELETED = 1,
    ITEM_IN_TXN = 2, /* in the transaction's list of deletions */
    ITEM_KEEP = 4    /* not collected: an undo manager may want its content */
};

struct item {
    uint64_t clock;
    uint64_t length;
    uint64_t origin_clock;
    uint64_t right_origin_clock;
    uint32_t client;
    uint32_t origin_client; /* CLIENT_NONE: no origin */
    uint32_t right_origin_client;
    uint32_t left;
    uint32_t right;
    uint32_t parent; /* TYPE_NONE for GC */
    uint32_t entry; /* the key; or a list member, with its block in the list's index: see item_is_keyed */
    uint32_t content_bytes;
    const uint8_t *content; /* as wire_struct.content */
    uint32_t mark;          /* of the last conflict scan that saw it */
    uint32_t txn_next;      /* the next deletion of this transaction; in a free item: the next free one */
    uint32_t type;          /* CONTENT_TYPE: the type that it holds */
    uint8_t kind;           /* enum content_kind; GC items are in no list */
    uint8_t flags;
};

/* Whether it is a value of a key, or else a list member. */
static inline bool item_is_keyed(const struct item *item) {
    return (item->entry & ENTRY_LIST) == 0;
}

enum { ITEM_SLAB_ITEMS = 256, ITEM_SLAB_SHIFT = 8 };

struct items {
    struct item **slabs; /* each of ITEM_SLAB_ITEMS; a lone first one may be smaller */
    uint32_t slab_count;
    uint32_t slabs_capacity;
    uint32_t first_capacity; /* items in slab 0 */
    uint32_t used;           /* numbers below it were handed out */
    uint32_t free_head;
    uint32_t free_count;
};

static inline struct item *item_at(const struct items *items, uint32_t number) {
    return &items->slabs[number >> ITEM_SLAB_SHIFT][number & (ITEM_SLAB_ITEMS - 1)];
}

void items_init(struct items *items);
void items_finish(struct items *items, const struct mem *mem);

/* Makes the next `count` items_take() calls succeed. Item pointers move. STATUS_NO_MEMORY: nothing changed but spare memory. */
enum status items_reserve(struct items *items, const struct mem *mem, size_t count);

/* Gives slabs back that nothing stands in. */
void items_trim(struct items *items, const struct mem *mem);

/* A reserved item, unset. */
uint32_t items_take(struct items *items);
void items_give(struct items *items, uint32_t number);

#endif
