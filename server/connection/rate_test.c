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

Test(rate, what_was_spent_too_much_is_worked_off_in_time) {
    uint64_t full_at_us = 0;

    cr_expect_eq(rate_spend(&full_at_us, 100, 200, 5000), 0, "two seconds at once");
    cr_expect_eq(rate_spend(&full_at_us, 100, 0, 5000), 0);
    cr_expect_eq(rate_spend(&full_at_us, 100, 50, 5000), 500);
    cr_expect_eq(rate_spend(&full_at_us, 100, 1, 5500), 10, "the pause is over, and nothing is left");
    cr_expect_eq(rate_spend(&full_at_us, 100, 200, 60000), 0, "rest gives no more than the burst");
    cr_expect_eq(rate_spend(&full_at_us, 100, 1, 60000), 10);
}
