/* client.c — chunks split in half when they are full and vanish when they are empty; the directory follows as well as it can. */
#include "client.h"

#include "wire.h"

#include <assert.h>

enum {
    TEXT_CHUNK_MIN = 32,
    TEXT_CHUNK_MAX = 64 * 1024,   /* growing further would copy nothing less and waste more */
    ASCII_DOUBLED_MAX = 64 * 1024 /* what is bigger grows by a quarter */
};

static size_t run_chunk_bytes(uint32_t capacity) {
    return offsetof(struct run_chunk, clocks) + capacity * 2 * sizeof(uint32_t);
}

static void run_chunk_free(const struct mem *mem, struct run_chunk *chunk) {
    mem_free(mem, chunk, run_chunk_bytes(chunk->capacity));
}

static enum status run_spares_fill(struct run_chunk **list, uint32_t *count, const struct mem *mem, size_t wanted,
                                   uint32_t capacity) {
    while (*count < wanted) {
        struct run_chunk *chunk = mem_alloc(mem, run_chunk_bytes(capacity));
        if (chunk == NULL)
            return STATUS_NO_MEMORY;
        *chunk = (struct run_chunk){ .next = *list, .capacity = capacity };
        *list = chunk;
        ++*count;
    }
    return STATUS_OK;
}

enum status run_spares_reserve(struct run_spares *spares, const struct mem *mem, size_t full, size_t small) {
    enum status status = run_spares_fill(&spares->full, &spares->full_count, mem, full, RUN_CHUNK_FULL);
    return status != STATUS_OK ? status : run_spares_fill(&spares->small, &spares->small_count, mem, small, RUN_CHUNK_SMALL);
}

static struct run_chunk *run_spares_take(struct run_chunk **list, uint32_t *count) {
    struct run_chunk *chunk = *list;
    assert(chunk != NULL);
    *list = chunk->next;
    --*count;
    chunk->next = NULL;
    chunk->previous = NULL;
    chunk->count = 0;
    return chunk;
}

void run_spares_trim(struct run_spares *spares, const struct mem *mem, size_t keep) {
    while (spares->full_count > keep)
        run_chunk_free(mem, run_spares_take(&spares->full, &spares->full_count));
    while (spares->small_count > 0)
        run_chunk_free(mem, run_spares_take(&spares->small, &spares->small_count));
}

static void text_chunks_free(struct text_chunk *chunk, const struct mem *mem) {
    while (chunk != NULL) {
        struct text_chunk *older = chunk->older;
        mem_free(mem, chunk, sizeof *chunk + chunk->capacity);
        chunk = older;
    }
}

void client_finish(struct client *client, const struct mem *mem) {
    for (struct run_chunk *chunk = client->first; chunk != NULL;) {
        struct run_chunk *next = chunk->next;
        run_chunk_free(mem, chunk);
        chunk = next;
    }
    mem_free(mem, client->directory, client->directory_capacity * sizeof *client->directory);
    mem_free(mem, client->ascii, client->ascii_capacity);
    text_chunks_free(client->text, mem);
}

void client_empty(struct client *client, const struct mem *mem) {
    client_finish(client, mem);
    client->state = 0;
    client->runs = 0;
    client->first = client->last = client->hint = NULL;
    client->directory = NULL;
    client->directory_count = client->directory_capacity = 0;
    client->ascii = NULL;
    client->ascii_used = client->ascii_capacity = client->ascii_dead = 0;
    client->text = NULL;
    client->text_bytes = client->text_dead = client->text_promised = 0;
    client->compact = false;
    client->compact_next = NULL;
}

void client_trim(struct client *client, const struct mem *mem) {
    if (client->ascii_used == client->ascii_capacity || client->ascii_used == 0)
        return;
    uint8_t *ascii = mem_resize(mem, client->ascii, client->ascii_capacity, client->ascii_used);
    if (ascii == NULL)
        return;
    client->ascii = ascii;
    client->ascii_capacity = client->ascii_used;
}

/* The last directory slot whose clock is not above `clock`; there is one if the directory is not empty. */
static uint32_t client_slot(const struct client *client, uint64_t clock) {
    const struct run_slot *base = client->directory;
    for (uint32_t count = client->directory_count; count > 1;) {
        uint32_t half = count / 2;
        base += base[half].clock <= clock ? half : 0;
        count -= half;
    }
    return (uint32_t)(base - client->directory);
}

