/* attendance.h — who is in a session and with how many connections: the count that max_participants bounds, at one look-up for each
 * coming and going, however many are here. */
#ifndef SERVER_ATTENDANCE_H
#define SERVER_ATTENDANCE_H

#include "ground/table.h"
#include "ground/uuid.h"

struct attendance {
    /* private */
    struct table users; /* uuid_key -> struct attendance_user, chained */
    uint32_t count;
};

void attendance_init(struct attendance *attendance);
void attendance_finish(struct attendance *attendance);

/* Users, each counted once. */
uint32_t attendance_count(const struct attendance *attendance);

/* Connections of that user. */
uint32_t attendance_of(const struct attendance *attendance, const struct uuid *user);

/* One connection more. STATUS_NO_MEMORY: nothing has changed. */
enum status attendance_enter(struct attendance *attendance, const struct uuid *user);

/* One less of a user who is here. */
void attendance_leave(struct attendance *attendance, const struct uuid *user);

#endif
