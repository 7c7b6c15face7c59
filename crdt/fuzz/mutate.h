/* mutate.h — changes an update by its grammar: what comes out is well-formed, or nearly so, and says something else.
 *
 * Bytes flipped at random are refused by the first check they meet. Here a struct gets another origin, length, kind, key or parent,
 * goes away, comes twice, or a block gets another client or clock; a deletion is added. What is made of numbers alone (state
 * vectors, snapshots) gets other numbers. */
#ifndef CRDT_FUZZ_MUTATE_H
#define CRDT_FUZZ_MUTATE_H

#include "ground/varint.h"
#include "src/wire.h"

struct chance {
    uint32_t state;
};

static inline uint32_t below(struct chance *chance, uint32_t count) {
    chance->state = chance->state * 1664525 + 1013904223;
    return count == 0 ? 0 : (chance->state >> 8) % count;
}

#ifdef VIBESYNC_FUZZING
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed);
#endif

enum { MUTATE_STRUCTS_MAX = 64, MUTATE_RANGES_MAX = 32, MUTATE_NUMBERS_MAX = 256 };

struct mutate_struct {
    struct wire_struct wire;
    uint64_t client;
    uint64_t clock;
    bool begins; /* a block */
};

struct mutate {
    struct mutate_struct structs[MUTATE_STRUCTS_MAX];
    size_t count;
    struct id_range ranges[MUTATE_RANGES_MAX];
    size_t range_count;
};

/* False: not an update, or too big. */
static inline bool mutate_read(struct bytes update, struct mutate *out) {
    struct wire_walk walk;
    enum wire_step step = WIRE_STEP_BLOCK;
    bool begins = false;
    bool found = true;
    out->count = 0;
    out->range_count = 0;
    if (wire_walk_init(&walk, update, true) != STATUS_OK)
        return false;
    while (step != WIRE_STEP_END) {
        struct wire_struct wire;
        if (out->count == MUTATE_STRUCTS_MAX - 1 || wire_walk_next(&walk, &step, &wire) != STATUS_OK)
            return false;
        if (step == WIRE_STEP_STRUCT && wire.length > 0)
            out->structs[out->count++] = (struct mutate_struct){ wire, walk.client, walk.clock - wire.length, begins };
        begins = step == WIRE_STEP_BLOCK;
    }
    while (found) {
        struct id_range range;
        if (out->range_count == MUTATE_RANGES_MAX - 1 || wire_walk_delete(&walk, &found, &range) != STATUS_OK)
            return false;
        if (found)
            out->ranges[out->range_count++] = range;
    }
    return out->count > 0;
}

static inline uint64_t mutate_number(struct chance *chance, uint64_t number) {
    static const uint64_t edges[] = { 0, 1, 127, 128, UINT32_MAX, (uint64_t)1 << 32, ((uint64_t)1 << 53) - 1 };
    uint32_t which = below(chance, 10);
    if (number > UINT32_MAX)
        return below(chance, UINT32_MAX);
    return which < 4 ? number + 1 + below(chance, 3) : which < 7 ? number / 2 : edges[below(chance, sizeof edges / sizeof *edges)];
}

/* A unit of some struct that is here. */
static inline struct id mutate_unit(struct chance *chance, const struct mutate *mutate) {
    const struct mutate_struct *some = &mutate->structs[below(chance, (uint32_t)mutate->count)];
    uint64_t length = some->wire.length > UINT32_MAX || some->clock > UINT32_MAX ? 1 : some->wire.length;
    return (struct id){ some->client, some->clock + below(chance, (uint32_t)length) };
}

