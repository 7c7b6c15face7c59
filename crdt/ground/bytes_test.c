#include "ground/bytes.h"

#include <criterion/criterion.h>

static void *refuse(void *context, void *old, size_t old_bytes, size_t bytes) {
    return bytes == 0 ? mem_default.resize(context, old, old_bytes, 0) : NULL;
}

Test(bytes, numbers_are_big_endian_both_ways) {
    static const uint8_t wanted[] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc };
    struct bytes_writer writer;
    bytes_writer_init(&writer, &mem_default, 100);

    bytes_write_u8(&writer, 0x01);
    bytes_write_u16(&writer, 0x2345);
    bytes_write_u32(&writer, 0x6789abcd);
    bytes_write_u64(&writer, UINT64_C(0xef1032547698badc));

    cr_assert(bytes_equal(bytes_written(&writer), bytes_of(wanted, sizeof wanted)));
    struct bytes_reader reader = bytes_reader(bytes_written(&writer));
    uint8_t a;
    uint16_t b;
    uint32_t c;
    uint64_t d;
    cr_assert_eq(bytes_read_u8(&reader, &a), STATUS_OK);
    cr_assert_eq(bytes_read_u16(&reader, &b), STATUS_OK);
    cr_assert_eq(bytes_read_u32(&reader, &c), STATUS_OK);
    cr_assert_eq(bytes_read_u64(&reader, &d), STATUS_OK);
    cr_assert(a == 0x01 && b == 0x2345 && c == 0x6789abcd && d == UINT64_C(0xef1032547698badc));
    cr_assert_eq(bytes_left(&reader), 0);
    bytes_writer_finish(&writer);
}

Test(bytes, a_short_read_fails_and_moves_nothing) {
    struct bytes_reader reader = bytes_reader(bytes_text("abc"));
    uint32_t number;
    uint64_t big;
    struct bytes view;

    cr_assert_eq(bytes_read_u32(&reader, &number), STATUS_MALFORMED);
    cr_assert_eq(bytes_read_u64(&reader, &big), STATUS_MALFORMED);
    cr_assert_eq(bytes_read_view(&reader, 4, &view), STATUS_MALFORMED);
    cr_assert_eq(bytes_read_view(&reader, SIZE_MAX, &view), STATUS_MALFORMED);

    cr_assert_eq(bytes_left(&reader), 3);
    cr_assert_eq(bytes_read_view(&reader, 3, &view), STATUS_OK);
    cr_assert(bytes_equal_text(view, "abc"));
}

Test(bytes, a_view_of_nothing_can_be_read_and_written) {
    struct bytes_reader reader = bytes_reader(bytes_of(NULL, 0));
    struct bytes_writer writer;
    struct bytes view;
    bytes_writer_init(&writer, &mem_default, 10);

    cr_assert_eq(bytes_read_view(&reader, 0, &view), STATUS_OK);
    bytes_write(&writer, view);

    cr_assert_eq(writer.status, STATUS_OK);
    cr_assert_eq(writer.size, 0);
    bytes_writer_finish(&writer);
}

Test(bytes, the_maximum_is_kept_to_the_byte_and_the_failure_sticks) {
    struct bytes_writer writer;
    bytes_writer_init(&writer, &mem_default, 5);

    bytes_write(&writer, bytes_text("12345"));
    cr_assert_eq(writer.status, STATUS_OK);
    bytes_write_u8(&writer, 6);
    bytes_write(&writer, bytes_of(NULL, 0));

    cr_assert_eq(writer.status, STATUS_TOO_BIG);
    cr_assert(bytes_equal_text(bytes_written(&writer), "12345"));
    bytes_writer_reset(&writer);
    bytes_write_u8(&writer, 'x');
    cr_assert(bytes_equal_text(bytes_written(&writer), "x"));
    bytes_writer_finish(&writer);
}

Test(bytes, a_failed_allocation_sticks_and_keeps_what_was_written) {
    struct mem mem = { refuse, NULL };
    struct bytes_writer writer;
    bytes_writer_init(&writer, &mem_default, SIZE_MAX);
    bytes_write(&writer, bytes_text("kept"));

    writer.mem = &mem;
    for (int i = 0; i < 100; i++)
        bytes_write(&writer, bytes_text("more"));

    cr_assert_eq(writer.status, STATUS_NO_MEMORY);
    cr_assert_eq(memcmp(writer.data, "kept", 4), 0);
    bytes_writer_finish(&writer);
}

Test(bytes, what_is_taken_belongs_to_the_taker) {
    struct bytes_writer writer;
    size_t size;
    size_t capacity;
    bytes_writer_init(&writer, &mem_default, 1000);
    bytes_write(&writer, bytes_text("taken"));

    uint8_t *data = bytes_writer_take(&writer, &size, &capacity);

    cr_assert(bytes_equal_text(bytes_of(data, size), "taken"));
    cr_assert_eq(writer.size, 0);
    bytes_write(&writer, bytes_text("anew"));
    cr_assert(bytes_equal_text(bytes_of(data, size), "taken"));
    mem_free(&mem_default, data, capacity);
    bytes_writer_finish(&writer);
}
