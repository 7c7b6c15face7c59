#include "any.h"

#include <criterion/criterion.h>

struct any_case {
    size_t size;
    uint8_t bytes[24];
};

/* One of each, as lib0 writes them. */
static const struct any_case cases[] = {
    { 2, { 0x7d, 0x00 } },
    { 6, { 0x7d, 0xbf, 0xff, 0xff, 0xff, 0x0f } },
    { 1, { 0x7f } },
    { 1, { 0x7e } },
    { 1, { 0x78 } },
    { 1, { 0x79 } },
    { 2, { 0x7d, 0x40 } },
    { 5, { 0x7c, 0x3f, 0x00, 0x00, 0x00 } },
    { 9, { 0x7b, 0x3f, 0xb9, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a } },
    { 9, { 0x7a, 0, 0, 0, 0, 0, 0, 0, 0x7b } },
    { 4, { 0x77, 0x02, 'h', 'i' } },
    { 7, { 0x75, 0x02, 0x7d, 0x01, 0x77, 0x01, 'a' } },
    { 9, { 0x76, 0x02, 0x01, 'a', 0x7d, 0x01, 0x01, 'b', 0x7e } },
    { 4, { 0x74, 0x02, 0x01, 0x02 } },
    { 8, { 0x75, 0x02, 0x75, 0x00, 0x76, 0x01, 0x00, 0x78 } },
};

Test(any, steps_over_exactly_one_value) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t followed[32] = { 0 };
        memcpy(followed, cases[i].bytes, cases[i].size);
        followed[cases[i].size] = 0x78;
        struct bytes_reader reader = bytes_reader(bytes_of(followed, cases[i].size + 1));
        cr_assert_eq(any_skip(&reader, true), STATUS_OK, "case %zu", i);
        cr_assert_eq(bytes_left(&reader), 1, "case %zu", i);
    }
}

Test(any, every_cut_is_malformed_and_moves_nothing) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t size = 0; size < cases[i].size; size++) {
            struct bytes_reader reader = bytes_reader(bytes_of(cases[i].bytes, size));
            cr_assert_eq(any_skip(&reader, true), STATUS_MALFORMED, "case %zu cut to %zu", i, size);
            cr_assert_eq(bytes_left(&reader), size);
        }
}

Test(any, unknown_tags_and_broken_text_are_malformed) {
    static const uint8_t tag[] = { 0x73 };
    static const uint8_t text[] = { 0x77, 0x01, 0x80 };
    static const uint8_t key[] = { 0x76, 0x01, 0x01, 0xff, 0x78 };

    struct bytes_reader reader = bytes_reader(bytes_of(tag, sizeof tag));
    cr_assert_eq(any_skip(&reader, true), STATUS_MALFORMED);
    reader = bytes_reader(bytes_of(text, sizeof text));
    cr_assert_eq(any_skip(&reader, true), STATUS_MALFORMED);
    reader = bytes_reader(bytes_of(key, sizeof key));
    cr_assert_eq(any_skip(&reader, true), STATUS_MALFORMED);
}

Test(any, counts_beyond_the_input_and_deep_nesting_are_malformed) {
    static const uint8_t count[] = { 0x75, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x78 };
    struct bytes_reader reader = bytes_reader(bytes_of(count, sizeof count));
    cr_assert_eq(any_skip(&reader, true), STATUS_MALFORMED);

    uint8_t nested[2 * (ANY_DEPTH_MAX + 1) + 1];
    for (size_t i = 0; i < sizeof nested - 1; i += 2) {
        nested[i] = 0x75;
        nested[i + 1] = 1;
    }
    nested[sizeof nested - 1] = 0x78;
    reader = bytes_reader(bytes_of(nested, sizeof nested));
    cr_assert_eq(any_skip(&reader, true), STATUS_MALFORMED);
    reader = bytes_reader(bytes_of(nested + 2, sizeof nested - 2));
    cr_assert_eq(any_skip(&reader, true), STATUS_OK);
}
