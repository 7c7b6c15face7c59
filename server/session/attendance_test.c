#include "session/attendance.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { USERS = 50, STEPS = 20000 };

/* Some users share the bytes that the table looks at. */
static struct uuid user_of(unsigned number) {
    struct uuid user = { 0 };
    user.bytes[0] = (uint8_t)number;
    user.bytes[15] = (uint8_t)(number / 5);
    return user;
}

Test(attendance, counts_like_its_naive_twin) {
    struct attendance attendance;
    unsigned twin[USERS] = { 0 };
    attendance_init(&attendance);
    srand(7);
    for (unsigned i = 0; i < STEPS; i++) {
        unsigned number = (unsigned)rand() % USERS;
        struct uuid user = user_of(number);

        if (rand() % 2 == 0) {
            cr_assert_eq(attendance_enter(&attendance, &user), STATUS_OK);
            twin[number]++;
        } else if (twin[number] > 0) {
            attendance_leave(&attendance, &user);
            twin[number]--;
        }

        unsigned count = 0;
        for (unsigned n = 0; n < USERS; n++) {
            struct uuid other = user_of(n);
            cr_assert_eq(attendance_of(&attendance, &other), twin[n], "step %u, user %u", i, n);
            count += twin[n] > 0;
        }
        cr_assert_eq(attendance_count(&attendance), count);
    }
    for (unsigned n = 0; n < USERS; n++) {
        struct uuid user = user_of(n);
        while (twin[n]-- > 0)
            attendance_leave(&attendance, &user);
    }
    cr_expect_eq(attendance_count(&attendance), 0);
    attendance_finish(&attendance);
}
