#include "cli.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>

static void write_file(const char *path, const void *data, size_t size) {
    FILE *stream = fopen(path, "wb");
    cr_assert_not_null(stream);
    cr_assert_eq(fwrite(data, 1, size, stream), size);
    fclose(stream);
}

/* A path in a folder of this test alone. */
static const char *new_path(void) {
    static char path[] = "/tmp/vibesync-cli-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    close(fd);
    return path;
}

Test(cli_say, a_compressed_file_reads_as_its_content_and_a_plain_one_as_itself) {
    const char *path = new_path();
    char plain[100000], packed[120000];
    struct bytes_writer out;
    for (size_t i = 0; i < sizeof plain; i++)
        plain[i] = (char)('a' + i % 7);

    size_t packed_size = ZSTD_compress(packed, sizeof packed, plain, sizeof plain, 3);
    write_file(path, packed, packed_size);
    cr_assert(cli_read_file(path, 1 << 20, &out));
    cr_assert(bytes_equal(bytes_written(&out), bytes_of(plain, sizeof plain)));
    bytes_writer_finish(&out);

    write_file(path, plain, sizeof plain);
    cr_assert(cli_read_file(path, 1 << 20, &out));
    cr_assert(bytes_equal(bytes_written(&out), bytes_of(plain, sizeof plain)));
    bytes_writer_finish(&out);
    unlink(path);
}

Test(cli_say, a_cut_compressed_file_and_one_that_grows_too_big_are_refused, .init = cr_redirect_stderr) {
    const char *path = new_path();
    char plain[100000] = { 0 }, packed[120000];
    struct bytes_writer out;
    size_t packed_size = ZSTD_compress(packed, sizeof packed, plain, sizeof plain, 3);

    write_file(path, packed, packed_size - 3);
    cr_assert_not(cli_read_file(path, 1 << 20, &out));
    write_file(path, packed, packed_size);
    cr_assert_not(cli_read_file(path, 50000, &out));
    unlink(path);
    cr_assert_not(cli_read_file(path, 50000, &out));
}

Test(cli_say, a_terminal_gets_no_commands_from_others) {
    char shown[200] = { 0 };
    FILE *stream = fmemopen(shown, sizeof shown, "w");

    cli_print_safe(stream, bytes_text("a\x1b[31m\a\x7f \xc2\x9b \xc3\xa9\tb\n"));
    fclose(stream);

    cr_assert_str_eq(shown, "a\\x1b[31m\\x07\\x7f \\x9b \xc3\xa9\tb\n");
}
