/* attendance.c — see attendance.h. */
#include "session/attendance.h"

#include <assert.h>

struct attendance_user {
    struct uuid id;
    uint32_t connections;
    struct attendance_user *next; /* with the same key */
};

void attendance_init(struct attendance *attendance) {
    *attendance = (struct attendance){ 0 };
    table_init(&attendance->users, &mem_default);
}

void attendance_finish(struct attendance *attendance) {
    assert(attendance->count == 0);
    table_finish(&attendance->users);
}

static struct attendance_user *attendance_find(const struct attendance *attendance, const struct uuid *user) {
    struct attendance_user *found = table_get(&attendance->users, uuid_key(user));
    while (found != NULL && !uuid_equal(&found->id, user))
        found = found->next;
    return found;
}

uint32_t attendance_count(const struct attendance *attendance) {
    return attendance->count;
}

uint32_t attendance_of(const struct attendance *attendance, const struct uuid *user) {
    const struct attendance_user *found = attendance_find(attendance, user);
    return found != NULL ? found->connections : 0;
}

enum status attendance_enter(struct attendance *attendance, const struct uuid *user) {
    struct attendance_user *found = attendance_find(attendance, user);
    if (found != NULL) {
        found->connections++;
        return STATUS_OK;
    }
    struct attendance_user *added = mem_zalloc(&mem_default, sizeof *added);
    if (added == NULL)
        return STATUS_NO_MEMORY;
    added->id = *user;
    added->connections = 1;
    added->next = table_get(&attendance->users, uuid_key(user));
    enum status status = table_put(&attendance->users, uuid_key(user), added);
    if (status != STATUS_OK) {
        mem_free(&mem_default, added, sizeof *added);
        return status;
    }
    attendance->count++;
    return STATUS_OK;
}

void attendance_leave(struct attendance *attendance, const struct uuid *user) {
    uint64_t key = uuid_key(user);
    struct attendance_user *first = table_get(&attendance->users, key), *left = attendance_find(attendance, user);
    assert(left != NULL);
    if (--left->connections > 0)
        return;
    if (first != left) {
        while (first->next != left)
            first = first->next;
        first->next = left->next;
    } else if (left->next != NULL)
        table_put(&attendance->users, key, left->next); /* replaces: cannot fail */
    else
        table_remove(&attendance->users, key);
    mem_free(&mem_default, left, sizeof *left);
    attendance->count--;
}
