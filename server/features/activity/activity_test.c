#include "features/activity/activity_wire.h"

#include <criterion/criterion.h>

Test(activity_entry, survives_the_round_trip) {
    struct activity_entry entry = { .id = { { 1 } },
                                    .at = 5,
                                    .user = { { 2 } },
                                    .name = bytes_text("Ann"),
                                    .type = bytes_text("file_created"),
                                    .data = bytes_text("{\"path\":\"a\"}") };
    struct bytes_writer writer;
    bytes_writer_init(&writer, &mem_default, 4096);

    activity_entry_write(&writer, &entry);
    struct activity_entry read;
    struct pack_fields fields = activity_entry_read(bytes_written(&writer), &read);

    cr_assert_eq(fields.status, STATUS_OK);
    cr_assert(uuid_equal(&read.id, &entry.id));
    cr_assert(uuid_equal(&read.user, &entry.user));
    cr_assert(bytes_equal(read.name, entry.name));
    cr_assert(bytes_equal(read.type, entry.type));
    cr_assert(bytes_equal(read.data, entry.data));
    bytes_writer_finish(&writer);
}

Test(activity_list, refuses_a_page_of_nothing) {
    struct activity_list list = { .limit = 0 };
    struct bytes_writer writer;
    bytes_writer_init(&writer, &mem_default, 4096);

    activity_list_write(&writer, &list);
    struct pack_fields fields = activity_list_read(bytes_written(&writer), &list);

    cr_assert_eq(fields.status, STATUS_MALFORMED);
    cr_assert_str_eq(fields.field, "limit");
    bytes_writer_finish(&writer);
}
