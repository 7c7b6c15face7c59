#include "v2.h"

#include "column.h"

#include <criterion/criterion.h>

/* "01 0a" → bytes, in a writer that the caller finishes. */
static struct bytes_writer hex(const char *digits) {
    struct bytes_writer out;
    bytes_writer_init(&out, &mem_default, SIZE_MAX);
    for (; *digits != '\0'; digits += digits[2] == ' ' ? 3 : 2)
        bytes_write_u8(&out, (uint8_t)strtoul((char[]){ digits[0], digits[1], 0 }, NULL, 16));
    return out;
}

/* The same update as Yjs 13.6 writes it in both versions. */
static const struct {
    const char *what;
    const char *v1;
    const char *v2;
} pairs[] = {
    { "empty", "00 00", "00 00 00 00 00 00 01 00 00 00 00 00 00" },
    { "text", "01 01 01 00 04 01 01 74 03 61 62 63 00", "00 00 01 01 00 00 01 04 07 04 74 61 62 63 01 03 01 01 00 00 01 01 00 00" },
    { "text, b deleted, gc on", "01 03 01 00 04 01 01 74 01 61 81 01 00 01 84 01 01 01 63 01 01 01 01 01",
      "00 00 02 41 01 02 00 02 00 05 04 00 81 00 84 06 03 74 61 63 41 01 01 01 00 01 01 01 03 00 01 01 01 01 00" },
    { "text, b deleted, gc off", "01 03 01 00 04 01 01 74 01 61 84 01 00 01 62 84 01 01 01 63 01 01 01 01 01",
      "00 00 02 41 01 02 00 02 00 03 04 00 84 07 04 74 61 62 63 41 02 01 01 00 00 01 03 00 01 01 01 01 00" },
    { "text diff against {1:2}", "01 01 01 02 84 01 01 02 63 64 00",
      "00 00 02 41 00 01 02 00 01 84 04 02 63 64 02 00 00 00 01 01 02 00" },
    { "map set twice", "01 02 05 00 21 01 01 6d 01 6b 01 a8 05 00 01 77 03 74 77 6f 01 05 01 00 01",
      "00 00 02 45 00 01 00 00 03 21 00 a8 05 02 6d 6b 41 00 01 01 00 02 41 00 01 02 00 77 03 74 77 6f 01 05 01 00 00" },
    { "array any+binary", "01 02 06 00 08 01 01 61 02 7d 01 77 01 78 83 06 01 01 09 00",
      "00 00 02 46 00 01 02 00 03 08 00 83 03 01 61 01 01 01 00 01 02 01 02 00 7d 01 77 01 78 01 09 00" },
    { "nested map in array", "01 02 07 00 07 01 01 61 01 28 00 07 00 01 6b 01 78 00",
      "00 00 02 47 00 01 00 00 03 07 00 28 05 02 61 6b 41 00 03 01 00 00 01 01 01 01 01 02 00 78 00" },
    { "the same, deleted (GC)", "01 02 07 00 01 01 01 61 01 00 01 01 07 01 00 02",
      "00 00 01 07 00 00 03 01 00 00 03 01 61 01 01 01 00 02 41 00 01 02 00 01 07 01 00 01" },
    { "bold", "01 03 08 00 06 01 01 74 04 62 6f 6c 64 04 74 72 75 65 84 08 00 02 68 69 86 08 02 04 62 6f 6c 64 04 6e 75 6c 6c 00",
      "00 02 00 02 02 48 01 02 00 04 00 05 06 00 84 00 86 10 0b 74 62 6f 6c 64 68 69 62 6f 6c 64 01 04 02 04 01 01 00 00 01 03 00 "
      "78 7e 00" },
    { "embed", "01 01 08 00 05 01 01 74 07 7b 22 69 22 3a 31 7d 00",
      "00 00 01 08 00 00 01 05 03 01 74 01 01 01 00 00 01 01 00 76 01 01 69 7d 01 00" },
    { "xml element", "01 02 09 00 07 01 01 78 03 01 70 28 00 09 00 02 69 64 01 77 01 78 00",
      "00 01 00 02 49 00 01 00 00 03 07 00 28 08 04 78 70 69 64 41 00 02 03 01 00 00 01 03 01 01 01 02 00 77 01 78 00" },
    { "xml hook", "01 01 09 00 07 01 01 78 05 01 68 00",
      "00 01 00 01 09 00 00 01 07 05 02 78 68 41 00 01 01 01 05 00 01 01 00 00" },
    { "subdoc", "01 01 0a 00 29 01 01 6d 01 64 01 67 76 01 08 61 75 74 6f 4c 6f 61 64 78 00",
      "00 00 01 0a 00 00 01 29 06 03 6d 64 67 41 01 01 01 00 00 01 01 00 76 01 08 61 75 74 6f 4c 6f 61 64 78 00" },
    { "content JSON", "01 01 0b 00 02 01 01 61 03 01 31 09 75 6e 64 65 66 69 6e 65 64 09 7b 22 61 22 3a 22 62 22 7d 00",
      "00 00 01 0b 00 00 01 02 19 14 61 31 75 6e 64 65 66 69 6e 65 64 7b 22 61 22 3a 22 62 22 7d 41 00 49 00 01 01 00 01 03 01 01 "
      "00 00" },
    { "two clients", "02 01 02 00 04 01 01 74 01 78 01 01 00 04 01 01 74 03 61 62 63 00",
      "00 00 02 02 01 00 00 01 04 0a 06 74 78 74 61 62 63 41 01 03 01 01 00 00 02 01 00 01 00 00" },
    { "insert inside a surrogate pair", "01 03 03 00 04 01 01 74 03 ef bf bd 84 03 00 03 ef bf bd c4 03 00 03 01 01 78 00",
      "00 00 02 43 02 02 01 00 01 02 05 04 00 84 00 c4 0b 08 74 ef bf bd ef bf bd 78 41 02 01 01 00 00 01 03 00 00" },
    { "53 bit client", "01 01 ff ff ff ff ff ff ff 0f 00 04 01 01 74 01 7a 00",
      "00 00 08 bf ff ff ff ff ff ff 1f 00 00 01 04 05 02 74 7a 41 00 01 01 00 00 01 01 00 00" },
};

