/* sort.c — a heap sort. */
#include "sort.h"

#include <assert.h>
#include <string.h>

static void sort_sift(char *array, size_t root, size_t count, size_t size, sort_before *before) {
    char moving[SORT_ELEMENT_BYTES_MAX];
    memcpy(moving, array + root * size, size);
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && before(array + child * size, array + (child + 1) * size))
            child++;
        if (!before(moving, array + child * size))
            break;
        memcpy(array + root * size, array + child * size, size);
    }
    memcpy(array + root * size, moving, size);
}

void sort(void *array, size_t count, size_t size, sort_before *before) {
    assert(size <= SORT_ELEMENT_BYTES_MAX);
    char *elements = array;
    bool sorted = true;
    for (size_t i = 1; i < count && sorted; i++)
        sorted = !before(elements + i * size, elements + (i - 1) * size);
    if (sorted)
        return;
    for (size_t root = count / 2; root-- > 0;)
        sort_sift(elements, root, count, size, before);
    for (size_t end = count; end-- > 1;) {
        char last[SORT_ELEMENT_BYTES_MAX];
        memcpy(last, elements + end * size, size);
        memcpy(elements + end * size, elements, size);
        memcpy(elements, last, size);
        sort_sift(elements, 0, end, size, before);
    }
}
