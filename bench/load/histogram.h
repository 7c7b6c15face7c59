/* histogram.h — many durations, their percentiles, in fixed memory.
 *
 * Log-linear: each power of two is cut into 32 buckets, so a percentile is at most 3 % above the truth. Adding costs a few
 * instructions and touches one counter. */
#ifndef LOAD_HISTOGRAM_H
#define LOAD_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_BUCKETS = 60 * 32 };

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t total;
    uint64_t max_ns;
};

/* Zeroed memory is an empty histogram. */
void histogram_add(struct histogram *histogram, uint64_t ns);

/* `per_mille` 500: the median. 0 when empty. */
uint64_t histogram_percentile(const struct histogram *histogram, unsigned per_mille);

#endif
