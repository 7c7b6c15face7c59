#include "ground/status.h"

#include <criterion/criterion.h>
#include <string.h>

Test(status, every_code_has_a_word_and_a_sentence_of_its_own) {
    for (int i = 0; i < STATUS_COUNT; i++) {
        cr_assert(strlen(status_name((enum status)i)) > 0);
        cr_assert(strlen(status_sentence((enum status)i)) > 0);
        cr_assert(strcmp(status_name((enum status)i), "unknown") != 0, "status %d has no row", i);
        for (int j = 0; j < i; j++)
            cr_assert(strcmp(status_name((enum status)i), status_name((enum status)j)) != 0);
    }
}

Test(status, codes_outside_the_enum_are_unknown) {
    cr_assert_str_eq(status_name(STATUS_COUNT), "unknown");
    cr_assert_str_eq(status_name((enum status) - 1), "unknown");
    cr_assert_not_null(status_sentence((enum status)1000));
}
