/* metrics.h — what one loop counts; the sum of all loops as Prometheus text.
 *
 *   loop 0: struct metrics ──┐
 *   loop 1: struct metrics ──┼──▶ metrics_add, each in its own thread (http/metrics_door.c) ──▶ metrics_write
 *   loop 2: struct metrics ──┘
 *
 * A loop's metrics are touched in its thread only, so counting is one addition to plain memory: no lock, no atomic, no cache line
 * that two cores want.
 *
 * A histogram's buckets end at powers of two of its unit (1 µs or 1 byte), so finding one is one instruction, and every histogram
 * has the same buckets: 1 µs to 33 s, 1 byte to 33 MB, each twice the one before. */
#ifndef SERVER_METRICS_H
#define SERVER_METRICS_H

#include "ground/bytes.h"

enum metric_counter {
#define METRIC_COUNTER(id, meaning) METRIC_##id,
#include "metrics/metrics.def"
    METRIC_COUNTERS
};

enum metric_gauge {
#define METRIC_GAUGE(id, meaning) METRIC_##id,
#include "metrics/metrics.def"
    METRIC_GAUGES
};

enum metric_histogram {
#define METRIC_HISTOGRAM(id, unit, meaning) METRIC_##id,
#include "metrics/metrics.def"
    METRIC_HISTOGRAMS
};

/* The limits of config.def: each has a counter of the times that it was reached. */
enum limit {
#define CONFIG_LIMIT(name, default_value, least, most, unit, when, meaning) LIMIT_##name,
#define CONFIG_FIXED(name, value, meaning)                                  LIMIT_##name,
#include "config.def"
    LIMIT_COUNT
};

enum { METRICS_BUCKETS = 27 }; /* up to 1, 2, 4, … 2^25 units, and above */

struct metrics {
    uint64_t counters[METRIC_COUNTERS];
    uint64_t limited[LIMIT_COUNT];
    uint64_t gauges[METRIC_GAUGES]; /* written when somebody asks */
    struct {
        uint64_t buckets[METRICS_BUCKETS]; /* each by itself; the sum over the smaller ones is made when written */
        uint64_t sum;
    } histograms[METRIC_HISTOGRAMS];
};

static inline void metrics_count(struct metrics *metrics, enum metric_counter counter) {
    metrics->counters[counter]++;
}

static inline void metrics_limited(struct metrics *metrics, enum limit limit) {
    metrics->limited[limit]++;
}

/* `value`: µs or bytes */
static inline void metrics_observe(struct metrics *metrics, enum metric_histogram histogram, uint64_t value) {
    unsigned bucket = value <= 1 ? 0 : 64 - (unsigned)__builtin_clzll(value - 1);
    metrics->histograms[histogram].buckets[bucket < METRICS_BUCKETS ? bucket : METRICS_BUCKETS - 1]++;
    metrics->histograms[histogram].sum += value;
}

/* Adds one loop's to the sum of all. */
void metrics_add(struct metrics *sum, const struct metrics *metrics);

/* What the process holds in memory; 0 where the system does not say. */
uint64_t metrics_resident_bytes(void);

/* The Prometheus text format, version 0.0.4; what belongs to the process is read from the system now. `out` has the status. */
void metrics_write(const struct metrics *sum, struct bytes_writer *out);

#endif
