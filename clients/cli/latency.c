#include "latency.h"

#include <stdlib.h>

void latency_finish(struct latency *latency) {
    mem_free(&mem_default, latency->samples, latency->capacity * sizeof *latency->samples);
    *latency = (struct latency){ 0 };
}

void latency_add(struct latency *latency, uint64_t us) {
    if (latency->count == latency->capacity) {
        size_t capacity = latency->capacity ? latency->capacity * 2 : 4096;
        uint32_t *samples =
            mem_resize(&mem_default, latency->samples, latency->capacity * sizeof *samples, capacity * sizeof *samples);
        if (!samples)
            return;
        latency->samples = samples;
        latency->capacity = capacity;
    }
    latency->samples[latency->count++] = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

static int by_size(const void *a, const void *b) {
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

uint32_t latency_percentile(struct latency *latency, unsigned per_mille) {
    if (latency->count == 0)
        return 0;
    qsort(latency->samples, latency->count, sizeof *latency->samples, by_size);
    size_t index = latency->count * per_mille / 1000;
    return latency->samples[index < latency->count ? index : latency->count - 1];
}

enum status latency_tracker_init(struct latency_tracker *tracker, size_t in_flight_max) {
    *tracker = (struct latency_tracker){ .capacity = 1 };
    while (tracker->capacity < in_flight_max)
        tracker->capacity *= 2;
    tracker->sent_us = mem_zalloc(&mem_default, tracker->capacity * sizeof *tracker->sent_us);
    return tracker->sent_us ? STATUS_OK : STATUS_NO_MEMORY;
}

void latency_tracker_finish(struct latency_tracker *tracker) {
    mem_free(&mem_default, tracker->sent_us, tracker->sent_us ? tracker->capacity * sizeof *tracker->sent_us : 0);
    *tracker = (struct latency_tracker){ 0 };
}

static void tracker_enter(struct latency_tracker *tracker, uint64_t opening) {
    if (tracker->opening == opening)
        return;
    tracker->opening = opening;
    tracker->seen = tracker->sent = 0;
}

void latency_sent(struct latency_tracker *tracker, uint64_t opening, uint64_t number, uint64_t now_us) {
    tracker_enter(tracker, opening);
    /* Numbers between were not typed: diffs that the library sent. They have no time. */
    while (tracker->sent < number)
        tracker->sent_us[++tracker->sent & (tracker->capacity - 1)] = 0;
    tracker->sent_us[number & (tracker->capacity - 1)] = now_us;
}

void latency_acknowledged(struct latency_tracker *tracker, struct latency *latency, uint64_t opening, uint64_t number,
                          uint64_t now_us) {
    tracker_enter(tracker, opening);
    while (tracker->seen < number) {
        uint64_t n = ++tracker->seen;
        if (n > tracker->sent)
            continue;
        uint64_t sent_us = tracker->sent_us[n & (tracker->capacity - 1)];
        if (sent_us != 0)
            latency_add(latency, now_us - sent_us);
    }
}
