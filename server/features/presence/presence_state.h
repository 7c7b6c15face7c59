/* presence_state.h — what the server understands of an awareness state: where the cursor is, and whether somebody types.
 *
 *   {"user": {"name": "Ann", …}, "position": {"anchor": 12, "head": 15}, "typing": true, …}
 *
 * Positions count UTF-16 units from the start of the text. Everything else in the state is for other clients and stays unread. */
#ifndef SERVER_FEATURES_PRESENCE_STATE_H
#define SERVER_FEATURES_PRESENCE_STATE_H

#include "ground/bytes.h"

struct presence_state {
    bool has_position;
    int32_t anchor;
    int32_t head;
    bool typing;
};

/* Reads what it can of any bytes; what is missing or strange is left out. */
struct presence_state presence_state_read(struct bytes json);

#endif
