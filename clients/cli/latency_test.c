#include "latency.h"

#include <criterion/criterion.h>

Test(latency, percentiles_are_those_of_the_sorted_samples) {
    struct latency latency = { 0 };
    for (uint64_t us = 1000; us > 0; us--)
        latency_add(&latency, us);

    cr_assert_eq(latency_percentile(&latency, 500), 501);
    cr_assert_eq(latency_percentile(&latency, 990), 991);
    cr_assert_eq(latency_percentile(&latency, 1000), 1000);
    latency_finish(&latency);
    cr_assert_eq(latency_percentile(&latency, 500), 0);
}

Test(latency, a_tracker_times_what_was_typed_and_forgets_at_a_new_opening) {
    struct latency latency = { 0 };
    struct latency_tracker tracker;
    cr_assert_eq(latency_tracker_init(&tracker, 100), STATUS_OK);

    latency_sent(&tracker, 1, 1, 100);
    latency_sent(&tracker, 1, 3, 120); /* 2 was a diff */
    latency_acknowledged(&tracker, &latency, 1, 3, 200);
    latency_sent(&tracker, 1, 4, 300);
    latency_acknowledged(&tracker, &latency, 2, 1, 400); /* a new opening: 4 is never acknowledged */
    latency_sent(&tracker, 2, 2, 500);
    latency_acknowledged(&tracker, &latency, 2, 2, 507);

    cr_assert_eq(latency.count, 3);
    cr_assert_eq(latency_percentile(&latency, 0), 7);
    cr_assert_eq(latency_percentile(&latency, 1000), 100);
    latency_tracker_finish(&tracker);
    latency_finish(&latency);
}
