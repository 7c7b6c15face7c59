/* gauge.h — what processes use, by their ids: CPU time of all their threads and children, memory. */
#ifndef LOAD_GAUGE_H
#define LOAD_GAUGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GAUGE_PIDS_MAX = 16 };

struct gauge {
    uint64_t cpu_ns;
    uint64_t user_bytes;     /* anonymous memory: heap and stacks */
    uint64_t resident_bytes; /* with mapped files */
    uint64_t peak_bytes;     /* of resident_bytes, since gauge_reset_peak() */
    uint64_t descriptors;
};

/* Sums over the processes. False: one of them has ended. */
bool gauge_read(const int *pids, size_t count, struct gauge *out);

/* Begins the peak anew, where the kernel lets us. */
void gauge_reset_peak(const int *pids, size_t count);

#endif
