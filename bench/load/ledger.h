/* ledger.h — what was sent, who has it, how long it took.
 *
 *   lane   what one writer (or cursor) of one room sends: number n was due at due_ns[n]
 *   view   what one reader has of each lane of its room
 *
 *   lane   0 1 2 3 4 5 6 7          sent = 8
 *   view   0 1 2 - - 5 6            to = 7, missing = 2: 3 and 4 may still come (a diff after a pause), or are lost in the end
 *
 * What a reader gets before it is live (the state that it joins with) moves `to` and counts as nothing. Twice the same is a
 * duplicate. Costs a few array accesses per delivery. */
#ifndef LOAD_LEDGER_H
#define LOAD_LEDGER_H

#include "histogram.h"

#include <stdbool.h>
#include <stddef.h>

struct ledger_lane {
    uint64_t *due_ns; /* by number */
    uint64_t sent;
    uint64_t capacity;
    uint64_t delivered; /* to live readers, all together */
};

struct ledger_view {
    uint32_t *to; /* by lane */
    uint32_t missing;
    bool live;
};

struct ledger {
    struct ledger_lane *lanes; /* lane_count per room */
    size_t lane_count;
    size_t room_count;
    bool newest_only; /* cursors: a number stands for all before it */
    uint64_t in_time_ns;
    bool measuring;
    struct histogram latency; /* one sample per delivery, newest_only: per arrival */
    uint64_t delivered;       /* while measuring; newest_only: in time */
    uint64_t late;            /* newest_only: not in time */
    uint64_t duplicated;
};

void ledger_init(struct ledger *ledger, size_t room_count, size_t lane_count);
void ledger_finish(struct ledger *ledger);

void ledger_view_init(const struct ledger *ledger, struct ledger_view *view);
void ledger_view_finish(struct ledger_view *view);
/* The reader comes back with nothing. */
void ledger_view_reset(const struct ledger *ledger, struct ledger_view *view);

/* Notes the next number of a lane, which was due at `due_ns`; answers the number. */
uint64_t ledger_send(struct ledger *ledger, size_t room, size_t lane, uint64_t due_ns);

/* The reader has got numbers [from, to) of a lane now. */
void ledger_receive(struct ledger *ledger, struct ledger_view *view, size_t room, size_t lane, uint64_t from, uint64_t to,
                    uint64_t now_ns);

/* What the reader lacks of all that its room has sent; `own`: a lane that is its own, SIZE_MAX: none. */
uint64_t ledger_lacks(const struct ledger *ledger, const struct ledger_view *view, size_t room, size_t own);

#endif
