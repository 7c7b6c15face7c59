/* leak_test.c — a test that passes and leaks. Criterion calls it passed; the run must not. */
#include <criterion/criterion.h>
#include <stdlib.h>

static void *volatile held;

Test(sanitizers, passes_and_leaks) {
    held = malloc(40);
    cr_assert(held != NULL);
    held = NULL;
}
