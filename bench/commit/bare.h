/* bare.h — the floor: a blocking client that commits one row after the other. */
#ifndef BENCH_COMMIT_BARE_H
#define BENCH_COMMIT_BARE_H

#include <stddef.h>
#include <stdint.h>

/* Commits rows of `row_bytes` for `seconds`, each a transaction; the time of each in `out_ns`, at most `max` of them. Answers how
 * many; 0 if it failed, which is said on stderr.
 * `rate`  commits per second, timed from when each was due; 0: one after the other without a pause */
size_t bare_commits(const char *url, size_t row_bytes, unsigned rate, double seconds, uint64_t *out_ns, size_t max);

#endif
