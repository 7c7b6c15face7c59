#include "client.h"

#include <criterion/criterion.h>
#include <stdbool.h>

static uint64_t client_random(uint64_t *state) {
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    return z ^ z >> 27;
}

struct client_memory {
    struct mem mem;
    bool directory_fails;
};

/* Only the directory grows by resizing what it has. */
static void *client_memory_resize(void *context, void *old, size_t old_bytes, size_t bytes) {
    struct client_memory *memory = context;
    if (memory->directory_fails && (bytes & (bytes - 1)) == 0 && bytes >= 4 * sizeof(struct run_slot) && bytes < 4096 &&
        (old != NULL || bytes == 4 * sizeof(struct run_slot)))
        return NULL;
    return mem_default.resize(NULL, old, old_bytes, bytes);
}

/* The twin: run_of[clock] is the first clock of the run that holds it. Runs are appended, cut and joined at random. */
static void client_crowd(uint64_t seed, bool directory_fails) {
    enum { CLOCKS = 6000 };
    static uint32_t run_of[CLOCKS];
    struct client_memory memory = { .mem = { client_memory_resize, NULL }, .directory_fails = directory_fails };
    memory.mem.context = &memory;
    struct run_spares spares = { NULL, NULL, 0, 0 };
    struct client client = { 0 };
    uint64_t random = seed;
    uint32_t runs = 0;
    while (client.state < CLOCKS - 8) {
        cr_assert_eq(run_spares_reserve(&spares, &memory.mem, 1, 1), STATUS_OK);
        uint64_t dice = client_random(&random) % 10;
        if (dice < 4 || client.state == 0) {
            uint32_t length = 1 + (uint32_t)(client_random(&random) % 8);
            client_append_run(&client, &memory.mem, &spares, client.state, (uint32_t)client.state);
            for (uint32_t i = 0; i < length; i++)
                run_of[client.state + i] = (uint32_t)client.state;
            client.state += length;
            runs++;
        } else if (dice < 8) {
            uint64_t clock = client_random(&random) % client.state;
            uint32_t first = run_of[clock];
            if (clock == first)
                continue;
            client_insert_run(&client, &memory.mem, &spares, client_find(&client, clock), clock, (uint32_t)clock);
            for (uint64_t at = clock; at < client.state && run_of[at] == first; at++)
                run_of[at] = (uint32_t)clock;
            runs++;
        } else {
            uint64_t clock = client_random(&random) % client.state;
            uint32_t first = run_of[clock];
            if (first == 0)
                continue;
            client_remove_run(&client, &memory.mem, client_find(&client, clock));
            uint32_t joined = run_of[first - 1];
            for (uint64_t at = first; at < client.state && run_of[at] == first; at++)
                run_of[at] = joined;
            runs--;
        }
        if (client_random(&random) % 64 == 0) {
            client_pack(&client, &memory.mem);
            for (const struct run_chunk *chunk = client.first; chunk->next != NULL; chunk = chunk->next)
                cr_assert(chunk->count == chunk->capacity || chunk->upper != chunk->next->upper);
        }
        uint64_t asked = client_random(&random) % client.state;
        struct run_place place = client_find(&client, asked);
        cr_assert_eq(run_place_item(place), run_of[asked], "seed %llu", (unsigned long long)seed);
        cr_assert_eq(client.runs, runs);
    }
    struct run_place place = { client.first, 0 };
    uint32_t walked = 0;
    uint64_t clock = 0;
    do {
        cr_assert_eq(run_place_item(place), run_of[clock]);
        cr_assert_eq(client_runs_from(place), runs - walked);
        struct run_place back = place;
        cr_assert_eq(run_place_previous(&back), walked > 0);
        uint32_t run = run_of[clock];
        while (clock < client.state && run_of[clock] == run)
            clock++;
        walked++;
    } while (run_place_next(&place));
    cr_assert_eq(walked, runs);
    cr_assert(!directory_fails || client.directory_count == 0, "the directory was meant to fail");
    client_finish(&client, &memory.mem);
    run_spares_trim(&spares, &memory.mem, 0);
}

