/* recording.h — a recorded session, ready to be typed by the writers of a load.
 *
 *   NAME.trace.zst ──▶ patches ──▶ a replica per lane ──▶ that lane's updates, the same in every room
 *
 *   number      0            1               2
 *   patches     insert       insert, delete  insert, delete, delete
 *   units_to    12           13              17
 *
 * Every lane types the whole session as its own client, next to the others and never inside what they wrote, so its updates need
 * nothing of theirs. An update is an insertion and the deletions that follow it: each brings units, by which the ledger knows it
 * again. */
#ifndef LOAD_RECORDING_H
#define LOAD_RECORDING_H

#include "ground/bytes.h"

struct recording {
    size_t update_count; /* of each lane */
    uint64_t *units_to;  /* the writer's clock behind an update */
    size_t lane_count;
    struct recording_lane {
        uint8_t *bytes;   /* the updates, one behind the other */
        size_t *bytes_to; /* where each ends */
    } * lanes;
};

/* Unpacks a sequential trace (tests/data/traces) and types it once per lane, as clients `client_base` + lane. Ends the program if
 * the file is missing or no trace. */
void recording_load(struct recording *recording, const char *path, uint64_t client_base, size_t lane_count);
void recording_finish(struct recording *recording);

/* An update of a lane; valid as long as the recording. `number` < update_count. */
struct bytes recording_update(const struct recording *recording, size_t lane, uint64_t number);

/* How many updates the first `units` units of a lane make up; one of which only a part is there does not count. */
uint64_t recording_number(const struct recording *recording, uint64_t units);

#endif
