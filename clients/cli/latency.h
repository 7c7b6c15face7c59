/* latency.h — times from an edit to its durable acknowledgement, and their percentiles.
 *
 * One tracker per typist remembers when each update in flight was sent; what is acknowledged moves into the common list of samples.
 */
#ifndef CLI_LATENCY_H
#define CLI_LATENCY_H

#include "ground/mem.h"
#include "ground/status.h"

#include <stdbool.h>
#include <stdint.h>

/* Samples in microseconds. */
struct latency {
    /* private */
    uint32_t *samples;
    size_t count, capacity;
};

void latency_finish(struct latency *latency);

/* A sample that finds no memory is left out. */
void latency_add(struct latency *latency, uint64_t us);

/* `per_mille` 500 is the median. 0 without samples. Sorts. */
uint32_t latency_percentile(struct latency *latency, unsigned per_mille);

struct latency_tracker {
    /* private */
    uint64_t *sent_us; /* ring by number */
    size_t capacity;   /* a power of two */
    uint64_t opening, seen, sent;
};

/* `in_flight_max`: as many numbers may wait. STATUS_NO_MEMORY. */
enum status latency_tracker_init(struct latency_tracker *tracker, size_t in_flight_max);
void latency_tracker_finish(struct latency_tracker *tracker);

/* The update `number` (from 1) of this opening was sent now. */
void latency_sent(struct latency_tracker *tracker, uint64_t opening, uint64_t number, uint64_t now_us);

/* All up to `number` of this opening are acknowledged. */
void latency_acknowledged(struct latency_tracker *tracker, struct latency *latency, uint64_t opening, uint64_t number,
                          uint64_t now_us);

#endif
