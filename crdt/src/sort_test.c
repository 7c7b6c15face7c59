#include "sort.h"

#include <criterion/criterion.h>
#include <stdint.h>

struct pair {
    uint32_t key;
    uint32_t value;
};

static bool pair_before(const void *a, const void *b) {
    return ((const struct pair *)a)->key < ((const struct pair *)b)->key;
}

Test(sort, orders_any_input_and_loses_nothing) {
    for (uint32_t seed = 1; seed <= 200; seed++) {
        struct pair pairs[64];
        uint32_t random = seed;
        uint32_t sum = 0;
        size_t count = seed % 64;
        for (size_t i = 0; i < count; i++) {
            random = random * 1664525 + 1013904223;
            pairs[i] = (struct pair){ (random >> 16) % 20, random };
            sum += random;
        }

        sort(pairs, count, sizeof *pairs, pair_before);

        for (size_t i = 0; i < count; i++) {
            cr_assert(i == 0 || pairs[i - 1].key <= pairs[i].key, "seed %u", seed);
            cr_assert_eq(pairs[i].key, (pairs[i].value >> 16) % 20, "an element was torn");
            sum -= pairs[i].value;
        }
        cr_assert_eq(sum, 0);
    }
}