Test(v2, updates_become_what_yjs_writes_in_the_other_version) {
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct bytes_writer v1 = hex(pairs[i].v1), v2 = hex(pairs[i].v2), there, back;
        bytes_writer_init(&there, &mem_default, SIZE_MAX);
        bytes_writer_init(&back, &mem_default, SIZE_MAX);

        cr_assert_eq(v2_from_v1(bytes_written(&v1), &there), STATUS_OK, "%s", pairs[i].what);
        cr_assert_eq(v2_to_v1(bytes_written(&v2), &back), STATUS_OK, "%s", pairs[i].what);

        cr_expect(bytes_equal(bytes_written(&there), bytes_written(&v2)), "%s to v2", pairs[i].what);
        cr_expect(bytes_equal(bytes_written(&back), bytes_written(&v1)), "%s to v1", pairs[i].what);
        for (struct bytes_writer *done[] = { &v1, &v2, &there, &back, NULL }, **at = done; *at != NULL; at++)
            bytes_writer_finish(*at);
    }
}

Test(v2, cut_anywhere_is_refused_or_says_something_else_but_never_reads_on) {
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct bytes_writer v2 = hex(pairs[i].v2), out;
        bytes_writer_init(&out, &mem_default, SIZE_MAX);
        for (size_t size = 0; size < v2.size; size++) {
            uint8_t *exact = malloc(size + 1); /* so that a sanitizer sees a step too far */
            memcpy(exact, v2.data, size);
            cr_expect_eq(v2_to_v1(bytes_of(exact, size), &out), STATUS_MALFORMED, "%s cut at %zu", pairs[i].what, size);
            cr_expect_eq(out.size, 0);
            free(exact);
        }
        bytes_writer_finish(&v2);
        bytes_writer_finish(&out);
    }
}

static enum status to_v1(const char *digits) {
    struct bytes_writer v2 = hex(digits), out;
    bytes_writer_init(&out, &mem_default, 1 << 20);
    enum status status = v2_to_v1(bytes_written(&v2), &out);
    bytes_writer_finish(&v2);
    bytes_writer_finish(&out);
    return status;
}

Test(v2, a_few_bytes_that_stand_for_very_much_are_refused_at_once) {
    /* 2^32 GC structs of one unit: info 00 for ever, lengths 1 in one run */
    cr_expect_eq(to_v1("00 00 01 01 00 00 01 00 01 00 00 00 06 41 fe ff ff ff 0f 01 80 80 80 80 10 00 00"), STATUS_TOO_BIG);
    /* 2^32 empty strings as JSON values */
    cr_expect_eq(to_v1("00 00 01 01 00 00 01 02 09 01 74 01 40 fe ff ff ff 0f 01 01 00 05 80 80 80 80 20 01 01 00 00"),
                 STATUS_MALFORMED);
}

