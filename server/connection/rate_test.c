#include "connection/rate.h"

#include <criterion/criterion.h>

Test(rate, allows_a_burst_of_two_seconds_then_refuses) {
    struct rate *rates = NULL;
    uint64_t after_ms = 0;

    for (int i = 0; i < 10; i++)
        cr_assert_eq(rate_take(&rates, 1, 3, 5, 1000, &after_ms), STATUS_OK, "call %d", i);
    cr_assert_eq(rate_take(&rates, 1, 3, 5, 1000, &after_ms), STATUS_OVERLOADED);

    cr_assert_eq(after_ms, 200);
    rate_free(rates);
}

Test(rate, is_free_again_when_it_said_so) {
    struct rate *rates = NULL;
    uint64_t after_ms = 0;
    while (rate_take(&rates, 0, 1, 5, 1000, &after_ms) == STATUS_OK)
        ;

    cr_assert_eq(rate_take(&rates, 0, 1, 5, 1000 + after_ms - 1, &after_ms), STATUS_OVERLOADED);
    cr_assert_eq(rate_take(&rates, 0, 1, 5, 1200, &after_ms), STATUS_OK);

    rate_free(rates);
}

Test(rate, methods_do_not_share_their_buckets) {
    struct rate *rates = NULL;
    uint64_t after_ms;
    while (rate_take(&rates, 0, 2, 1, 0, &after_ms) == STATUS_OK)
        ;

    cr_assert_eq(rate_take(&rates, 1, 2, 1, 0, &after_ms), STATUS_OK);

    rate_free(rates);
}

Test(rate, zero_means_no_limit_and_needs_no_memory) {
    struct rate *rates = NULL;
    uint64_t after_ms;

    for (int i = 0; i < 1000; i++)
        cr_assert_eq(rate_take(&rates, 0, 1, 0, 0, &after_ms), STATUS_OK);

    cr_assert_null(rates);
}
