#include "placement.h"

#include <criterion/criterion.h>

Test(placement, a_session_goes_to_the_least_loaded_loop_and_equals_are_taken_in_turn) {
    static const struct {
        uint64_t loads[4];
        unsigned from, least;
    } cases[] = {
        { { 0, 0, 0, 0 }, 0, 0 }, { { 0, 0, 0, 0 }, 2, 2 }, { { 5, 4, 3, 4 }, 0, 2 },
        { { 1, 1, 0, 0 }, 0, 2 }, { { 0, 9, 9, 9 }, 3, 0 }, { { 3, 3, 3, 9 }, 3, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect_eq(placement_least(cases[i].loads, 4, cases[i].from), cases[i].least, "case %zu", i);
    cr_expect_eq(placement_least(cases[0].loads, 1, 0), 0);
}
