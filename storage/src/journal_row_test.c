/* journal_row_test.c — the payload of a journal row, byte for byte. */
#include "store/documents.h"

#include <criterion/criterion.h>

static const struct uuid user_7 = { { [15] = 7 } };

static struct bytes_writer two_entries(void) {
    struct bytes_writer row;
    bytes_writer_init(&row, &mem_default, JOURNAL_ROW_BYTES_MAX);
    struct journal_entry first = { .author = user_7, .at_ms = 1000, .origin = 3, .update = bytes_of("\0\0", 2) };
    struct journal_entry second = { .author = uuid_nil, .flags = JOURNAL_RELAYED, .at_ms = 1001, .update = bytes_text("abc") };
    journal_row_write(&row, &first);
    journal_row_write(&row, &second);
    journal_row_seal(&row);
    return row;
}

Test(journal_row, its_bytes_are_pinned) {
    struct bytes_writer row;
    bytes_writer_init(&row, &mem_default, JOURNAL_ROW_BYTES_MAX);
    struct journal_entry entry = { .author = user_7, .at_ms = 1000, .origin = 3, .update = bytes_of("\0\0", 2) };

    journal_row_write(&row, &entry);
    journal_row_seal(&row);

    static const uint8_t tail[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0xe8, 7, 3, 2, 0, 0 };
    static const uint8_t head[] = { 1, 0x74, 0xdb, 0xd9, 0x73, 0x15, 0xd4, 0x6c, 0x1d };
    cr_assert_eq(row.size, sizeof head + sizeof tail);
    cr_assert_arr_eq(row.data, head, sizeof head);
    cr_assert_arr_eq(row.data + JOURNAL_ROW_HEADER, tail, sizeof tail);
    bytes_writer_finish(&row);
}

Test(journal_row, what_is_written_is_read_back_in_order) {
    struct bytes_writer row = two_entries();
    struct journal_row_reader reader;
    struct journal_entry entry;

    cr_assert_eq(journal_row_open(bytes_written(&row), &reader), STATUS_OK);

    cr_assert(journal_row_next(&reader, &entry));
    cr_assert(uuid_equal(&entry.author, &user_7));
    cr_assert_eq(entry.at_ms, 1000);
    cr_assert_eq(entry.origin, 3);
    cr_assert(bytes_equal(entry.update, bytes_of("\0\0", 2)));
    cr_assert(journal_row_next(&reader, &entry));
    cr_assert_eq(entry.flags, JOURNAL_RELAYED);
    cr_assert(bytes_equal_text(entry.update, "abc"));
    cr_assert_not(journal_row_next(&reader, &entry));
    bytes_writer_finish(&row);
}

Test(journal_row, every_flipped_bit_is_damage) {
    struct bytes_writer row = two_entries();
    struct journal_row_reader reader;

    for (size_t bit = 0; bit < row.size * 8; bit++) {
        row.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_assert_eq(journal_row_open(bytes_written(&row), &reader), STATUS_DAMAGED, "bit %zu", bit);
        row.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    cr_assert_eq(journal_row_open(bytes_written(&row), &reader), STATUS_OK);
    bytes_writer_finish(&row);
}

Test(journal_row, every_cut_is_damage) {
    struct bytes_writer row = two_entries();
    struct journal_row_reader reader;

    for (size_t size = 0; size < row.size; size++) {
        uint8_t *exact = mem_alloc(&mem_default, size + 1); /* so that the address sanitizer sees a read past the end */
        memcpy(exact, row.data, size);
        cr_assert_eq(journal_row_open(bytes_of(exact, size), &reader), STATUS_DAMAGED, "size %zu", size);
        mem_free(&mem_default, exact, size + 1);
    }
    bytes_writer_finish(&row);
}

Test(journal_row, entries_that_do_not_parse_are_damage_even_with_a_good_check_sum) {
    struct bytes_writer row = two_entries();
    struct journal_row_reader reader;

    row.size -= 1;
    journal_row_seal(&row);

    cr_assert_eq(journal_row_open(bytes_written(&row), &reader), STATUS_DAMAGED);
    bytes_writer_finish(&row);
}

Test(journal_row, content_hash_is_xxh3_128_in_hex) {
    char hash[CONTENT_HASH_SIZE + 1];

    content_hash(bytes_of("", 0), hash);

    cr_assert_str_eq(hash, "99aa06d3014798d86001c324468d497f"); /* what `xxhsum -H2` prints for an empty file */
}