static bool run_chunk_holds(const struct run_chunk *chunk, uint64_t clock) {
    return run_clock(chunk, 0) <= clock && (chunk->next == NULL || clock < run_clock(chunk->next, 0));
}

/* The last run of a chunk whose clock is not above `clock`. Halving without branches: which way it goes cannot be foretold. */
static uint32_t run_chunk_search(const struct run_chunk *chunk, uint64_t clock) {
    if (clock >> 32 != chunk->upper)
        return chunk->count - 1; /* the last run is that long */
    const uint32_t *base = chunk->clocks;
    uint32_t wanted = (uint32_t)clock;
    for (uint32_t count = chunk->count; count > 1;) {
        uint32_t half = count / 2;
        base += base[half] <= wanted ? half : 0;
        count -= half;
    }
    return (uint32_t)(base - chunk->clocks);
}

struct run_place client_find(struct client *client, uint64_t clock) {
    assert(clock < client->state);
    struct run_chunk *chunk = client->last;
    if (clock < run_clock(chunk, 0)) {
        chunk = client->hint;
        if (chunk == NULL || !run_chunk_holds(chunk, clock)) {
            chunk = client->directory_count > 0 ? client->directory[client_slot(client, clock)].chunk : client->first;
            while (!run_chunk_holds(chunk, clock))
                chunk = chunk->next;
        }
    }
    uint32_t at = chunk->count - 1;
    if (run_clock(chunk, at) > clock)
        at = run_chunk_search(chunk, clock);
    client->hint = chunk;
    return (struct run_place){ chunk, at };
}

bool run_place_next(struct run_place *place) {
    if (++place->at < place->chunk->count)
        return true;
    place->chunk = place->chunk->next;
    place->at = 0;
    return place->chunk != NULL;
}

bool run_place_previous(struct run_place *place) {
    if (place->at > 0) {
        place->at--;
        return true;
    }
    place->chunk = place->chunk->previous;
    if (place->chunk == NULL)
        return false;
    place->at = place->chunk->count - 1;
    return true;
}

/* Lists a chunk that stands behind its predecessor already. Failing costs speed only. */
static void client_directory_add(struct client *client, const struct mem *mem, struct run_chunk *chunk) {
    if (client->directory_count == client->directory_capacity) {
        uint32_t capacity = client->directory_capacity == 0 ? 4 : client->directory_capacity * 2;
        struct run_slot *directory =
            mem_resize(mem, client->directory, client->directory_capacity * sizeof *directory, capacity * sizeof *directory);
        if (directory == NULL)
            return;
        client->directory = directory;
        client->directory_capacity = capacity;
    }
    if (client->directory_count == 0) {
        client->directory[0] = (struct run_slot){ run_clock(client->first, 0), client->first };
        client->directory_count = 1;
        if (chunk == client->first)
            return;
        if (client->directory_count == client->directory_capacity)
            return;
    }
    uint32_t at = client_slot(client, run_clock(chunk, 0)) + 1;
    memmove(client->directory + at + 1, client->directory + at, (client->directory_count - at) * sizeof *client->directory);
    client->directory[at] = (struct run_slot){ run_clock(chunk, 0), chunk };
    client->directory_count++;
}

/* The slot that lists `chunk`, or NULL. */
static struct run_slot *client_directory_slot(struct client *client, const struct run_chunk *chunk, uint64_t clock) {
    if (client->directory_count == 0)
        return NULL;
    struct run_slot *slot = &client->directory[client_slot(client, clock)];
    return slot->chunk == chunk ? slot : NULL;
}

static void client_link_chunk(struct client *client, struct run_chunk *after, struct run_chunk *chunk) {
    chunk->previous = after;
    chunk->next = after == NULL ? client->first : after->next;
    if (chunk->next != NULL)
        chunk->next->previous = chunk;
    else
        client->last = chunk;
    if (after != NULL)
        after->next = chunk;
    else
        client->first = chunk;
}

