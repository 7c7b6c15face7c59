#include "crdt/crdt.h"

#include <criterion/criterion.h>

/* Client 1 types "abc", then "de" behind it, into the root "t". */
static const uint8_t abc[] = { 1, 1, 1, 0, 4, 1, 1, 't', 3, 'a', 'b', 'c', 0 };
static const uint8_t de[] = { 1, 1, 1, 3, 0x84, 1, 2, 2, 'd', 'e', 0 };
/* The whole, as Yjs merges the two: two structs. */
static const uint8_t abcde[] = { 1, 2, 1, 0, 4, 1, 1, 't', 3, 'a', 'b', 'c', 0x84, 1, 2, 2, 'd', 'e', 0 };

static struct bytes_writer writer(size_t size_max) {
    struct bytes_writer out;
    bytes_writer_init(&out, &mem_default, size_max);
    return out;
}

Test(updates, merged_they_are_one_whatever_their_order) {
    struct bytes both[][3] = { { bytes_of(abc, sizeof abc), bytes_of(de, sizeof de), bytes_of(abc, sizeof abc) },
                               { bytes_of(de, sizeof de), bytes_of(abc, sizeof abc), bytes_of(de, sizeof de) } };
    for (size_t i = 0; i < 2; i++) {
        struct bytes_writer out = writer(SIZE_MAX);
        cr_assert_eq(crdt_updates_merge(CRDT_V1, both[i], 3, &out), STATUS_OK);
        cr_expect(bytes_equal(bytes_written(&out), bytes_of(abcde, sizeof abcde)));
        bytes_writer_finish(&out);
    }
}

/* Inputs that know different things of the same units: what is written is what Yjs 13.6 writes. */
Test(updates, of_content_and_what_stands_for_it_yjss_choice_is_written) {
    static const uint8_t gc[] = { 1, 1, 1, 0, 0, 5, 0 };
    static const uint8_t inner_gc[] = { 1, 1, 1, 1, 0, 3, 0 };
    static const uint8_t deleted[] = { 1, 1, 1, 0, 1, 1, 1, 't', 3, 0 };
    static const uint8_t x_abc[] = { 2, 1, 2, 0, 4, 1, 1, 't', 1, 'x', 1, 1, 0, 4, 1, 1, 't', 3, 'a', 'b', 'c', 0 };
    static const uint8_t abc_gc[] = { 1, 2, 1, 0, 4, 1, 1, 't', 3, 'a', 'b', 'c', 0, 2, 0 };
    struct {
        const uint8_t *first, *second, *wanted;
        size_t first_size, second_size, wanted_size;
    } const cases[] = {
        { abc, gc, gc, sizeof abc, sizeof gc, sizeof gc },
        { gc, abc, abc_gc, sizeof gc, sizeof abc, sizeof abc_gc },
        { abcde, inner_gc, abcde, sizeof abcde, sizeof inner_gc, sizeof abcde }, /* no gap: read on */
        { inner_gc, abcde, abcde, sizeof inner_gc, sizeof abcde, sizeof abcde },
        { abc, deleted, abc, sizeof abc, sizeof deleted, sizeof abc },
        { deleted, abc, deleted, sizeof deleted, sizeof abc, sizeof deleted },
        { deleted, x_abc, x_abc, sizeof deleted, sizeof x_abc, sizeof x_abc }, /* the input that was read last */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bytes both[] = { bytes_of(cases[i].first, cases[i].first_size), bytes_of(cases[i].second, cases[i].second_size) };
        struct bytes_writer out = writer(SIZE_MAX);
        cr_assert_eq(crdt_updates_merge(CRDT_V1, both, 2, &out), STATUS_OK);
        cr_expect(bytes_equal(bytes_written(&out), bytes_of(cases[i].wanted, cases[i].wanted_size)), "case %zu", i);
        bytes_writer_finish(&out);
    }
}

Test(updates, a_gap_becomes_a_skip_and_a_state_vector_ends_at_it) {
    static const uint8_t later[] = { 1, 1, 1, 9, 0x84, 1, 8, 1, 'x', 0 };
    static const uint8_t wanted[] = { 1, 3, 1, 0, 4, 1, 1, 't', 3, 'a', 'b', 'c', 10, 6, 0x84, 1, 8, 1, 'x', 0 };
    struct bytes both[] = { bytes_of(later, sizeof later), bytes_of(abc, sizeof abc) };
    struct bytes_writer merged = writer(SIZE_MAX);
    struct bytes_writer vector = writer(SIZE_MAX);

    cr_assert_eq(crdt_updates_merge(CRDT_V1, both, 2, &merged), STATUS_OK);
    cr_expect(bytes_equal(bytes_written(&merged), bytes_of(wanted, sizeof wanted)));
    cr_assert_eq(crdt_updates_state_vector(CRDT_V1, bytes_written(&merged), &vector), STATUS_OK);
    cr_expect(bytes_equal(bytes_written(&vector), bytes_of("\x01\x01\x03", 3)));

    bytes_writer_finish(&merged);
    bytes_writer_finish(&vector);
}

Test(updates, a_diff_cuts_a_struct_where_the_peer_stands) {
    static const uint8_t wanted[] = { 1, 2, 1, 2, 0x84, 1, 1, 1, 'c', 0x84, 1, 2, 2, 'd', 'e', 0 };
    struct bytes_writer out = writer(SIZE_MAX);
    cr_assert_eq(crdt_updates_diff(CRDT_V1, bytes_of(abcde, sizeof abcde), bytes_of("\x01\x01\x02", 3), &out), STATUS_OK);
    cr_expect(bytes_equal(bytes_written(&out), bytes_of(wanted, sizeof wanted)));
    bytes_writer_finish(&out);
}

/* Of a client that stands twice in a state vector the last clock counts, as Yjs reads it. */
Test(updates, a_diff_goes_by_the_last_clock_of_a_client) {
    static const uint8_t wanted[] = { 1, 1, 1, 4, 0x84, 1, 3, 1, 'e', 0 };
    struct bytes_writer out = writer(SIZE_MAX);
    cr_assert_eq(crdt_updates_diff(CRDT_V1, bytes_of(abcde, sizeof abcde), bytes_of("\x02\x01\x02\x01\x04", 5), &out), STATUS_OK);
    cr_expect(bytes_equal(bytes_written(&out), bytes_of(wanted, sizeof wanted)));
    bytes_writer_finish(&out);
}

Test(updates, what_is_none_is_refused_and_the_writer_stays_as_it_was) {
    struct bytes_writer out = writer(16);
    struct bytes both[] = { bytes_of(abc, sizeof abc), bytes_of("\x01\x05", 2) };
    bytes_write(&out, bytes_text("kept"));

    cr_expect_eq(crdt_updates_merge(CRDT_V1, both, 2, &out), STATUS_MALFORMED);
    cr_expect_eq(crdt_updates_state_vector(CRDT_V1, both[1], &out), STATUS_MALFORMED);
    cr_expect_eq(crdt_updates_diff(CRDT_V1, both[0], bytes_of("\x09", 1), &out), STATUS_MALFORMED);
    cr_expect_eq(crdt_updates_convert(CRDT_V2, CRDT_V1, both[0], &out), STATUS_MALFORMED);
    both[1] = bytes_of(de, sizeof de);
    cr_expect_eq(crdt_updates_merge(CRDT_V1, both, 2, &out), STATUS_TOO_BIG);

    cr_expect(bytes_equal_text(bytes_written(&out), "kept"));
    bytes_writer_finish(&out);
}
