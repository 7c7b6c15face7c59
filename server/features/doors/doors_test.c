#include "features/doors/doors_wire.h"

#include <criterion/criterion.h>

Test(doors, allow_must_say_which) {
    struct bytes_writer out;
    bool tokens;
    bytes_writer_init(&out, &mem_default, 1 << 16);

    doors_allow_write(&out, true);
    cr_assert_eq(doors_allow_read(bytes_written(&out), &tokens).status, STATUS_OK);
    cr_assert(tokens);
    struct pack_fields fields = doors_allow_read(bytes_text("\x80"), &tokens);
    cr_assert_eq(fields.status, STATUS_MALFORMED);
    cr_assert_str_eq(fields.field, "tokens");

    bytes_writer_finish(&out);
}

Test(doors, answers_are_read_as_they_were_written) {
    struct bytes_writer out;
    struct bytes token = bytes_text("secret"), read;
    uint64_t revoked = 3, count;
    bytes_writer_init(&out, &mem_default, 1 << 16);

    doors_token_write(&out, &token);
    cr_assert_eq(doors_token_read(bytes_written(&out), &read).status, STATUS_OK);
    cr_assert(bytes_equal(read, token));
    bytes_writer_reset(&out);
    doors_revoked_write(&out, &revoked);
    cr_assert_eq(doors_revoked_read(bytes_written(&out), &count).status, STATUS_OK);
    cr_assert_eq(count, 3);

    bytes_writer_finish(&out);
}

Test(doors, only_an_owner_allows) {
    cr_assert_str_eq(doors_methods[0].name, "doors.allow");
    cr_assert_eq(doors_methods[0].right, RIGHT_ADMIN);
}