/* Replaces a client's small first chunk by a full-sized one. */
static struct run_chunk *client_enlarge(struct client *client, const struct mem *mem, struct run_spares *spares,
                                        struct run_chunk *small) {
    struct run_chunk *chunk = run_spares_take(&spares->full, &spares->full_count);
    struct run_slot *slot = client_directory_slot(client, small, run_clock(small, 0));
    memcpy(chunk->clocks, small->clocks, small->count * sizeof *small->clocks);
    memcpy(run_items(chunk), run_items(small), small->count * sizeof(uint32_t));
    chunk->count = small->count;
    chunk->upper = small->upper;
    chunk->previous = small->previous;
    chunk->next = small->next;
    if (chunk->previous != NULL)
        chunk->previous->next = chunk;
    else
        client->first = chunk;
    if (chunk->next != NULL)
        chunk->next->previous = chunk;
    else
        client->last = chunk;
    if (slot != NULL)
        slot->chunk = chunk;
    if (client->hint == small)
        client->hint = NULL;
    run_chunk_free(mem, small);
    return chunk;
}

static void run_chunk_put(struct run_chunk *chunk, uint32_t at, uint64_t clock, uint32_t item) {
    uint32_t *items = run_items(chunk);
    if (at < chunk->count) {
        memmove(chunk->clocks + at + 1, chunk->clocks + at, (chunk->count - at) * sizeof *chunk->clocks);
        memmove(items + at + 1, items + at, (chunk->count - at) * sizeof *items);
    }
    chunk->clocks[at] = (uint32_t)clock;
    items[at] = item;
    chunk->count++;
}

/* A chunk for one run, behind `after`. */
static void client_add_chunk(struct client *client, const struct mem *mem, struct run_spares *spares, struct run_chunk *after,
                             uint64_t clock, uint32_t item) {
    struct run_chunk *chunk = run_spares_take(&spares->full, &spares->full_count);
    chunk->upper = (uint32_t)(clock >> 32);
    client_link_chunk(client, after, chunk);
    run_chunk_put(chunk, 0, clock, item);
    client_directory_add(client, mem, chunk);
}

void client_append_run(struct client *client, const struct mem *mem, struct run_spares *spares, uint64_t clock, uint32_t item) {
    struct run_chunk *chunk = client->last;
    client->runs++;
    if (chunk == NULL) {
        chunk = run_spares_take(&spares->small, &spares->small_count);
        chunk->upper = (uint32_t)(clock >> 32);
        client_link_chunk(client, NULL, chunk);
    } else if (chunk->upper != clock >> 32 || (chunk->count == chunk->capacity && chunk->capacity == RUN_CHUNK_FULL)) {
        client_add_chunk(client, mem, spares, chunk, clock, item);
        return;
    } else if (chunk->count == chunk->capacity) {
        chunk = client_enlarge(client, mem, spares, chunk);
    }
    run_chunk_put(chunk, chunk->count, clock, item);
}

struct run_place client_insert_run(struct client *client, const struct mem *mem, struct run_spares *spares, struct run_place place,
                                   uint64_t clock, uint32_t item) {
    struct run_chunk *chunk = place.chunk;
    uint32_t at = place.at + 1;
    client->runs++;
    if (chunk->upper != clock >> 32) { /* then it is the last run there */
        client_add_chunk(client, mem, spares, chunk, clock, item);
        return (struct run_place){ chunk->next, 0 };
    }
    if (chunk->count == chunk->capacity && chunk->capacity < RUN_CHUNK_FULL) {
        chunk = client_enlarge(client, mem, spares, chunk);
    } else if (chunk->count == chunk->capacity) {
        struct run_chunk *upper = run_spares_take(&spares->full, &spares->full_count);
        uint32_t half = chunk->count / 2;
        upper->count = chunk->count - half;
        upper->upper = chunk->upper;
        memcpy(upper->clocks, chunk->clocks + half, upper->count * sizeof *upper->clocks);
        memcpy(run_items(upper), run_items(chunk) + half, upper->count * sizeof(uint32_t));
        chunk->count = half;
        client_link_chunk(client, chunk, upper);
        client_directory_add(client, mem, upper);
        if (at > half) {
            chunk = upper;
            at -= half;
        }
    }
    run_chunk_put(chunk, at, clock, item);
    return (struct run_place){ chunk, at };
}

void client_move_first_run(struct client *client, struct run_chunk *chunk, uint32_t clock) {
    struct run_slot *slot = client_directory_slot(client, chunk, run_clock(chunk, 0));
    chunk->clocks[0] = clock;
    if (slot != NULL)
        slot->clock = run_clock(chunk, 0);
}

