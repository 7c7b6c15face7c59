/* sort.h — sorting what may come from an enemy: n × log n at worst, in place, without memory. (qsort may allocate.) */
#ifndef CRDT_SRC_SORT_H
#define CRDT_SRC_SORT_H

#include <stdbool.h>
#include <stddef.h>

enum { SORT_ELEMENT_BYTES_MAX = 1024 };

/* Whether `a` belongs before `b`; never of an element and itself. */
typedef bool sort_before(const void *a, const void *b);

/* Sorts `count` elements of `size` bytes, size <= SORT_ELEMENT_BYTES_MAX. What is in order already costs one look. Not stable. */
void sort(void *array, size_t count, size_t size, sort_before *before);

#endif
