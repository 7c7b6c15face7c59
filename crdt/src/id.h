/* id.h — units by name: (client, clock), and ranges of them. */
#ifndef CRDT_SRC_ID_H
#define CRDT_SRC_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct id {
    uint64_t client;
    uint64_t clock;
};

/* Units [clock, clock + length) of one client. */
struct id_range {
    uint64_t client;
    uint64_t clock;
    uint64_t length;
};

/* Sorts by client descending, then clock, as Yjs writes them, and joins ranges that touch or overlap; answers how many are left.
 * Cost: count × log count at worst, count if they are in order already. Allocates nothing. */
size_t id_ranges_normalize(struct id_range *ranges, size_t count);

#endif
