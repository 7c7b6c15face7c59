/* Known bytes, bounds, truncation at every byte, and the writer against the reader. */
#include "wire/pack.h"

#include "../testing/failing_mem.h"
#include "../testing/hex.h"

#include <criterion/criterion.h>

static const struct pack_limits limits = { .depth_max = 8, .elements_max = 1000, .bytes_max = 4096 };

static enum status check(const char *text, size_t *out_size, struct pack_fault *fault) {
    struct hex bytes = hex(text);
    return pack_check(hex_bytes(&bytes), &limits, out_size, fault);
}

Test(pack, check_takes_one_value_and_says_its_size) {
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {
        { "00", 1 },
        { "7f ff", 1 },
        { "e0", 1 },
        { "c0", 1 },
        { "c2", 1 },
        { "c3", 1 },
        { "cc ff", 2 },
        { "cd ff ff", 3 },
        { "ce ff ff ff ff", 5 },
        { "cf ff ff ff ff ff ff ff ff", 9 },
        { "d0 80", 2 },
        { "d1 80 00", 3 },
        { "d2 80 00 00 00", 5 },
        { "d3 80 00 00 00 00 00 00 00", 9 },
        { "ca 3f 80 00 00", 5 },
        { "cb 3f f0 00 00 00 00 00 00", 9 },
        { "a0", 1 },
        { "a2 68 69", 3 },
        { "d9 01 61", 3 },
        { "da 00 01 61", 4 },
        { "db 00 00 00 01 61", 6 },
        { "c4 00", 2 },
        { "c5 00 01 00", 4 },
        { "c6 00 00 00 02 00 01", 7 },
        { "c7 00 05", 3 },
        { "c8 00 01 05 aa", 5 },
        { "c9 00 00 00 01 05 aa", 7 },
        { "d4 05 aa", 3 },
        { "d5 05 aa bb", 4 },
        { "d8 05 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00", 18 },
        { "90", 1 },
        { "93 01 02 03 04", 4 },
        { "dc 00 02 01 02", 5 },
        { "dd 00 00 00 01 01", 6 },
        { "80", 1 },
        { "82 a1 61 01 a1 62 91 02", 8 },
        { "de 00 01 01 02", 5 },
        { "df 00 00 00 01 01 02", 7 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t size = 0;
        cr_assert_eq(check(cases[i].bytes, &size, NULL), STATUS_OK, "%s", cases[i].bytes);
        cr_assert_eq(size, cases[i].size, "%s: %zu", cases[i].bytes, size);
    }
}

Test(pack, check_refuses_every_truncation) {
    struct hex whole =
        hex("84 a1 61 cd ff ff a1 62 c4 03 01 02 03 a1 63 93 01 cb 3f f0 00 00 00 00 00 00 c7 01 05 aa a1 64 da 00 02 "
            "68 69");
    size_t size;

    cr_assert_eq(pack_check(hex_bytes(&whole), &limits, &size, NULL), STATUS_OK);
    cr_assert_eq(size, whole.size);
    for (size_t cut = 0; cut < whole.size; cut++) {
        /* In a block of its own, so that a sanitizer sees a read behind its end. */
        uint8_t *exact = malloc(cut + 1);
        memcpy(exact, whole.data, cut);
        exact = realloc(exact, cut > 0 ? cut : 1);
        enum status status = pack_check(bytes_of(exact, cut), &limits, &size, NULL);
        free(exact);
        cr_assert_eq(status, STATUS_MALFORMED, "cut at %zu", cut);
    }
}

Test(pack, check_refuses_a_container_that_claims_more_than_there_is) {
    static const char *const cases[] = {
        "df ff ff ff 0a", "dd ff ff ff ff 00 00", "de ff ff 00", "dc 00 03 01 02", "9f 01", "8f 01", "81 01", "91 df 80 00 00 00"
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t size;
        struct pack_fault fault;
        cr_assert_eq(check(cases[i], &size, &fault), STATUS_MALFORMED, "%s", cases[i]);
        cr_assert_str_eq(fault.what, "container claims more members than there are bytes", "%s: before its members are looked at",
                         cases[i]);
    }
}

Test(pack, check_names_what_is_wrong_and_where) {
    size_t size;
    struct pack_fault fault;

    cr_assert_eq(check("93 01 c1 02", &size, &fault), STATUS_MALFORMED);

    cr_assert_eq(fault.offset, 2);
    cr_assert_str_eq(fault.what, "byte c1 is no value");
}

Test(pack, check_holds_depth_elements_and_bytes) {
    struct pack_limits tight = { .depth_max = 2, .elements_max = 4, .bytes_max = 6 };
    static const struct {
        const char *bytes;
        enum status status;
    } cases[] = {
        { "91 91 00", STATUS_OK },          { "91 91 90", STATUS_TOO_BIG },             /* three deep */
        { "93 00 00 00", STATUS_OK },       { "94 00 00 00 00", STATUS_TOO_BIG },       /* five values */
        { "a5 61 61 61 61 61", STATUS_OK }, { "a6 61 61 61 61 61 61", STATUS_TOO_BIG }, /* seven bytes */
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hex bytes = hex(cases[i].bytes);
        size_t size;
        cr_assert_eq(pack_check(hex_bytes(&bytes), &tight, &size, NULL), cases[i].status, "%s", cases[i].bytes);
    }
}

Test(pack, deep_nesting_needs_no_stack) {
    uint8_t deep[100000];
    size_t size;
    struct pack_limits most = { .depth_max = PACK_DEPTH_MAX, .elements_max = UINT32_MAX, .bytes_max = SIZE_MAX };
    memset(deep, 0x91, sizeof deep);

    cr_assert_eq(pack_check(bytes_of(deep, sizeof deep), &most, &size, NULL), STATUS_TOO_BIG);
}

Test(pack, a_failed_read_moves_nothing) {
    struct hex bytes = hex("a2 68 69 05");
    struct pack_reader reader = pack_reader(hex_bytes(&bytes));
    uint64_t number = 7;
    struct bytes text;

    cr_assert_eq(pack_read_uint(&reader, 10, &number), STATUS_MALFORMED);
    cr_assert_eq(number, 7);
    cr_assert_eq(pack_read_text(&reader, 1, &text), STATUS_MALFORMED);
    cr_assert_str_eq(reader.fault.what, "is longer than allowed");
    cr_assert_eq(pack_read_text(&reader, 2, &text), STATUS_OK);
    cr_assert(bytes_equal_text(text, "hi"));
    cr_assert_eq(pack_read_uint(&reader, 4, &number), STATUS_MALFORMED);
    cr_assert_eq(reader.fault.offset, 3);
    cr_assert_eq(pack_read_uint(&reader, 5, &number), STATUS_OK);
    cr_assert_eq(number, 5);
    cr_assert_eq(pack_peek(&reader), PACK_END);
    cr_assert_eq(pack_skip(&reader), STATUS_MALFORMED);
}

Test(pack, numbers_keep_value_and_sign_in_every_width) {
    static const struct {
        const char *bytes;
        int64_t value;
    } cases[] = {
        { "00", 0 },
        { "7f", 127 },
        { "ff", -1 },
        { "e0", -32 },
        { "d0 df", -33 },
        { "d0 7f", 127 },
        { "d1 80 00", -32768 },
        { "d2 ff ff ff ff", -1 },
        { "d3 80 00 00 00 00 00 00 00", INT64_MIN },
        { "cf 7f ff ff ff ff ff ff ff", INT64_MAX },
        { "cd 01 00", 256 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hex bytes = hex(cases[i].bytes);
        struct pack_reader reader = pack_reader(hex_bytes(&bytes));
        int64_t value;
        cr_assert_eq(pack_read_int(&reader, &value), STATUS_OK, "%s", cases[i].bytes);
        cr_assert_eq(value, cases[i].value, "%s", cases[i].bytes);
    }
    struct hex big = hex("cf ff ff ff ff ff ff ff ff");
    struct pack_reader reader = pack_reader(hex_bytes(&big));
    int64_t value;
    cr_assert_eq(pack_read_int(&reader, &value), STATUS_MALFORMED);
}

Test(pack, a_signed_width_with_a_positive_number_reads_as_uint) {
    struct hex bytes = hex("d3 00 00 00 00 00 00 00 05");
    struct pack_reader reader = pack_reader(hex_bytes(&bytes));
    uint64_t value;

    cr_assert_eq(pack_read_uint(&reader, 10, &value), STATUS_OK);
    cr_assert_eq(value, 5);
}

Test(pack, doubles_read_from_both_widths_and_from_whole_numbers) {
    struct hex bytes = hex("ca 3f c0 00 00 cb bf f8 00 00 00 00 00 00 03 fe");
    struct pack_reader reader = pack_reader(hex_bytes(&bytes));
    static const double expected[] = { 1.5, -1.5, 3, -2 };

    for (size_t i = 0; i < 4; i++) {
        double value;
        cr_assert_eq(pack_read_double(&reader, &value), STATUS_OK);
        cr_assert_eq(value, expected[i]);
    }
}

Test(pack, text_must_be_utf8) {
    struct hex bytes = hex("a2 c3 28");
    struct pack_reader reader = pack_reader(hex_bytes(&bytes));
    struct bytes text;

    cr_assert_eq(pack_read_text(&reader, 10, &text), STATUS_MALFORMED);
    cr_assert_str_eq(reader.fault.what, "is not UTF-8");
}

Test(pack, find_takes_the_first_key_and_skips_values_of_any_shape) {
    /* {1: [[], {}], "b": {"a": 1}, "a": 2, "a": 3} */
    struct hex map = hex("84 01 92 90 80 a1 62 81 a1 61 01 a1 61 02 a1 61 03");
    struct bytes value;

    cr_assert_eq(pack_find(hex_bytes(&map), "a", &value), STATUS_OK);
    cr_assert_eq(value.size, 1);
    cr_assert_eq(value.data[0], 2);
    cr_assert_eq(pack_find(hex_bytes(&map), "c", &value), STATUS_NOT_FOUND);
    cr_assert_eq(pack_find(bytes_text("\x01"), "a", &value), STATUS_NOT_FOUND);
}

Test(pack, fields_keep_the_first_failure_and_its_name) {
    struct hex map = hex("82 a1 61 01 a1 62 a1 78"); /* {"a": 1, "b": "x"} */
    struct pack_fields fields = pack_fields(hex_bytes(&map));
    uint64_t a = 0;
    uint64_t b = 9;
    struct bytes c = { NULL, 0 };

    pack_field_uint(&fields, "a", PACK_REQUIRED, 5, &a);
    cr_assert_eq(fields.status, STATUS_OK);
    pack_field_uint(&fields, "b", PACK_OPTIONAL, 5, &b);
    pack_field_text(&fields, "c", PACK_REQUIRED, 5, &c);

    cr_assert_eq(a, 1);
    cr_assert_eq(b, 9);
    cr_assert_eq(fields.status, STATUS_MALFORMED);
    cr_assert_str_eq(fields.field, "b");
    cr_assert_str_eq(fields.what, "must be a whole number that is not negative");
}

Test(pack, an_optional_field_may_be_missing_or_nil) {
    struct hex map = hex("81 a1 61 c0"); /* {"a": nil} */
    struct pack_fields fields = pack_fields(hex_bytes(&map));
    uint64_t value = 50;
    struct uuid id = uuid_nil;

    pack_field_uint(&fields, "a", PACK_OPTIONAL, 5, &value);
    pack_field_uuid(&fields, "b", PACK_OPTIONAL, &id);
    cr_assert_eq(fields.status, STATUS_OK);
    cr_assert_eq(value, 50);
    pack_field_uint(&fields, "a", PACK_REQUIRED, 5, &value);
    cr_assert_eq(fields.status, STATUS_MALFORMED);
    cr_assert_str_eq(fields.what, "is missing");
}

Test(pack, fields_of_something_else_than_a_map_fail) {
    struct pack_fields none = pack_fields(bytes_of(NULL, 0));
    struct pack_fields number = pack_fields(bytes_text("\x01"));

    cr_assert_eq(none.status, STATUS_MALFORMED);
    cr_assert_eq(number.status, STATUS_MALFORMED);
    cr_assert_null(number.field);
}

/* One of everything. */
static void write_all(struct bytes_writer *out) {
    static const struct uuid id = { { 0x01, 0x93, 0x2c, 0x07, 0x20, 0x9c, 0x7f, 0x3a, 0x8c, 0x11, 0x5d, 0x1b, 0x2a, 0x9e, 0x4c,
                                      0x77 } };
    pack_write_map(out, 9);
    pack_put_nil(out, "nil");
    pack_put_bool(out, "bool", true);
    pack_put_uint(out, "uint", UINT64_MAX);
    pack_put_int(out, "int", INT64_MIN);
    pack_put_double(out, "double", 0.1);
    pack_put_text(out, "text", bytes_text("h\xc3\xa9"));
    pack_put_bin(out, "bin", bytes_of("\0\1", 2));
    pack_put_uuid(out, "uuid", &id);
    pack_put_key(out, "list");
    pack_write_array(out, 2);
    pack_write_uint(out, 1);
    pack_write_array(out, 0);
}

Test(pack, what_is_written_is_read_back) {
    struct bytes_writer out;
    bytes_writer_init(&out, &mem_default, 4096);
    write_all(&out);
    cr_assert_eq(out.status, STATUS_OK);
    size_t size;
    cr_assert_eq(pack_check(bytes_written(&out), &limits, &size, NULL), STATUS_OK);
    cr_assert_eq(size, out.size);

    struct pack_fields fields = pack_fields(bytes_written(&out));
    bool flag = false;
    uint64_t number = 0;
    int64_t integer = 0;
    double real = 0;
    struct bytes text = { NULL, 0 };
    struct bytes bin = { NULL, 0 };
    struct bytes list = { NULL, 0 };
    struct uuid id = uuid_nil;
    char id_text[UUID_TEXT_SIZE + 1];
    pack_field_bool(&fields, "bool", PACK_REQUIRED, &flag);
    pack_field_uint(&fields, "uint", PACK_REQUIRED, UINT64_MAX, &number);
    pack_field_int(&fields, "int", PACK_REQUIRED, &integer);
    pack_field_double(&fields, "double", PACK_REQUIRED, &real);
    pack_field_text(&fields, "text", PACK_REQUIRED, 3, &text);
    pack_field_bin(&fields, "bin", PACK_REQUIRED, 2, &bin);
    pack_field_uuid(&fields, "uuid", PACK_REQUIRED, &id);
    pack_field_array(&fields, "list", PACK_REQUIRED, &list);

    cr_assert_eq(fields.status, STATUS_OK, "%s %s", fields.field, fields.what);
    cr_assert(flag);
    cr_assert_eq(number, UINT64_MAX);
    cr_assert_eq(integer, INT64_MIN);
    cr_assert_eq(real, 0.1);
    cr_assert(bytes_equal_text(text, "h\xc3\xa9"));
    cr_assert(bytes_equal(bin, bytes_of("\0\1", 2)));
    cr_assert_eq(list.size, 3);
    uuid_format(&id, id_text);
    cr_assert_str_eq(id_text, "01932c07-209c-7f3a-8c11-5d1b2a9e4c77");
    bytes_writer_finish(&out);
}

Test(pack, the_sizes_foretold_are_the_sizes_written) {
    static const uint64_t numbers[] = { 0, 127, 128, 255, 256, 65535, 65536, UINT32_MAX, (uint64_t)UINT32_MAX + 1, UINT64_MAX };
    static const size_t sizes[] = { 0, 255, 256, 65535, 65536 };
    static const uint8_t zeros[65536];
    struct bytes_writer out;
    bytes_writer_init(&out, &mem_default, 1 << 20);

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        bytes_writer_reset(&out);
        pack_write_uint(&out, numbers[i]);
        cr_assert_eq(out.size, pack_uint_size(numbers[i]));
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        bytes_writer_reset(&out);
        pack_write_bin(&out, bytes_of(zeros, sizes[i]));
        cr_assert_eq(out.size, pack_bin_header_size(sizes[i]) + sizes[i]);
    }
    bytes_writer_finish(&out);
}

Test(pack, a_full_writer_keeps_its_failure) {
    struct bytes_writer out;
    bytes_writer_init(&out, &mem_default, 3);

    pack_write_text(&out, bytes_text("hello"));
    pack_write_nil(&out);

    cr_assert_eq(out.status, STATUS_TOO_BIG);
    bytes_writer_finish(&out);
}

Test(pack, every_failing_allocation_of_the_writer_is_reported) {
    for (unsigned n = 1;; n++) {
        struct failing_mem failing;
        struct bytes_writer out;
        failing_mem_init(&failing, n);
        bytes_writer_init(&out, &failing.mem, 4096);
        write_all(&out);
        cr_assert_eq(out.status, failing.fired ? STATUS_NO_MEMORY : STATUS_OK);
        bytes_writer_finish(&out);
        cr_assert_eq(failing.held, 0);
        if (!failing.fired)
            break;
    }
}

/* Any bytes: the check decides, and what it accepts is walked without a fault. */
Test(pack, random_bytes_never_harm) {
    uint64_t state = 0x5eed;
    for (int round = 0; round < 200000; round++) {
        uint8_t bytes[24];
        for (size_t i = 0; i < sizeof bytes; i++) {
            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            bytes[i] = (uint8_t)(state >> 56);
        }
        size_t size;
        if (pack_check(bytes_of(bytes, sizeof bytes), &limits, &size, NULL) != STATUS_OK)
            continue;
        struct pack_reader reader = pack_reader(bytes_of(bytes, size));
        struct bytes value;
        cr_assert_eq(pack_read_value(&reader, &value), STATUS_OK, "round %d", round);
        cr_assert_eq(value.size, size);
        cr_assert_eq(pack_peek(&reader), PACK_END);
    }
}