/* Nothing stands in it any more. */
static void client_free_chunk(struct client *client, const struct mem *mem, struct run_chunk *chunk) {
    if (chunk->previous != NULL)
        chunk->previous->next = chunk->next;
    else
        client->first = chunk->next;
    if (chunk->next != NULL)
        chunk->next->previous = chunk->previous;
    else
        client->last = chunk->previous;
    if (client->hint == chunk)
        client->hint = NULL;
    run_chunk_free(mem, chunk);
}

void client_remove_run(struct client *client, const struct mem *mem, struct run_place place) {
    struct run_chunk *chunk = place.chunk;
    uint32_t *items = run_items(chunk);
    struct run_slot *slot = place.at == 0 ? client_directory_slot(client, chunk, run_clock(chunk, 0)) : NULL;
    chunk->count--;
    memmove(chunk->clocks + place.at, chunk->clocks + place.at + 1, (chunk->count - place.at) * sizeof *chunk->clocks);
    memmove(items + place.at, items + place.at + 1, (chunk->count - place.at) * sizeof *items);
    client->runs--;
    if (chunk->count > 0) {
        if (slot != NULL)
            slot->clock = run_clock(chunk, 0);
        return;
    }
    if (slot != NULL) {
        client->directory_count--;
        memmove(slot, slot + 1, (size_t)(client->directory + client->directory_count - slot) * sizeof *slot);
    }
    client_free_chunk(client, mem, chunk);
}

/* Fills a chunk from the next one. */
static void client_fill_chunk(struct client *client, const struct mem *mem, struct run_chunk *chunk) {
    struct run_chunk *next = chunk->next;
    uint32_t room = chunk->capacity - chunk->count;
    uint32_t moved = next->count < room ? next->count : room;
    uint32_t *items = run_items(next);
    memcpy(chunk->clocks + chunk->count, next->clocks, moved * sizeof *next->clocks);
    memcpy(run_items(chunk) + chunk->count, items, moved * sizeof *items);
    chunk->count += moved;
    next->count -= moved;
    memmove(next->clocks, next->clocks + moved, next->count * sizeof *next->clocks);
    memmove(items, items + moved, next->count * sizeof *items);
    if (next->count == 0)
        client_free_chunk(client, mem, next);
}

void client_pack(struct client *client, const struct mem *mem) {
    uint32_t listed = 0;
    for (struct run_chunk *chunk = client->first; chunk != NULL; chunk = chunk->next) {
        while (chunk->count < chunk->capacity && chunk->next != NULL && chunk->next->upper == chunk->upper)
            client_fill_chunk(client, mem, chunk);
        if (listed < client->directory_count)
            client->directory[listed++] = (struct run_slot){ run_clock(chunk, 0), chunk };
    }
    client->directory_count = listed;
}

uint64_t client_runs_from(struct run_place place) {
    uint64_t runs = place.chunk->count - place.at;
    for (struct run_chunk *chunk = place.chunk->next; chunk != NULL; chunk = chunk->next)
        runs += chunk->count;
    return runs;
}

static enum status client_ascii_reserve(struct client *client, const struct mem *mem, size_t bytes) {
    if (client->ascii_capacity - client->ascii_used >= bytes)
        return STATUS_OK;
    if (bytes > UINT32_MAX - client->ascii_used)
        return STATUS_TOO_BIG;
    size_t needed = client->ascii_used + bytes;
    size_t capacity =
        client->ascii_capacity + (client->ascii_capacity < ASCII_DOUBLED_MAX ? client->ascii_capacity : client->ascii_capacity / 4);
    capacity = capacity < TEXT_CHUNK_MIN ? TEXT_CHUNK_MIN : capacity;
    capacity = capacity < needed || client->ascii_capacity == 0 ? needed : capacity;
    capacity = capacity > UINT32_MAX ? UINT32_MAX : capacity;
    uint8_t *ascii = mem_resize(mem, client->ascii, client->ascii_capacity, capacity);
    if (ascii == NULL)
        return STATUS_NO_MEMORY;
    client->ascii = ascii;
    client->ascii_capacity = (uint32_t)capacity;
    return STATUS_OK;
}

