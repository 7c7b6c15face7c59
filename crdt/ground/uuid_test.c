#include "ground/uuid.h"

#include <criterion/criterion.h>

static const uint8_t random_bytes[10] = { 0xff, 0x3a, 0xff, 0x11, 0x5d, 0x1b, 0x2a, 0x9e, 0x4c, 0x77 };

Test(uuid, version_7_holds_time_version_and_variant) {
    struct uuid uuid = uuid_v7(UINT64_C(0x01932c07209c), random_bytes);
    char text[UUID_TEXT_SIZE + 1];

    uuid_format(&uuid, text);

    cr_assert_str_eq(text, "01932c07-209c-7f3a-bf11-5d1b2a9e4c77");
}

Test(uuid, later_ids_sort_behind_earlier_ones) {
    struct uuid earlier = uuid_v7(1000, random_bytes);
    struct uuid later = uuid_v7(1001, random_bytes);

    cr_assert_lt(memcmp(earlier.bytes, later.bytes, sizeof later.bytes), 0);
}

Test(uuid, text_comes_back_in_either_case) {
    struct uuid uuid;
    char text[UUID_TEXT_SIZE + 1];

    cr_assert(uuid_parse(bytes_text("01932C07-209c-7F3A-bf11-5d1b2a9E4C77"), &uuid));
    uuid_format(&uuid, text);

    cr_assert_str_eq(text, "01932c07-209c-7f3a-bf11-5d1b2a9e4c77");
    cr_assert_not(uuid_is_nil(&uuid));
    cr_assert(uuid_parse(bytes_text("00000000-0000-0000-0000-000000000000"), &uuid));
    cr_assert(uuid_is_nil(&uuid));
}

Test(uuid, anything_else_is_refused) {
    static const char *const cases[] = { "",
                                         "01932c07-209c-7f3a-bf11-5d1b2a9e4c7",
                                         "01932c07-209c-7f3a-bf11-5d1b2a9e4c777",
                                         "01932c07209c7f3abf115d1b2a9e4c77",
                                         "01932c07-209c-7f3a-bf11-5d1b2a9e4c7g",
                                         "01932c07-209c-7f3a-bf115-d1b2a9e4c77",
                                         "01932c07-209c-7f3a-bf11-5d1b2a9e4c7\x17",
                                         "{1932c07-209c-7f3a-bf11-5d1b2a9e4c77",
                                         ("\x10"
                                          "1932c07-209c-7f3a-bf11-5d1b2a9e4c77") };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct uuid uuid;
        cr_assert_not(uuid_parse(bytes_text(cases[i]), &uuid), "case %zu", i);
    }
    struct uuid uuid;
    cr_assert_not(uuid_parse(bytes_of("01932c07-209c-7f3a-bf11-5d1b2a9e4c7\0", 36), &uuid));
}
