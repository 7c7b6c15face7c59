/* id.c — sorting and joining ranges. */
#include "id.h"

#include "sort.h"

static bool id_range_before(const void *left, const void *right) {
    const struct id_range *a = left;
    const struct id_range *b = right;
    return a->client != b->client ? a->client > b->client : a->clock < b->clock;
}

size_t id_ranges_normalize(struct id_range *ranges, size_t count) {
    sort(ranges, count, sizeof *ranges, id_range_before);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (ranges[i].length == 0)
            continue;
        struct id_range *last = kept > 0 ? &ranges[kept - 1] : NULL;
        if (last != NULL && last->client == ranges[i].client && ranges[i].clock <= last->clock + last->length) {
            uint64_t end = ranges[i].clock + ranges[i].length;
            if (end > last->clock + last->length)
                last->length = end - last->clock;
        } else {
            ranges[kept++] = ranges[i];
        }
    }
    return kept;
}
