/* room_member.h — which awareness clients a connection has introduced into a room; see room.h. */
#ifndef SERVER_ROOM_MEMBER_H
#define SERVER_ROOM_MEMBER_H

#include <stdbool.h>
#include <stdint.h>

struct room_member {
    uint64_t *clients;
    uint32_t count;
    uint32_t capacity;
    bool missed; /* a tick, since it took nothing then: it is owed room_catch_up() */
};

#endif
