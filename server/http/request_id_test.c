#include "http/request_id.h"

#include <criterion/criterion.h>

Test(request_id, a_sane_name_is_taken_and_anything_else_replaced) {
    static const struct {
        const char *offered, *chosen;
    } cases[] = {
        { "a", "a" },
        { "0F-b_9.z", "0F-b_9.z" },
        { "0123456789012345678901234567890123456789012345678901234567890123",
          "0123456789012345678901234567890123456789012345678901234567890123" },
        { "01234567890123456789012345678901234567890123456789012345678901234", "00000000000000ff" },
        { "", "00000000000000ff" },
        { "two words", "00000000000000ff" },
        { "line\nend", "00000000000000ff" },
        { "key=value", "00000000000000ff" },
        { "\"", "00000000000000ff" },
        { "ä", "00000000000000ff" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char id[REQUEST_ID_BYTES];
        request_id_choose(bytes_text(cases[i].offered), 255, id);
        cr_expect_str_eq(id, cases[i].chosen, "%s", cases[i].offered);
    }
}

Test(request_id, none_and_a_nul_are_replaced) {
    char id[REQUEST_ID_BYTES];
    request_id_choose(bytes_of(NULL, 0), 1, id);
    cr_expect_str_eq(id, "0000000000000001");
    request_id_choose(bytes_of("a\0b", 3), 2, id);
    cr_expect_str_eq(id, "0000000000000002");
}