static inline void mutate_one(struct mutate *mutate, struct chance *chance) {
    uint32_t at = below(chance, (uint32_t)mutate->count);
    struct mutate_struct *some = &mutate->structs[at];
    struct wire_struct *wire = &some->wire;
    bool plain = wire->kind == CONTENT_GC || wire->kind == CONTENT_SKIP;
    switch (below(chance, 10)) {
    case 0:
        wire->origin = mutate_unit(chance, mutate);
        wire->info |= WIRE_ORIGIN;
        break;
    case 1:
        wire->right_origin = mutate_unit(chance, mutate);
        wire->info |= WIRE_RIGHT_ORIGIN;
        break;
    case 2:
        wire->info &= (uint8_t) ~(WIRE_ORIGIN | WIRE_RIGHT_ORIGIN | WIRE_KEY);
        wire->parent = below(chance, 2) == 0 ? WIRE_PARENT_ROOT : WIRE_PARENT_ITEM;
        wire->root_name = bytes_text(below(chance, 2) == 0 ? "t" : "m");
        wire->parent_item = mutate_unit(chance, mutate);
        if (below(chance, 2) == 0) {
            wire->info |= WIRE_KEY;
            wire->key = bytes_text("k");
        }
        break;
    case 3: /* becomes nothing but its length */
        wire->kind = plain || below(chance, 2) == 0 ? CONTENT_DELETED : below(chance, 2) == 0 ? CONTENT_GC : CONTENT_SKIP;
        wire->info = (uint8_t)((wire->info & ~WIRE_KIND) | wire->kind);
        wire->content = bytes_of(NULL, 0);
        if (plain)
            wire->info = CONTENT_DELETED | WIRE_ORIGIN, wire->origin = mutate_unit(chance, mutate);
        break;
    case 4:
        if (plain || wire->kind == CONTENT_DELETED)
            wire->length = mutate_number(chance, wire->length) | 1;
        break;
    case 5:
        memmove(some, some + 1, (mutate->count - at - 1) * sizeof *some);
        mutate->count -= mutate->count > 1;
        break;
    case 6:
        memmove(some + 1, some, (mutate->count - at) * sizeof *some);
        mutate->count++;
        if (below(chance, 2) == 0) { /* by somebody else */
            some[1].client = mutate_number(chance, some->client);
            some[1].begins = true;
        }
        break;
    case 7: {
        uint64_t client = mutate_number(chance, some->client);
        for (uint64_t old = some->client; at < mutate->count && mutate->structs[at].client == old; at++)
            mutate->structs[at].client = client;
        break;
    }
    case 8:
        some->clock = mutate_number(chance, some->clock);
        some->begins = true;
        break;
    default: {
        struct id unit = mutate_unit(chance, mutate);
        mutate->ranges[mutate->range_count++] = (struct id_range){ unit.client, unit.clock, mutate_number(chance, 1) };
        break;
    }
    }
}

/* False: clocks would pass what can be written. */
static inline bool mutate_write(const struct mutate *mutate, struct bytes_writer *out) {
    uint64_t blocks = 0;
    const struct mutate_struct *structs = mutate->structs;
    for (size_t i = 0; i < mutate->count; i++)
        blocks += i == 0 || structs[i].begins || structs[i].client != structs[i - 1].client;
    varint_write(out, blocks);
    for (size_t i = 0; i < mutate->count;) {
        size_t end = i + 1;
        while (end < mutate->count && !structs[end].begins && structs[end].client == structs[i].client)
            end++;
        uint64_t clock = structs[i].clock;
        varint_write(out, end - i);
        varint_write(out, structs[i].client);
        varint_write(out, clock);
        for (; i < end; i++) {
            if (clock > VARINT_MAX)
                return false;
            wire_struct_write(out, &structs[i].wire, structs[i].client, clock, 0);
            clock += structs[i].wire.length;
        }
    }
    varint_write(out, mutate->range_count);
    for (size_t i = 0; i < mutate->range_count; i++) {
        varint_write(out, mutate->ranges[i].client);
        varint_write(out, 1);
        varint_write(out, mutate->ranges[i].clock);
        varint_write(out, mutate->ranges[i].length);
    }
    return out->status == STATUS_OK;
}

/* Appends the update with a few changes. */
static inline bool mutate_update(struct bytes update, struct chance *chance, struct bytes_writer *out) {
    static struct mutate mutate;
    if (!mutate_read(update, &mutate))
        return false;
    for (uint32_t times = 1 + below(chance, 3); times > 0; times--)
        if (mutate.count < MUTATE_STRUCTS_MAX - 1 && mutate.range_count < MUTATE_RANGES_MAX - 1)
            mutate_one(&mutate, chance);
    return mutate_write(&mutate, out);
}

/* Appends a row of numbers with a few of them changed; if the first one counts the pairs behind it, pairs come, go and come twice.
 * False: not such a row. */
static inline bool mutate_numbers(struct bytes bytes, bool counted, struct chance *chance, struct bytes_writer *out) {
    static uint64_t numbers[MUTATE_NUMBERS_MAX + 2];
    struct bytes_reader reader = bytes_reader(bytes);
    size_t count = 0;
    while (bytes_left(&reader) > 0)
        if (count == MUTATE_NUMBERS_MAX || varint_read(&reader, &numbers[count++]) != STATUS_OK)
            return false;
    if (count == 0)
        return false;
    for (uint32_t times = 1 + below(chance, 3); times > 0; times--) {
        size_t at = below(chance, (uint32_t)count);
        size_t pair = at | 1;
        if (!counted || pair + 2 > count || count >= MUTATE_NUMBERS_MAX || below(chance, 2) == 0) {
            numbers[at] = mutate_number(chance, numbers[at]);
        } else if (below(chance, 2) == 0) {
            memmove(numbers + pair, numbers + pair + 2, (count - pair - 2) * sizeof *numbers);
            count -= 2;
        } else {
            memmove(numbers + pair + 2, numbers + pair, (count - pair) * sizeof *numbers);
            count += 2;
        }
        if (counted && below(chance, 8) != 0)
            numbers[0] = count / 2;
    }
    for (size_t i = 0; i < count; i++)
        varint_write(out, numbers[i]);
    return out->status == STATUS_OK;
}

#endif
