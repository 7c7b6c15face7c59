/* participant.h — who is at the other end of a connection, as the session sees them. */
#ifndef SERVER_PARTICIPANT_H
#define SERVER_PARTICIPANT_H

#include "ground/uuid.h"

enum { PARTICIPANT_NAME_BYTES_MAX = 128, PARTICIPANT_ROLE_BYTES_MAX = 32 };

struct participant {
    struct uuid user;
    uint32_t rights; /* enum wire_right */
    char username[PARTICIPANT_NAME_BYTES_MAX + 1];
    char display_name[PARTICIPANT_NAME_BYTES_MAX + 1];
    char role[PARTICIPANT_ROLE_BYTES_MAX + 1];
};

/* What a role may do: enum wire_right, 0 for an unknown role. The one place where roles become rights. */
uint32_t participant_rights(const char *role, const char *kind);

#endif
