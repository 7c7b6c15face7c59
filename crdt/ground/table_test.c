#include "ground/table.h"

#include <criterion/criterion.h>
#include <stdbool.h>

static uint64_t table_random(uint64_t *state) {
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    return z ^ z >> 27;
}

/* The twin is an array: keys are small, so its index is the key. */
Test(table, agrees_with_an_array_under_a_random_crowd) {
    enum { KEYS = 400 };
    static int values[KEYS];
    const int *twin[KEYS] = { NULL };
    size_t count = 0;
    uint64_t random = 42;
    struct table table;
    table_init(&table, &mem_default);

    for (int step = 0; step < 40000; step++) {
        uint64_t key = table_random(&random) % KEYS;
        if (table_random(&random) % 3 != 0) {
            count += twin[key] == NULL;
            twin[key] = &values[table_random(&random) % KEYS];
            cr_assert_eq(table_put(&table, key, (void *)(uintptr_t)twin[key]), STATUS_OK);
        } else {
            cr_assert_eq(table_remove(&table, key), twin[key]);
            count -= twin[key] != NULL;
            twin[key] = NULL;
        }
        cr_assert_eq(table_count(&table), count);
        uint64_t asked = table_random(&random) % KEYS;
        cr_assert_eq(table_get(&table, asked), twin[asked]);
    }
    size_t walked = 0;
    size_t cursor = 0;
    while (table_next(&table, &cursor) != NULL)
        walked++;
    cr_assert_eq(walked, count);
    table_finish(&table);
}

Test(table, keys_may_be_any_64_bits) {
    int value = 7;
    struct table table;
    table_init(&table, &mem_default);

    cr_assert_null(table_get(&table, 0));
    cr_assert_null(table_remove(&table, 0));
    table_put(&table, 0, &value);
    table_put(&table, UINT64_MAX, &value);

    cr_assert_eq(table_get(&table, 0), &value);
    cr_assert_eq(table_get(&table, UINT64_MAX), &value);
    cr_assert_null(table_get(&table, 1));
    table_finish(&table);
}

static void *refuse(void *context, void *old, size_t old_bytes, size_t bytes) {
    return *(bool *)context && bytes > 0 ? NULL : mem_default.resize(NULL, old, old_bytes, bytes);
}

Test(table, a_failed_growth_leaves_it_as_it_was) {
    bool failing = false;
    struct mem mem = { refuse, &failing };
    int value = 7;
    struct table table;
    table_init(&table, &mem);
    for (uint64_t key = 0; key < 6; key++)
        cr_assert_eq(table_put(&table, key, &value), STATUS_OK);

    failing = true;
    cr_assert_eq(table_put(&table, 100, &value), STATUS_NO_MEMORY);

    cr_assert_eq(table_count(&table), 6);
    cr_assert_null(table_get(&table, 100));
    for (uint64_t key = 0; key < 6; key++)
        cr_assert_eq(table_get(&table, key), &value);
    failing = false;
    cr_assert_eq(table_put(&table, 100, &value), STATUS_OK);
    table_finish(&table);
}
