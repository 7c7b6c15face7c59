/* item.h — items in slabs, linked by 32-bit numbers.
 *
 * An item is a run of consecutive units of one client with one content. Units after its first have implied neighbours: the unit
 * before, and the item's right origin. 40 bytes:
 *
 *     item 17  client 0, clock 40, length 5         list:  12 ⇄ 17 ⇄ 30
 *       origin        (0, 39)                       the unit left of it when it was inserted, or none
 *       right origin  (2, 7)                        the unit right of it then, or none
 *       place         type 0                        a list member: its type, or its leaf in the list's index; or a key
 *       content       "hello"                       ASCII text: where it begins in the client's text; else a row of `contents`
 *
 * Clocks and lengths have 53 bits on the wire and 32 here. A document in which one passes that is *wide*: its slabs then have a
 * second part of each item behind the first, with the upper halves. So clocks and lengths are read by item_clock() and its like.
 *
 * The slab hands out numbers; item_at() turns one into a pointer, valid until the next items_reserve(). items_reserve(n) and
 * items_widen() are the only calls that can fail, so whoever reserved can link without looking back. */
#ifndef CRDT_SRC_ITEM_H
#define CRDT_SRC_ITEM_H

#include "ground/bytes.h"
#include "ground/mem.h"
#include "ground/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ITEM_NONE   UINT32_MAX
#define TYPE_NONE   UINT32_MAX
#define ENTRY_NONE  UINT32_MAX
#define CLIENT_NONE 0xfffffU /* clients are numbered with 20 bits */
#define PLACE_MAX   0x3ffffffU

enum {
    ITEM_DELETED = 1,
    ITEM_IN_TXN = 2, /* deleted by the open transaction; kept only if there are observers */
    ITEM_KEEP = 4,   /* not collected: an undo manager may want its content */
    ITEM_ASCII = 8   /* its content stands in its client's ASCII text, a byte a unit */
};

enum place_tag {
    PLACE_TYPE,  /* a list member; place: the type */
    PLACE_LEAF,  /* a list member; place: its leaf in the list's index */
    PLACE_ENTRY, /* a value of a key; place: the entry */
    PLACE_NONE   /* GC, or not in use */
};

struct item {
    uint32_t clock;
    uint32_t length;
    uint32_t origin_clock;
    uint32_t right_origin_clock;
    uint32_t left;
    uint32_t right;
    uint32_t
        content; /* ASCII: offset in the client's text; else a row of items.contents, or CONTENT_NONE; in a free item the next */
    uint32_t place : 26;
    uint32_t tag : 2; /* enum place_tag */
    uint32_t flags : 4;
    uint64_t client : 20;
    uint64_t origin_client : 20; /* CLIENT_NONE: no origin */
    uint64_t right_origin_client : 20;
    uint64_t kind : 4; /* enum content_kind */
};

/* The upper halves, behind each item of a wide document. */
struct item_wide {
    uint32_t clock;
    uint32_t length;
    uint32_t origin_clock;
    uint32_t right_origin_clock;
};

#define CONTENT_NONE UINT32_MAX

/* A content that is not ASCII text. */
struct content {
    const uint8_t *data; /* as wire_struct.content */
    uint32_t bytes;
    uint32_t type; /* CONTENT_TYPE: the type that it holds; in a free row the next free one */
};

enum { ITEM_SLAB_ITEMS = 64, ITEM_SLAB_SHIFT = 6 };

struct items {
    uint8_t **slabs; /* each of ITEM_SLAB_ITEMS; a lone first one may be smaller */
    uint32_t stride; /* bytes of an item */
    bool wide;
    uint32_t slab_count;
    uint32_t slabs_capacity;
    uint32_t first_capacity; /* items in slab 0 */
    uint32_t used;           /* numbers below it were handed out */
    uint32_t free_head;
    uint32_t free_count;
    uint64_t changes; /* counts items that came or went, or begin elsewhere in their run */
    struct content *contents;
    uint32_t contents_used;
    uint32_t contents_capacity;
    uint32_t contents_free_head;
    uint32_t contents_free_count;
};

static inline struct item *item_at(const struct items *items, uint32_t number) {
    return (struct item *)(void *)(items->slabs[number >> ITEM_SLAB_SHIFT] +
                                   (size_t)(number & (ITEM_SLAB_ITEMS - 1)) * items->stride);
}

/* Whether it is a value of a key, or else a list member. */
static inline bool item_is_keyed(const struct item *item) {
    return item->tag == PLACE_ENTRY;
}

static inline const struct item_wide *item_upper(const struct item *item) {
    return (const struct item_wide *)(const void *)(item + 1);
}

static inline struct item_wide *item_upper_set(struct item *item) {
    return (struct item_wide *)(void *)(item + 1);
}

#define ITEM_NUMBER(member)                                                                               \
    static inline uint64_t items_##member(const struct items *items, const struct item *item) {           \
        return items->wide ? (uint64_t)item_upper(item)->member << 32 | item->member : item->member;      \
    }                                                                                                     \
    static inline void items_set_##member(const struct items *items, struct item *item, uint64_t value) { \
        item->member = (uint32_t)value;                                                                   \
        if (items->wide)                                                                                  \
            item_upper_set(item)->member = (uint32_t)(value >> 32);                                       \
    }
ITEM_NUMBER(clock)
ITEM_NUMBER(length)
ITEM_NUMBER(origin_clock)
ITEM_NUMBER(right_origin_clock)
#undef ITEM_NUMBER

void items_init(struct items *items);
void items_finish(struct items *items, const struct mem *mem);

/* Makes the next `count` items_take() calls succeed, and `contents` contents_take() calls; where there are contents already, as
 * many again as items, for those that are cut. Item pointers move. STATUS_NO_MEMORY: nothing changed but spare memory. */
enum status items_reserve(struct items *items, const struct mem *mem, size_t count, size_t contents);

/* How many have room, used or not. */
static inline size_t items_capacity(const struct items *items) {
    return items->slab_count == 0 ? 0 : items->first_capacity + (size_t)(items->slab_count - 1) * ITEM_SLAB_ITEMS;
}

/* Whether that would do nothing. */
static inline bool items_have(const struct items *items, size_t count, size_t contents) {
    size_t rows = contents + (items->contents_used > 0 || contents > 0 ? count : 0);
    return items->free_count + (items_capacity(items) - items->used) >= count &&
           items->contents_free_count + (size_t)(items->contents_capacity - items->contents_used) >= rows;
}

/* Makes room for numbers above 32 bits. STATUS_NO_MEMORY: nothing changed. Cost: all items, once. */
enum status items_widen(struct items *items, const struct mem *mem);

/* Gives slabs back that nothing stands in, but for `keep` of them. */
void items_trim(struct items *items, const struct mem *mem, uint32_t keep);

/* A reserved item, unset. */
uint32_t items_take(struct items *items);
void items_give(struct items *items, uint32_t number);

uint32_t contents_take(struct items *items, struct content content);
void contents_give(struct items *items, uint32_t row);

#endif
