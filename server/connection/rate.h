/* rate.h — how much per second. Calls: one bucket per method of the table, made when a connection calls its first method. */
#ifndef SERVER_RATE_H
#define SERVER_RATE_H

#include "ground/status.h"

#include <stddef.h>
#include <stdint.h>

struct rate;

/* Takes one call of method number `method` (< `method_count`, the same for every call), which allows `per_second` calls, with twice
 * that as a burst. STATUS_OVERLOADED: too many; `out_after_ms` says when the next is free. STATUS_NO_MEMORY. per_second 0: no
 * limit. */
enum status rate_take(struct rate **rates, size_t method, size_t method_count, unsigned per_second, uint64_t now_ms,
                      uint64_t *out_after_ms);

/* Spends `count` of one bucket after they were used; `full_at_us` is its state, 0 at first. Answers for how many ms nothing more
 * may be used. */
uint64_t rate_spend(uint64_t *full_at_us, uint64_t per_second, uint64_t count, uint64_t now_ms);

void rate_free(struct rate *rates);

#endif