enum status client_text_reserve(struct client *client, const struct mem *mem, size_t ascii, size_t text) {
    if (ascii > 0) {
        enum status status = client_ascii_reserve(client, mem, ascii);
        if (status != STATUS_OK)
            return status;
    }
    if (text > UINT32_MAX - client->text_bytes)
        return STATUS_TOO_BIG;
    client->text_promised = (uint32_t)text;
    if (text == 0 || client_text_capacity(client) >= text)
        return STATUS_OK;
    size_t capacity = client->text == NULL ? TEXT_CHUNK_MIN : (size_t)client->text->capacity * 2;
    capacity = capacity > TEXT_CHUNK_MAX ? TEXT_CHUNK_MAX : capacity;
    capacity = capacity < text ? text : capacity;
    struct text_chunk *chunk = mem_alloc(mem, sizeof *chunk + capacity);
    if (chunk == NULL)
        return STATUS_NO_MEMORY;
    *chunk = (struct text_chunk){ .older = client->text, .capacity = (uint32_t)capacity };
    client->text = chunk;
    return STATUS_OK;
}

const uint8_t *client_text_add(struct client *client, struct bytes content) {
    if (content.size == 0)
        return content_half_pair; /* anything but NULL */
    struct text_chunk *chunk = client->text;
    assert(chunk != NULL && chunk->capacity - chunk->used >= content.size);
    uint8_t *at = chunk->bytes + chunk->used;
    memcpy(at, content.data, content.size);
    chunk->used += (uint32_t)content.size;
    client->text_bytes += (uint32_t)content.size;
    return at;
}

/* In clock order, which is nearly the order in which it stands there. */
void client_ascii_compact(struct client *client, const struct mem *mem, struct items *items) {
    size_t live = client->ascii_used - client->ascii_dead;
    uint8_t *ascii = NULL;
    if (live > 0) {
        ascii = mem_alloc(mem, live);
        if (ascii == NULL)
            return;
    }
    uint32_t used = 0;
    for (struct run_chunk *chunk = client->first; chunk != NULL; chunk = chunk->next)
        for (uint32_t i = 0; i < chunk->count; i++) {
            struct item *item = item_at(items, run_items(chunk)[i]);
            if ((item->flags & ITEM_ASCII) == 0)
                continue;
            assert(ascii != NULL && used + item->length <= live);
            memcpy(ascii + used, client->ascii + item->content, item->length);
            item->content = used;
            used += item->length;
        }
    assert(used == live);
    mem_free(mem, client->ascii, client->ascii_capacity);
    client->ascii = ascii;
    client->ascii_used = used;
    client->ascii_capacity = used;
    client->ascii_dead = 0;
}

/* The row of an item whose content stands in the client's chunks, or NULL. */
static struct content *item_text(const struct items *items, const struct item *item) {
    if ((item->flags & ITEM_ASCII) != 0 || item->content == CONTENT_NONE)
        return NULL;
    struct content *content = &items->contents[item->content];
    return content->bytes > 0 && content->data != content_half_pair ? content : NULL;
}

void client_text_compact(struct client *client, const struct mem *mem, struct items *items) {
    uint32_t live = 0; /* pairs that were cut count as alive in text_dead */
    for (struct run_chunk *chunk = client->first; chunk != NULL; chunk = chunk->next)
        for (uint32_t i = 0; i < chunk->count; i++) {
            const struct content *content = item_text(items, item_at(items, run_items(chunk)[i]));
            live += content == NULL ? 0 : content->bytes;
        }
    struct text_chunk *fresh = NULL;
    if (live > 0) {
        fresh = mem_alloc(mem, sizeof *fresh + live);
        if (fresh == NULL)
            return;
        *fresh = (struct text_chunk){ .capacity = live };
    }
    for (struct run_chunk *chunk = client->first; chunk != NULL; chunk = chunk->next)
        for (uint32_t i = 0; i < chunk->count; i++) {
            struct content *content = item_text(items, item_at(items, run_items(chunk)[i]));
            if (content == NULL)
                continue;
            assert(fresh != NULL && fresh->used + content->bytes <= live);
            uint8_t *to = fresh->bytes + fresh->used;
            memcpy(to, content->data, content->bytes);
            content->data = to;
            fresh->used += content->bytes;
        }
    text_chunks_free(client->text, mem);
    client->text = fresh;
    client->text_bytes = live;
    client->text_dead = 0;
}
