#include "metrics/metrics.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

Test(metrics, a_value_falls_into_the_first_bucket_that_holds_it) {
    static const struct {
        uint64_t value;
        unsigned bucket;
    } cases[] = { { 0, 0 },          { 1, 0 }, { 2, 1 }, { 3, 2 }, { 4, 2 }, { 5, 3 }, { 1 << 25, 25 }, { (1 << 25) + 1, 26 },
                  { UINT64_MAX, 26 } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct metrics metrics = { 0 };

        metrics_observe(&metrics, METRIC_apply, cases[i].value);

        for (unsigned b = 0; b < METRICS_BUCKETS; b++)
            cr_expect_eq(metrics.histograms[METRIC_apply].buckets[b], b == cases[i].bucket, "value %llu, bucket %u",
                         (unsigned long long)cases[i].value, b);
        cr_expect_eq(metrics.histograms[METRIC_apply].sum, cases[i].value);
    }
}

Test(metrics, loops_are_added_up_and_written_in_base_units) {
    static struct metrics one, other, sum;
    struct bytes_writer text;
    metrics_count(&one, METRIC_joins);
    metrics_count(&other, METRIC_joins);
    metrics_limited(&other, LIMIT_unjoined_ms);
    one.gauges[METRIC_connections] = 3;
    other.gauges[METRIC_connections] = 4;
    metrics_observe(&one, METRIC_ack, 1500);
    metrics_observe(&other, METRIC_ack, 3);

    metrics_add(&sum, &one);
    metrics_add(&sum, &other);
    bytes_writer_init(&text, &mem_default, 1 << 20);
    metrics_write(&sum, &text);
    bytes_write(&text, bytes_of("", 1));

    cr_assert_eq(text.status, STATUS_OK);
    static const char *const lines[] = {
        "# TYPE vibesync_joins_total counter\nvibesync_joins_total 2\n",
        "vibesync_limited_total{limit=\"unjoined_ms\"} 1\n",
        "# TYPE vibesync_connections gauge\nvibesync_connections 7\n",
        "vibesync_ack_seconds_bucket{le=\"2e-06\"} 0\nvibesync_ack_seconds_bucket{le=\"4e-06\"} 1\n",
        "vibesync_ack_seconds_bucket{le=\"0.001024\"} 1\nvibesync_ack_seconds_bucket{le=\"0.002048\"} 2\n",
        "vibesync_ack_seconds_bucket{le=\"+Inf\"} 2\nvibesync_ack_seconds_sum 0.0015",
        "vibesync_queue_bytes_bucket{le=\"33554432\"} 0\n",
        "\nprocess_resident_memory_bytes ",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        cr_expect(strstr((const char *)text.data, lines[i]) != NULL, "%s", lines[i]);
    bytes_writer_finish(&text);
}

Test(metrics, without_memory_the_writer_says_so) {
    static struct metrics sum;
    struct bytes_writer text;
    bytes_writer_init(&text, &mem_default, 1000);

    metrics_write(&sum, &text);

    cr_expect_eq(text.status, STATUS_TOO_BIG);
    bytes_writer_finish(&text);
}
