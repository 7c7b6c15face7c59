#include "features/files/files_wire.h"

#include <criterion/criterion.h>

Test(file_path, names_what_is_wrong_with_a_path) {
    static const struct {
        const char *path;
        bool good;
    } cases[] = {
        { "a", true },       { "src/main.c", true }, { "a b/ü.txt", true }, { ".hidden", true }, { "...", true },
        { "", false },       { "/a", false },        { "a/", false },       { "a//b", false },   { ".", false },
        { "a/../b", false }, { "..", false },        { "a/./b", false },    { "a\nb", false },   { "a\x7f", false },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_assert_eq(file_path_fault(bytes_text(cases[i].path)) == NULL, cases[i].good, "%s", cases[i].path);
}

Test(file_path, has_bounds) {
    char path[FILES_PATH_BYTES_MAX + 2];
    memset(path, 'a', sizeof path);

    cr_assert_not_null(file_path_fault(bytes_of(path, FILES_NAME_BYTES_MAX + 1)));
    for (size_t i = 200; i < sizeof path; i += 200)
        path[i] = '/';
    cr_assert_null(file_path_fault(bytes_of(path, FILES_PATH_BYTES_MAX)));
    cr_assert_not_null(file_path_fault(bytes_of(path, FILES_PATH_BYTES_MAX + 1)));
}

static struct bytes checked(const struct bytes_writer *writer) {
    struct pack_limits limits = { .depth_max = 8, .elements_max = 1000, .bytes_max = 1 << 20 };
    size_t size;
    cr_assert_eq(pack_check(bytes_written(writer), &limits, &size, NULL), STATUS_OK);
    cr_assert_eq(size, writer->size);
    return bytes_written(writer);
}

Test(file_entry, survives_the_round_trip) {
    struct file_entry entry = { .id = { { 1, 2, 3 } },
                                .path = bytes_text("src/ü.c"),
                                .size = 17,
                                .hash = bytes_text("00ff"),
                                .version = 3,
                                .updated_at = 1700000000000,
                                .quarantined = true };
    struct bytes_writer writer;
    bytes_writer_init(&writer, &mem_default, 4096);

    file_result_write(&writer, &entry);
    struct file_entry read;
    struct pack_fields fields = file_result_read(checked(&writer), &read);

    cr_assert_eq(fields.status, STATUS_OK);
    cr_assert(uuid_equal(&read.id, &entry.id));
    cr_assert(bytes_equal(read.path, entry.path));
    cr_assert(bytes_equal(read.hash, entry.hash));
    cr_assert_eq(read.size, 17);
    cr_assert_eq(read.version, 3);
    cr_assert_eq(read.updated_at, 1700000000000);
    cr_assert(read.quarantined);
    bytes_writer_finish(&writer);
}

Test(file_create, names_the_field_that_is_wrong) {
    struct file_request request = { .path = bytes_text("a/../b") };
    struct bytes_writer writer;
    bytes_writer_init(&writer, &mem_default, 4096);

    file_create_write(&writer, &request);
    struct pack_fields fields = file_create_read(checked(&writer), &request);

    cr_assert_eq(fields.status, STATUS_MALFORMED);
    cr_assert_str_eq(fields.field, "path");
    bytes_writer_finish(&writer);
}