Test(client, finds_runs_as_an_array_does) {
    for (uint64_t seed = 1; seed <= 8; seed++)
        client_crowd(seed, false);
}

Test(client, finds_them_without_memory_for_a_directory) {
    client_crowd(99, true);
}

/* Two runs of five units; the one that `dead` would have been is left out. */
static void two_runs(struct client *client, struct items *items, struct run_spares *spares, const struct item *first,
                     const struct item *second) {
    run_spares_reserve(spares, &mem_default, 0, 1);
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t number = items_take(items);
        *item_at(items, number) = i == 0 ? *first : *second;
        client_append_run(client, &mem_default, spares, i * 5, number);
        client->state += 5;
    }
}

Test(client, ascii_text_compacts_to_what_is_used) {
    struct client client = { 0 };
    struct run_spares spares = { NULL, NULL, 0, 0 };
    struct items items;
    items_init(&items);
    items_reserve(&items, &mem_default, 2, 0);
    client_text_reserve(&client, &mem_default, 14, 0);
    uint32_t hello = client_ascii_add(&client, bytes_text("hello"));
    client_ascii_add(&client, bytes_text("dead"));
    client.ascii_dead = 4;
    uint32_t there = client_ascii_add(&client, bytes_text("there"));
    two_runs(&client, &items, &spares, &(struct item){ .length = 5, .content = hello, .flags = ITEM_ASCII },
             &(struct item){ .clock = 5, .length = 5, .content = there, .flags = ITEM_ASCII });

    client_ascii_compact(&client, &mem_default, &items);

    cr_assert_eq(client.ascii_used, 10);
    cr_assert_eq(client.ascii_dead, 0);
    cr_assert_eq(memcmp(client.ascii, "hellothere", 10), 0);
    cr_assert_eq(item_at(&items, 1)->content, 5);
    client_finish(&client, &mem_default);
    items_finish(&items, &mem_default);
    run_spares_trim(&spares, &mem_default, 0);
}

Test(client, other_text_grows_at_its_tail_and_compacts_to_what_is_used) {
    struct client client = { 0 };
    struct run_spares spares = { NULL, NULL, 0, 0 };
    struct items items;
    items_init(&items);
    items_reserve(&items, &mem_default, 2, 2);
    client_text_reserve(&client, &mem_default, 0, 10);
    const uint8_t *hello = client_text_add(&client, bytes_text("hello"));
    cr_assert_eq(client_text_tail(&client), hello + 5);
    client_text_add(&client, bytes_text("dead"));
    client_text_reserve(&client, &mem_default, 0, 500);
    const uint8_t *there = client_text_add(&client, bytes_text("there"));
    uint32_t rows[2] = { contents_take(&items, (struct content){ hello, 5, 0 }),
                         contents_take(&items, (struct content){ there, 5, 0 }) };
    two_runs(&client, &items, &spares, &(struct item){ .length = 5, .content = rows[0] },
             &(struct item){ .clock = 5, .length = 5, .content = rows[1] });

    client_text_compact(&client, &mem_default, &items);

    cr_assert_eq(client.text_bytes, 10);
    cr_assert_eq(memcmp(items.contents[rows[0]].data, "hellothere", 10), 0);
    cr_assert_eq(items.contents[rows[1]].data, items.contents[rows[0]].data + 5);
    client_finish(&client, &mem_default);
    items_finish(&items, &mem_default);
    run_spares_trim(&spares, &mem_default, 0);
}

Test(item, a_wide_document_keeps_what_it_had_and_holds_more) {
    struct items items;
    items_init(&items);
    items_reserve(&items, &mem_default, 300, 0);
    for (uint32_t i = 0; i < 300; i++)
        item_at(&items, items_take(&items))->clock = i;
    items_give(&items, 7);

    items_widen(&items, &mem_default);
    items_set_clock(&items, item_at(&items, 299), UINT64_C(1) << 52);

    cr_assert_eq(items_clock(&items, item_at(&items, 298)), 298);
    cr_assert_eq(items_clock(&items, item_at(&items, 299)), UINT64_C(1) << 52);
    items_reserve(&items, &mem_default, 1, 0);
    cr_assert_eq(items_take(&items), 7);
    items_finish(&items, &mem_default);
}
