/* undefined_test.c — a test that passes over undefined behaviour. */
#include <criterion/criterion.h>
#include <limits.h>

Test(sanitizers, overflows_an_int_and_does_not_care) {
    volatile int number = INT_MAX;
    number = number + 1;
    cr_assert(true);
}
