/* rate.c — a bucket is the time at which it will be full again (a virtual clock): one number, no refill loop. */
#include "connection/rate.h"

#include "ground/mem.h"

enum { RATE_BURST_SECONDS = 2 };

struct rate {
    size_t count;
    uint64_t full_at_us[];
};

static size_t rate_bytes(size_t count) {
    return sizeof(struct rate) + count * sizeof(uint64_t);
}

enum status rate_take(struct rate **rates, size_t method, size_t method_count, unsigned per_second, uint64_t now_ms,
                      uint64_t *out_after_ms) {
    if (per_second == 0)
        return STATUS_OK;
    if (*rates == NULL) {
        *rates = mem_zalloc(&mem_default, rate_bytes(method_count));
        if (*rates == NULL)
            return STATUS_NO_MEMORY;
        (*rates)->count = method_count;
    }
    uint64_t *full_at = &(*rates)->full_at_us[method];
    uint64_t now_us = now_ms * 1000;
    uint64_t cost_us = 1000000 / per_second;
    uint64_t start = *full_at > now_us ? *full_at : now_us;
    uint64_t latest = now_us + RATE_BURST_SECONDS * UINT64_C(1000000);
    if (start + cost_us > latest) {
        *out_after_ms = (start + cost_us - latest + 999) / 1000;
        return STATUS_OVERLOADED;
    }
    *full_at = start + cost_us;
    return STATUS_OK;
}

uint64_t rate_spend(uint64_t *full_at_us, uint64_t per_second, uint64_t count, uint64_t now_ms) {
    if (count == 0)
        return 0;
    uint64_t now_us = now_ms * 1000;
    uint64_t start = *full_at_us > now_us ? *full_at_us : now_us;
    uint64_t latest = now_us + RATE_BURST_SECONDS * UINT64_C(1000000);
    *full_at_us = start + count * 1000000 / per_second;
    return *full_at_us > latest ? (*full_at_us - latest + 999) / 1000 : 0;
}

void rate_free(struct rate *rates) {
    if (rates != NULL)
        mem_free(&mem_default, rates, rate_bytes(rates->count));
}
