/* id.c — a heap sort, because the input may come from an enemy and because it needs no memory. */
#include "id.h"

static bool id_range_before(const struct id_range *a, const struct id_range *b) {
    return a->client != b->client ? a->client > b->client : a->clock < b->clock;
}

static void id_ranges_sift(struct id_range *ranges, size_t root, size_t count) {
    struct id_range moving = ranges[root];
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && id_range_before(&ranges[child], &ranges[child + 1]))
            child++;
        if (!id_range_before(&moving, &ranges[child]))
            break;
        ranges[root] = ranges[child];
    }
    ranges[root] = moving;
}

static void id_ranges_sort(struct id_range *ranges, size_t count) {
    for (size_t root = count / 2; root-- > 0;)
        id_ranges_sift(ranges, root, count);
    for (size_t end = count; end-- > 1;) {
        struct id_range last = ranges[end];
        ranges[end] = ranges[0];
        ranges[0] = last;
        id_ranges_sift(ranges, 0, end);
    }
}

size_t id_ranges_normalize(struct id_range *ranges, size_t count) {
    bool sorted = true;
    for (size_t i = 1; i < count && sorted; i++)
        sorted = !id_range_before(&ranges[i], &ranges[i - 1]);
    if (!sorted)
        id_ranges_sort(ranges, count);
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
