#include "ground/varint.h"

#include <criterion/criterion.h>

struct varint_case {
    uint64_t magnitude;
    bool negative;
    uint8_t size;
    uint8_t bytes[8];
};

/* lib0's own bytes. */
static const struct varint_case unsigned_cases[] = {
    { 0, false, 1, { 0x00 } },
    { 1, false, 1, { 0x01 } },
    { 127, false, 1, { 0x7f } },
    { 128, false, 2, { 0x80, 0x01 } },
    { 300, false, 2, { 0xac, 0x02 } },
    { 16384, false, 3, { 0x80, 0x80, 0x01 } },
    { UINT32_MAX, false, 5, { 0xff, 0xff, 0xff, 0xff, 0x0f } },
    { VARINT_MAX, false, 8, { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f } },
};

static const struct varint_case signed_cases[] = {
    { 0, false, 1, { 0x00 } },
    { 0, true, 1, { 0x40 } },
    { 1, false, 1, { 0x01 } },
    { 1, true, 1, { 0x41 } },
    { 63, false, 1, { 0x3f } },
    { 64, false, 2, { 0x80, 0x01 } },
    { 64, true, 2, { 0xc0, 0x01 } },
    { 8191, false, 2, { 0xbf, 0x7f } },
    { 8192, false, 3, { 0x80, 0x80, 0x01 } },
    { UINT64_C(2147483648), true, 5, { 0xc0, 0x80, 0x80, 0x80, 0x10 } },
};

Test(varint, unsigned_numbers_have_lib0s_bytes) {
    for (size_t i = 0; i < sizeof unsigned_cases / sizeof *unsigned_cases; i++) {
        const struct varint_case *wanted = &unsigned_cases[i];
        struct bytes_writer writer;
        bytes_writer_init(&writer, &mem_default, 100);
        varint_write(&writer, wanted->magnitude);
        cr_assert(bytes_equal(bytes_written(&writer), bytes_of(wanted->bytes, wanted->size)), "case %zu", i);
        cr_assert_eq(varint_size(wanted->magnitude), wanted->size);

        struct bytes_reader reader = bytes_reader(bytes_written(&writer));
        uint64_t value = 99;
        cr_assert_eq(varint_read(&reader, &value), STATUS_OK);
        cr_assert_eq(value, wanted->magnitude);
        cr_assert_eq(bytes_left(&reader), 0);
        bytes_writer_finish(&writer);
    }
}

Test(varint, signed_numbers_have_lib0s_bytes_and_keep_negative_zero) {
    for (size_t i = 0; i < sizeof signed_cases / sizeof *signed_cases; i++) {
        const struct varint_case *wanted = &signed_cases[i];
        struct bytes_writer writer;
        bytes_writer_init(&writer, &mem_default, 100);
        varint_write_signed(&writer, wanted->negative, wanted->magnitude);
        cr_assert(bytes_equal(bytes_written(&writer), bytes_of(wanted->bytes, wanted->size)), "case %zu", i);

        struct bytes_reader reader = bytes_reader(bytes_written(&writer));
        bool negative = !wanted->negative;
        uint64_t magnitude = 99;
        cr_assert_eq(varint_read_signed(&reader, &negative, &magnitude), STATUS_OK);
        cr_assert(negative == wanted->negative && magnitude == wanted->magnitude, "case %zu", i);
        bytes_writer_finish(&writer);
    }
}

Test(varint, every_cut_is_malformed_and_moves_nothing) {
    for (size_t i = 0; i < sizeof unsigned_cases / sizeof *unsigned_cases; i++)
        for (size_t size = 0; size < unsigned_cases[i].size; size++) {
            struct bytes_reader reader = bytes_reader(bytes_of(unsigned_cases[i].bytes, size));
            uint64_t value;
            cr_assert_eq(varint_read(&reader, &value), STATUS_MALFORMED);
            cr_assert_eq(bytes_left(&reader), size);
        }
    for (size_t i = 0; i < sizeof signed_cases / sizeof *signed_cases; i++)
        for (size_t size = 0; size < signed_cases[i].size; size++) {
            struct bytes_reader reader = bytes_reader(bytes_of(signed_cases[i].bytes, size));
            bool negative;
            uint64_t value;
            cr_assert_eq(varint_read_signed(&reader, &negative, &value), STATUS_MALFORMED);
            cr_assert_eq(bytes_left(&reader), size);
        }
}

Test(varint, overlong_forms_are_read_up_to_ten_bytes) {
    static const uint8_t one[] = { 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00 };
    static const uint8_t too_long[] = { 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00 };
    uint64_t value;

    struct bytes_reader reader = bytes_reader(bytes_of(one, sizeof one));
    cr_assert_eq(varint_read(&reader, &value), STATUS_OK);
    cr_assert_eq(value, 1);
    reader = bytes_reader(bytes_of(too_long, sizeof too_long));
    cr_assert_eq(varint_read(&reader, &value), STATUS_MALFORMED);
}

Test(varint, numbers_above_2_to_the_53_are_refused) {
    static const uint8_t above[] = { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10 };
    static const uint8_t far_above[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01 };
    static const uint8_t signed_above[] = { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20 };
    uint64_t value;
    bool negative;

    struct bytes_reader reader = bytes_reader(bytes_of(above, sizeof above));
    cr_assert_eq(varint_read(&reader, &value), STATUS_MALFORMED);
    reader = bytes_reader(bytes_of(far_above, sizeof far_above));
    cr_assert_eq(varint_read(&reader, &value), STATUS_MALFORMED);
    reader = bytes_reader(bytes_of(signed_above, sizeof signed_above));
    cr_assert_eq(varint_read_signed(&reader, &negative, &value), STATUS_MALFORMED);
}

Test(varint, a_view_is_its_size_and_its_bytes) {
    struct bytes_writer writer;
    bytes_writer_init(&writer, &mem_default, 1000);
    varint_write_view(&writer, bytes_text("hello"));
    struct bytes_reader reader = bytes_reader(bytes_written(&writer));
    struct bytes view;

    cr_assert_eq(writer.data[0], 5);
    cr_assert_eq(varint_read_view(&reader, &view), STATUS_OK);
    cr_assert(bytes_equal_text(view, "hello"));

    struct bytes_reader cut = bytes_reader(bytes_of(writer.data, 5));
    cr_assert_eq(varint_read_view(&cut, &view), STATUS_MALFORMED);
    cr_assert_eq(bytes_left(&cut), 5);
    bytes_writer_finish(&writer);
}
