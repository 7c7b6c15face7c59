#include "histogram.h"

enum { HISTOGRAM_SUB_BITS = 5, HISTOGRAM_SUB = 1 << HISTOGRAM_SUB_BITS };

static unsigned histogram_bucket(uint64_t ns) {
    if (ns < HISTOGRAM_SUB)
        return (unsigned)ns;
    unsigned shift = 63 - (unsigned)__builtin_clzll(ns) - HISTOGRAM_SUB_BITS;
    return (shift + 1) * HISTOGRAM_SUB + (unsigned)((ns >> shift) & (HISTOGRAM_SUB - 1));
}

/* The largest duration that falls into the bucket. */
static uint64_t histogram_upper(unsigned bucket) {
    if (bucket < HISTOGRAM_SUB)
        return bucket;
    unsigned shift = bucket / HISTOGRAM_SUB - 1;
    return ((uint64_t)(HISTOGRAM_SUB + bucket % HISTOGRAM_SUB + 1) << shift) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t ns) {
    histogram->counts[histogram_bucket(ns)]++;
    histogram->total++;
    if (ns > histogram->max_ns)
        histogram->max_ns = ns;
}

uint64_t histogram_percentile(const struct histogram *histogram, unsigned per_mille) {
    uint64_t rank = (histogram->total * per_mille + 999) / 1000;
    uint64_t seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS && histogram->total > 0; i++) {
        seen += histogram->counts[i];
        if (seen >= rank && histogram->counts[i] > 0)
            return histogram_upper(i) < histogram->max_ns ? histogram_upper(i) : histogram->max_ns;
    }
    return 0;
}