/* The table of no strings is an empty string; nothing at all is cut off. */
Test(v2, without_a_string_table_it_is_refused) {
    struct bytes_writer update = hex("00 00 00 00 00 00 00 00 00 00 00 00");
    struct bytes_writer v1 = hex("");
    cr_expect_eq(v2_to_v1(bytes_written(&update), &v1), STATUS_MALFORMED);
    bytes_writer_finish(&update);
    bytes_writer_finish(&v1);
}

Test(v2, a_key_number_may_be_used_again) {
    /* two marks with the key "b": numbers 0, 0; one string */
    struct bytes_writer v2 = hex("00 02 01 00 02 42 00 01 00 00 03 06 00 86 05 02 74 62 41 00 01 01 00 00 01 02 00 78 7e 00"), out;
    struct bytes_writer wanted = hex("01 02 02 00 06 01 01 74 01 62 04 74 72 75 65 86 02 00 01 62 04 6e 75 6c 6c 00");
    bytes_writer_init(&out, &mem_default, SIZE_MAX);
    cr_expect_eq(v2_to_v1(bytes_written(&v2), &out), STATUS_OK);
    cr_expect(bytes_equal(bytes_written(&out), bytes_written(&wanted)));
    for (struct bytes_writer *done[] = { &v2, &out, &wanted, NULL }, **at = done; *at != NULL; at++)
        bytes_writer_finish(*at);
}

Test(v2, a_surrogate_pair_that_two_strings_share_stays_whole_if_one_goes_on_where_the_other_ends) {
    /* "t", then a lone high and a lone low half, which are one character in the joined text */
    struct bytes_writer v2 = hex("00 00 02 43 02 01 00 00 03 04 00 84 08 05 74 f0 9f 98 80 41 01 01 01 00 00 01 02 00 00"), out;
    struct bytes_writer wanted = hex("01 01 03 00 04 01 01 74 04 f0 9f 98 80 00");
    bytes_writer_init(&out, &mem_default, SIZE_MAX);
    cr_expect_eq(v2_to_v1(bytes_written(&v2), &out), STATUS_OK);
    cr_expect(bytes_equal(bytes_written(&out), bytes_written(&wanted)));
    for (struct bytes_writer *done[] = { &v2, &out, &wanted, NULL }, **at = done; *at != NULL; at++)
        bytes_writer_finish(*at);
}

static void expect_column(enum column_kind kind, const uint64_t *values, size_t count, const char *digits) {
    struct column_writer writer;
    struct column_reader reader;
    struct bytes_writer wanted = hex(digits);
    column_writer_init(&writer, kind, &mem_default, SIZE_MAX);
    for (size_t i = 0; i < count; i++)
        column_write(&writer, values[i]);
    struct bytes stream = column_writer_end(&writer);
    cr_expect(bytes_equal(stream, bytes_written(&wanted)), "%s", digits);
    column_reader_init(&reader, kind, stream);
    for (size_t i = 0; i < count; i++) {
        uint64_t value = 0;
        cr_expect_eq(column_read(&reader, &value), STATUS_OK);
        cr_expect_eq(value, values[i]);
    }
    uint64_t value;
    cr_expect_eq(column_read(&reader, &value), kind == COLUMN_BYTE ? STATUS_OK : STATUS_MALFORMED, "a byte column has no end");
    column_writer_finish(&writer);
    bytes_writer_finish(&wanted);
}

Test(column, streams_are_those_of_lib0) {
    expect_column(COLUMN_UINT, (uint64_t[]){ 1, 2, 3, 3, 3, 0, 0 }, 7, "01 02 43 01 40 00");
    expect_column(COLUMN_UINT, (uint64_t[]){ 0, 0, 5 }, 3, "40 00 05");
    expect_column(COLUMN_DIFF, (uint64_t[]){ 1, 2, 3, 2 }, 4, "03 01 42");
    expect_column(COLUMN_DIFF, (uint64_t[]){ 10, 10, 10, 0 }, 4, "14 01 00 54");
    expect_column(COLUMN_BYTE, (uint64_t[]){ 4, 4, 132, 132, 132 }, 5, "04 01 84");
}
