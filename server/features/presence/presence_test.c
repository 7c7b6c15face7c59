#include "features/presence/presence_state.h"

#include <criterion/criterion.h>

Test(presence_state, reads_position_and_typing) {
    struct presence_state state =
        presence_state_read(bytes_text("{\"user\":{\"name\":\"a\"},\"position\":{\"anchor\":3,\"head\":9},\"typing\":true}"));

    cr_assert(state.has_position);
    cr_assert_eq(state.anchor, 3);
    cr_assert_eq(state.head, 9);
    cr_assert(state.typing);
}

Test(presence_state, leaves_out_what_is_strange) {
    static const char *const strange[] = {
        "",
        "null",
        "[]",
        "{",
        "{\"position\":7}",
        "{\"position\":{\"head\":-1}}",
        "{\"position\":{\"head\":1e300}}",
        "{\"position\":{\"head\":99999999999}}",
        "{\"position\":{\"head\":\"1\"}}",
        "{\"typing\":1}",
        "{\"a\":\"\\u0000\"}",
    };

    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
        struct presence_state state = presence_state_read(bytes_text(strange[i]));
        cr_assert(!state.has_position && !state.typing && state.head == 0 && state.anchor == 0, "%s", strange[i]);
    }
}
