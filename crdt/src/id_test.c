#include "id.h"

#include <criterion/criterion.h>
#include <string.h>

static uint64_t id_random(uint64_t *state) {
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    return z ^ z >> 27;
}

Test(id_ranges, touching_and_overlapping_ones_join) {
    struct id_range ranges[] = { { 1, 5, 2 }, { 9, 0, 1 }, { 1, 0, 5 }, { 1, 6, 4 }, { 1, 20, 0 }, { 1, 11, 1 } };

    size_t count = id_ranges_normalize(ranges, 6);

    cr_assert_eq(count, 3);
    cr_assert(ranges[0].client == 9 && ranges[0].clock == 0 && ranges[0].length == 1);
    cr_assert(ranges[1].client == 1 && ranges[1].clock == 0 && ranges[1].length == 10);
    cr_assert(ranges[2].client == 1 && ranges[2].clock == 11 && ranges[2].length == 1);
}

Test(id_ranges, agree_with_a_bitmap_under_a_random_crowd) {
    enum { CLIENTS = 3, CLOCKS = 60 };
    for (uint64_t seed = 1; seed <= 300; seed++) {
        uint64_t random = seed;
        bool bits[CLIENTS][CLOCKS] = { { false } };
        struct id_range ranges[40];
        size_t count = id_random(&random) % 40;
        for (size_t i = 0; i < count; i++) {
            ranges[i].client = id_random(&random) % CLIENTS;
            ranges[i].clock = id_random(&random) % (CLOCKS - 10);
            ranges[i].length = id_random(&random) % 10;
            for (uint64_t at = 0; at < ranges[i].length; at++)
                bits[ranges[i].client][ranges[i].clock + at] = true;
        }

        count = id_ranges_normalize(ranges, count);

        bool found[CLIENTS][CLOCKS] = { { false } };
        for (size_t i = 0; i < count; i++) {
            if (i > 0 && ranges[i - 1].client == ranges[i].client)
                cr_assert_gt(ranges[i].clock, ranges[i - 1].clock + ranges[i - 1].length, "seed %llu", (unsigned long long)seed);
            else if (i > 0)
                cr_assert_lt(ranges[i].client, ranges[i - 1].client);
            for (uint64_t at = 0; at < ranges[i].length; at++)
                found[ranges[i].client][ranges[i].clock + at] = true;
        }
        cr_assert_eq(memcmp(bits, found, sizeof bits), 0, "seed %llu", (unsigned long long)seed);
    }
}
