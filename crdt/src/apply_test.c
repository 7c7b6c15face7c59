#include "crdt/crdt.h"
#include "doc_check.h"
#include "ground/varint.h"
#include "wire.h"

#include <criterion/criterion.h>

/* "01 0a" → bytes, in static room that the next call but three reuses. */
static struct bytes hex(const char *digits) {
    static uint8_t rooms[4][1024];
    static unsigned next;
    uint8_t *room = rooms[next++ % 4];
    size_t size = 0;
    for (; *digits != '\0'; digits++) {
        if (*digits == ' ')
            continue;
        unsigned high = (unsigned)(digits[0] <= '9' ? digits[0] - '0' : digits[0] - 'a' + 10);
        unsigned low = (unsigned)(digits[1] <= '9' ? digits[1] - '0' : digits[1] - 'a' + 10);
        room[size++] = (uint8_t)(high << 4 | low);
        digits++;
    }
    return bytes_of(room, size);
}

static struct crdt_doc *make(bool gc) {
    struct crdt_doc_options options = { .client_id = 1000, .gc = gc };
    struct crdt_doc *doc;
    cr_assert_eq(crdt_doc_create(&options, &doc), STATUS_OK);
    return doc;
}

static enum status apply(struct crdt_doc *doc, struct bytes update, struct crdt_update_result *result) {
    struct crdt_txn *txn = crdt_txn_begin(doc);
    enum status status = crdt_update_apply(txn, update, result);
    cr_assert_eq(crdt_txn_commit(txn, NULL, NULL), STATUS_OK);
    const char *broken = "";
    cr_assert_eq(doc_check(doc, &broken), 0, "%s", broken);
    return status;
}

static void expect_text(struct crdt_doc *doc, const char *wanted) {
    struct crdt_type *text;
    struct bytes_writer writer;
    bytes_writer_init(&writer, &mem_default, 10000);
    cr_assert_eq(crdt_doc_root(doc, bytes_text("t"), &text), STATUS_OK);
    cr_assert_eq(crdt_text_write(doc, text, &writer), STATUS_OK);
    cr_assert(bytes_equal_text(bytes_written(&writer), wanted), "got %.*s, wanted %s", (int)writer.size, (const char *)writer.data,
              wanted);
    bytes_writer_finish(&writer);
}

static void expect_encoding(struct crdt_doc *doc, struct bytes wanted) {
    struct bytes_writer writer;
    bytes_writer_init(&writer, &mem_default, 10000);
    cr_assert_eq(crdt_update_encode(doc, &writer), STATUS_OK);
    cr_assert(bytes_equal(bytes_written(&writer), wanted));
    bytes_writer_finish(&writer);
}

/* Whole states that Yjs 13.6 wrote: each must come out as it went in. */
Test(update, every_kind_of_content_comes_out_as_it_came_in) {
    static const struct {
        const char *what;
        bool gc;
        const char *update;
    } cases[] = {
        { "nothing", true, "00 00" },
        { "text", true, "01 01 01 00 04 01 01 74 03 61 62 63 00" },
        { "a deletion", true, "01 03 01 00 04 01 01 74 01 61 81 01 00 01 84 01 01 01 63 01 01 01 01 01" },
        { "a deletion, kept", false, "01 03 01 00 04 01 01 74 01 61 84 01 00 01 62 84 01 01 01 63 01 01 01 01 01" },
        { "a key set twice, kept", false, "01 02 05 00 28 01 01 6d 01 6b 01 7d 01 a8 05 00 01 77 03 74 77 6f 01 05 01 00 01" },
        { "a key set twice", true, "01 02 05 00 21 01 01 6d 01 6b 01 a8 05 00 01 77 03 74 77 6f 01 05 01 00 01" },
        { "values and bytes", true, "01 02 06 00 08 01 01 61 02 7d 01 77 01 78 83 06 01 01 09 00" },
        { "a map in an array", true, "01 02 07 00 07 01 01 61 01 28 00 07 00 01 6b 01 78 00" },
        { "the same, deleted", true, "01 02 07 00 01 01 01 61 01 00 01 01 07 01 00 02" },
        { "formatting", true,
          "01 03 08 00 06 01 01 74 04 62 6f 6c 64 04 74 72 75 65 84 08 00 02 68 69 86 08 02 04 62 6f 6c 64 04 6e 75 6c 6c 00" },
        { "an embed", true, "01 01 08 00 05 01 01 74 07 7b 22 69 22 3a 31 7d 00" },
        { "an XML element", true, "01 02 09 00 07 01 01 78 03 01 70 28 00 09 00 02 69 64 01 77 01 78 00" },
        { "an XML hook", true, "01 01 09 00 07 01 01 78 05 01 68 00" },
        { "a subdocument", true, "01 01 0a 00 29 01 01 6d 01 64 01 67 76 01 08 61 75 74 6f 4c 6f 61 64 78 00" },
        { "old JSON", true, "01 01 0b 00 02 01 01 61 03 01 31 09 75 6e 64 65 66 69 6e 65 64 09 7b 22 61 22 3a 22 62 22 7d 00" },
        { "two clients", true, "02 01 02 00 04 01 01 74 01 78 01 01 00 04 01 01 74 03 61 62 63 00" },
        { "a 53-bit client", true, "01 01 ff ff ff ff ff ff ff 0f 00 04 01 01 74 01 7a 00" },
        { "a Skip, which waits", true, "01 03 01 00 04 01 01 74 01 61 0a 01 84 01 01 01 63 00" },
        { "what waits wholly", true, "01 01 01 02 84 01 01 01 63 00" },
        { "deletions that wait", true, "00 01 05 01 07 02" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct crdt_doc *doc = make(cases[i].gc);
        struct bytes update = hex(cases[i].update);
        cr_assert_eq(apply(doc, update, NULL), STATUS_OK, "%s", cases[i].what);
        struct bytes_writer writer;
        bytes_writer_init(&writer, &mem_default, 10000);
        cr_assert_eq(crdt_update_encode(doc, &writer), STATUS_OK);
        cr_assert(bytes_equal(bytes_written(&writer), update), "%s", cases[i].what);
        cr_assert_eq(apply(doc, update, NULL), STATUS_OK);
        bytes_writer_reset(&writer);
        crdt_update_encode(doc, &writer);
        cr_assert(bytes_equal(bytes_written(&writer), update), "%s, applied twice", cases[i].what);
        bytes_writer_finish(&writer);
        crdt_doc_destroy(doc);
    }
}

Test(update, any_cut_is_malformed_and_changes_nothing) {
    struct bytes whole = hex("01 03 08 00 06 01 01 74 04 62 6f 6c 64 04 74 72 75 65 84 08 00 02 68 69 86 08 02 04 62 6f 6c 64 04 "
                             "6e 75 6c 6c 01 08 01 01 01");
    struct crdt_doc *doc = make(true);
    for (size_t size = 0; size < whole.size; size++) {
        cr_assert_eq(apply(doc, bytes_of(whole.data, size), NULL), STATUS_MALFORMED, "cut to %zu", size);
        cr_assert_eq(crdt_update_check(bytes_of(whole.data, size)), STATUS_MALFORMED);
    }
    expect_encoding(doc, hex("00 00"));
    cr_assert_eq(crdt_update_check(whole), STATUS_OK);
    crdt_doc_destroy(doc);
}

Test(update, nonsense_is_malformed) {
    static const struct {
        const char *what;
        const char *update;
    } cases[] = {
        { "an unknown content", "01 01 01 00 0b 01 01 74 00" },
        { "an unknown type", "01 01 01 00 07 01 01 74 07 00" },
        { "an unknown parent kind", "01 01 01 00 04 02 01 74 01 61 00" },
        { "broken UTF-8", "01 01 01 00 04 01 01 74 01 ff 00" },
        { "a surrogate", "01 01 01 00 04 01 01 74 03 ed a0 80 00" },
        { "broken JSON", "01 01 08 00 05 01 01 74 01 7b 00" },
        { "a subdocument without options", "01 01 0a 00 09 01 01 6d 01 67 7e 00" },
        { "an origin that comes later", "01 01 01 00 84 01 00 01 61 00" },
        { "a right origin that comes later", "01 01 01 00 44 01 05 01 61 00" },
        { "a parent that comes later", "01 01 01 00 04 00 01 00 01 61 00" },
        { "a clock above 2^53", "01 01 01 ff ff ff ff ff ff ff 0f 04 01 01 74 01 61 00" },
        { "a range above 2^53", "00 01 01 01 01 ff ff ff ff ff ff ff 0f" },
        { "more structs than bytes", "01 ff ff ff ff ff ff ff 0f 01 00 04 01 01 74 01 61 00" },
        { "more values than bytes", "01 01 01 00 08 01 01 61 ff ff ff ff 0f 7e 00" },
        { "a client in two blocks", "02 01 01 00 04 01 01 74 01 61 01 01 01 84 01 00 01 62 00" },
    };
    struct crdt_doc *doc = make(true);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_eq(apply(doc, hex(cases[i].update), NULL), STATUS_MALFORMED, "%s", cases[i].what);
    expect_encoding(doc, hex("00 00"));
    crdt_doc_destroy(doc);
}

Test(update, huge_ranges_in_few_bytes_cost_nothing) {
    struct crdt_doc *doc = make(true);
    struct crdt_update_result result;

    /* A GC run of 2^53 - 1 units, and a deletion of as many of somebody else's. */
    cr_assert_eq(apply(doc, hex("01 01 01 00 00 ff ff ff ff ff ff ff 0f 01 02 01 00 ff ff ff ff ff ff ff 0f"), &result), STATUS_OK);

    cr_assert_eq(result.units_new, UINT64_C(9007199254740991));
    cr_assert(result.pending);
    cr_assert_lt(crdt_doc_size(doc).heap_bytes, 16384);
    cr_assert_eq(apply(doc, hex("01 01 02 00 04 01 01 74 03 61 62 63 00"), &result), STATUS_OK);
    expect_text(doc, "");
    crdt_doc_destroy(doc);
}

static const char *const typed[] = {
    "01 01 01 00 04 01 01 74 01 61 00", /* a */
    "01 01 01 01 84 01 00 01 62 00",    /* b behind it */
    "01 01 01 02 84 01 01 01 63 00",    /* c behind that */
};

Test(update, the_result_says_what_became_new) {
    struct crdt_doc *doc = make(true);
    struct crdt_update_result result;

    apply(doc, hex(typed[0]), &result);
    cr_assert(result.units_new == 1 && result.verbatim && !result.parked && !result.pending);
    apply(doc, hex(typed[0]), &result);
    cr_assert(result.units_new == 0 && result.units_deleted == 0 && !result.verbatim, "known already");
    apply(doc, hex(typed[2]), &result);
    cr_assert(result.units_new == 0 && result.parked && result.pending && !result.verbatim && !result.woke, "waits for b");
    cr_assert(crdt_doc_waits(doc, 1) && !crdt_doc_waits(doc, 0) && !crdt_doc_waits(doc, 2));
    apply(doc, hex(typed[1]), &result);
    cr_assert(result.units_new == 2 && !result.parked && !result.pending && !result.verbatim, "b wakes c");
    cr_assert(result.woke && !crdt_doc_waits(doc, 1), "and who sent b may lack c");
    expect_text(doc, "abc");
    apply(doc, hex("00 01 01 01 00 02"), &result);
    cr_assert(result.units_deleted == 2 && result.verbatim);
    apply(doc, hex("00 01 01 01 01 02"), &result);
    cr_assert(result.units_deleted == 1 && !result.verbatim, "b was deleted already");
    expect_text(doc, "");
    crdt_doc_destroy(doc);
}

Test(update, trailing_bytes_and_empty_structs_are_taken_but_not_relayed_as_they_are) {
    struct crdt_doc *doc = make(true);
    struct crdt_update_result result;

    cr_assert_eq(apply(doc, hex("01 01 01 00 04 01 01 74 01 61 00 77"), &result), STATUS_OK);
    cr_assert(result.units_new == 1 && !result.verbatim);
    cr_assert_eq(apply(doc, hex("01 02 01 01 84 01 00 00 84 01 00 01 62 00"), &result), STATUS_OK);
    cr_assert(result.units_new == 1 && !result.verbatim);
    expect_text(doc, "ab");
    crdt_doc_destroy(doc);
}

Test(update, every_order_of_delivery_gives_the_same_document) {
    static const unsigned orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
    for (size_t i = 0; i < 6; i++) {
        struct crdt_doc *doc = make(true);
        apply(doc, hex("00 01 01 01 01 01"), NULL); /* the deletion of b comes first */
        for (unsigned at = 0; at < 3; at++)
            apply(doc, hex(typed[orders[i][at]]), NULL);
        expect_text(doc, "ac");
        cr_assert_not(crdt_doc_size(doc).pending_structs);
        cr_assert_not(crdt_doc_size(doc).pending_deletes);
        cr_assert_eq(crdt_doc_size(doc).pending_bytes, 0);
        crdt_doc_destroy(doc);
    }
}

Test(update, two_that_wait_for_each_other_wait_for_ever) {
    struct crdt_doc *doc = make(true);
    struct crdt_update_result result;

    cr_assert_eq(apply(doc, hex("02 01 02 00 84 01 00 01 62 01 01 00 84 02 00 01 61 00"), &result), STATUS_OK);
    cr_assert(result.parked && result.pending && result.units_new == 0);
    cr_assert_eq(apply(doc, hex("01 01 03 00 04 01 01 74 01 78 00"), &result), STATUS_OK);
    cr_assert(result.units_new == 1 && result.pending);

    expect_text(doc, "x");
    crdt_doc_destroy(doc);
}

Test(update, clients_that_need_each_other_by_turns_are_integrated) {
    struct crdt_doc *doc = make(true);
    struct crdt_update_result result;

    /* 2 types "b" behind 1's "a", 1 types "c" behind that, 2 types "d" behind that. */
    cr_assert_eq(apply(doc, hex("02 02 02 00 84 01 00 01 62 84 01 01 01 64 02 01 00 04 01 01 74 01 61 84 02 00 01 63 00"), &result),
                 STATUS_OK);

    cr_assert(result.units_new == 4 && result.verbatim);
    expect_text(doc, "abcd");
    crdt_doc_destroy(doc);
}

Test(update, what_waits_is_bounded) {
    struct crdt_doc_options options = { .client_id = 1, .pending_bytes_max = 200 };
    struct crdt_doc *doc;
    struct crdt_update_result result;
    cr_assert_eq(crdt_doc_create(&options, &doc), STATUS_OK);

    enum status status = STATUS_OK;
    unsigned parked = 0;
    for (uint8_t clock = 100; clock > 50 && status == STATUS_OK; clock -= 2, parked += status == STATUS_OK) {
        uint8_t update[] = { 1, 1, 5, clock, 0x84, 5, (uint8_t)(clock - 1), 1, 'x', 0 };
        status = apply(doc, bytes_of(update, sizeof update), &result);
    }
    cr_assert_eq(status, STATUS_TOO_BIG);
    cr_assert_gt(parked, 1);
    cr_assert_leq(crdt_doc_size(doc).pending_bytes, 200);
    cr_assert_eq(apply(doc, hex("01 01 07 00 04 01 01 74 02 6f 6b 00"), &result), STATUS_OK);
    expect_text(doc, "ok");
    crdt_doc_destroy(doc);
}

Test(update, deletions_that_wait_are_bounded_too) {
    struct crdt_doc_options options = { .client_id = 1, .pending_bytes_max = 200 };
    struct crdt_doc *doc;
    struct crdt_update_result result;
    cr_assert_eq(crdt_doc_create(&options, &doc), STATUS_OK);

    enum status status = STATUS_OK;
    unsigned parked = 0;
    for (uint8_t clock = 100; clock > 50 && status == STATUS_OK; clock -= 2, parked += status == STATUS_OK) {
        uint8_t update[] = { 0, 1, 5, 1, clock, 1 };
        status = apply(doc, bytes_of(update, sizeof update), &result);
    }
    cr_assert_eq(status, STATUS_TOO_BIG);
    cr_assert_gt(parked, 1);
    cr_assert_leq(crdt_doc_size(doc).pending_bytes, 200);
    crdt_doc_destroy(doc);
}

/* The refused update has made client 5 known, of whom there is nothing yet. */
Test(update, the_first_text_of_a_client_comes_after_a_refused_one) {
    struct crdt_doc_options options = { .client_id = 1, .pending_bytes_max = 1 };
    struct crdt_doc *doc;
    cr_assert_eq(crdt_doc_create(&options, &doc), STATUS_OK);
    cr_assert_eq(apply(doc, hex("01 01 07 00 04 01 01 74 01 61 00"), NULL), STATUS_OK);
    cr_assert_eq(apply(doc, hex("01 01 05 09 84 05 08 01 78 00"), NULL), STATUS_TOO_BIG);

    cr_assert_eq(apply(doc, hex("01 01 05 00 84 07 00 01 62 00"), NULL), STATUS_OK);

    expect_text(doc, "ab");
    crdt_doc_destroy(doc);
}

Test(update, the_same_thing_waits_once) {
    struct crdt_doc *doc = make(true);
    apply(doc, hex(typed[2]), NULL);
    size_t bytes = crdt_doc_size(doc).pending_bytes;

    for (int i = 0; i < 50; i++)
        apply(doc, hex(typed[2]), NULL);

    cr_assert_eq(crdt_doc_size(doc).pending_bytes, bytes);
    crdt_doc_destroy(doc);
}

/* Units that came as GC need nothing; the same units told with their neighbours wait for these, though they say nothing new. */
Test(update, what_is_known_waits_for_its_neighbours_all_the_same) {
    struct crdt_doc *doc = make(true);
    apply(doc, hex("01 01 01 00 00 02 00"), NULL);

    apply(doc, hex("01 02 01 00 84 02 00 02 61 62 84 01 01 01 63 00"), NULL);
    cr_expect_eq(crdt_doc_size(doc).pending_structs, true);
    expect_text(doc, "");

    apply(doc, hex("01 01 02 00 04 01 01 74 01 78 00"), NULL);
    cr_expect_eq(crdt_doc_size(doc).pending_structs, false);
    expect_text(doc, "x");
    crdt_doc_destroy(doc);
}

/* As Yjs, where somebody else tells that units were collected whose content waits already. */
Test(update, content_that_waits_stays_if_it_has_no_gap) {
    struct crdt_doc *doc = make(true);
    struct bytes row = hex("01 02 01 02 84 01 01 02 63 64 84 01 03 02 65 66 00");

    apply(doc, row, NULL);
    apply(doc, hex("01 01 01 03 00 03 00"), NULL);

    expect_encoding(doc, row);
    apply(doc, hex("01 01 01 00 04 01 01 74 02 61 62 00"), NULL);
    expect_text(doc, "abcdef");
    crdt_doc_destroy(doc);
}

Test(update, limits_of_size_and_clients_hold) {
    struct crdt_doc_options options = { .client_id = 1, .update_bytes_max = 20, .clients_max = 2 };
    struct crdt_doc *doc;
    cr_assert_eq(crdt_doc_create(&options, &doc), STATUS_OK);

    cr_assert_eq(apply(doc, hex("01 01 05 00 04 01 01 74 0c 61 61 61 61 61 61 61 61 61 61 61 61 00"), NULL), STATUS_TOO_BIG);
    cr_assert_eq(apply(doc, hex("01 01 05 00 04 01 01 74 01 61 00"), NULL), STATUS_OK);
    cr_assert_eq(apply(doc, hex("01 01 06 00 04 01 01 74 01 62 00"), NULL), STATUS_OK);
    cr_assert_eq(apply(doc, hex("01 01 07 00 04 01 01 74 01 63 00"), NULL), STATUS_TOO_BIG);

    expect_text(doc, "ab");
    crdt_doc_destroy(doc);
}

Test(update, is_known_says_whether_there_is_news) {
    struct crdt_doc *doc = make(true);
    bool known;
    apply(doc, hex("01 01 01 00 04 01 01 74 03 61 62 63 01 01 01 01 01"), NULL);

    cr_assert_eq(crdt_update_is_known(doc, hex("01 01 01 00 04 01 01 74 03 61 62 63 01 01 01 01 01"), &known), STATUS_OK);
    cr_assert(known);
    cr_assert_eq(crdt_update_is_known(doc, hex("00 00"), &known), STATUS_OK);
    cr_assert(known);
    cr_assert_eq(crdt_update_is_known(doc, hex("01 01 01 03 84 01 02 01 64 00"), &known), STATUS_OK);
    cr_assert_not(known, "a unit");
    cr_assert_eq(crdt_update_is_known(doc, hex("00 01 01 01 01 02"), &known), STATUS_OK);
    cr_assert_not(known, "a deletion");
    cr_assert_eq(crdt_update_is_known(doc, hex("00 01 09 01 00 01"), &known), STATUS_OK);
    cr_assert_not(known, "a deletion of a stranger's unit");
    cr_assert_eq(crdt_update_is_known(doc, hex("00"), &known), STATUS_MALFORMED);
    crdt_doc_destroy(doc);
}

struct ranges {
    struct crdt_range found[8];
    size_t count;
};

static enum status collect(void *context, const struct crdt_range *range) {
    struct ranges *ranges = context;
    ranges->found[ranges->count++] = *range;
    return ranges->count == 3 ? STATUS_DENIED : STATUS_OK;
}

Test(update, each_range_names_the_units_and_passes_over_gaps) {
    struct ranges ranges = { .count = 0 };

    cr_assert_eq(crdt_update_each_range(hex("01 04 01 02 84 01 01 02 63 64 84 01 03 01 65 0a 05 84 01 09 01 66 01 01 01 00 01"),
                                        collect, &ranges),
                 STATUS_OK);
    cr_assert_eq(ranges.count, 2);
    cr_assert(ranges.found[0].client == 1 && ranges.found[0].clock_from == 2 && ranges.found[0].clock_to == 5);
    cr_assert(ranges.found[1].client == 1 && ranges.found[1].clock_from == 10 && ranges.found[1].clock_to == 11);

    cr_assert_eq(crdt_update_each_range(hex("02 01 07 00 00 01 01 06 00 00 01 00"), collect, &ranges), STATUS_DENIED,
                 "visit may stop it");
    cr_assert_eq(ranges.count, 3);
    cr_assert_eq(crdt_update_each_range(hex("02 01 07 00 00 01 01 06 00 00"), collect, &ranges), STATUS_MALFORMED);
    cr_assert_eq(ranges.count, 3, "nothing is named of what is malformed");
}

Test(state_vector, is_yjss_bytes_and_a_diff_begins_inside_a_run) {
    struct crdt_doc *doc = make(true);
    struct bytes_writer writer;
    bytes_writer_init(&writer, &mem_default, 1000);
    apply(doc, hex("02 01 02 00 04 01 01 74 01 78 01 01 00 04 01 01 74 04 61 62 63 64 00"), NULL);

    crdt_state_vector_encode(doc, &writer);
    cr_assert(bytes_equal(bytes_written(&writer), hex("02 02 01 01 04")));
    bytes_writer_reset(&writer);
    cr_assert_eq(crdt_update_encode_diff(doc, hex("02 01 02 02 01"), &writer), STATUS_OK);
    cr_assert(bytes_equal(bytes_written(&writer), hex("01 01 01 02 84 01 01 02 63 64 00")));
    bytes_writer_reset(&writer);
    cr_assert_eq(crdt_update_encode_diff(doc, hex("02 01 04 02 01"), &writer), STATUS_OK);
    cr_assert(bytes_equal(bytes_written(&writer), hex("00 00")));
    cr_assert_eq(crdt_update_encode_diff(doc, hex("02 01 04 02"), &writer), STATUS_MALFORMED);
    cr_assert(bytes_equal(bytes_written(&writer), hex("00 00")), "an error appends nothing");

    bytes_writer_finish(&writer);
    crdt_doc_destroy(doc);
}

Test(state_vector, compare_says_who_misses_what) {
    struct crdt_doc *doc = make(true);
    bool peer_misses;
    bool doc_misses;
    apply(doc, hex("01 01 01 00 04 01 01 74 03 61 62 63 00"), NULL);

    crdt_state_vector_compare(doc, hex("01 01 03"), &peer_misses, &doc_misses);
    cr_assert(!peer_misses && !doc_misses);
    crdt_state_vector_compare(doc, hex("00"), &peer_misses, &doc_misses);
    cr_assert(peer_misses && !doc_misses);
    crdt_state_vector_compare(doc, hex("02 02 01 01 03"), &peer_misses, &doc_misses);
    cr_assert(!peer_misses && doc_misses);
    crdt_state_vector_compare(doc, hex("02 02 00 01 02"), &peer_misses, &doc_misses);
    cr_assert(peer_misses && !doc_misses);
    cr_assert_eq(crdt_state_vector_compare(doc, hex("01 01"), &peer_misses, &doc_misses), STATUS_MALFORMED);
    crdt_doc_destroy(doc);
}

Test(update, a_write_past_the_writers_maximum_appends_nothing) {
    struct crdt_doc *doc = make(true);
    struct bytes_writer writer;
    bytes_writer_init(&writer, &mem_default, 10);
    bytes_write(&writer, bytes_text("before"));
    apply(doc, hex("01 01 01 00 04 01 01 74 03 61 62 63 00"), NULL);

    cr_assert_eq(crdt_update_encode(doc, &writer), STATUS_TOO_BIG);

    cr_assert(bytes_equal_text(bytes_written(&writer), "before"));
    bytes_writer_finish(&writer);
    crdt_doc_destroy(doc);
}

/* A tree of types as deep as the update allows: deleting and collecting it must not use the C stack. */
Test(update, a_deep_tree_of_types_is_deleted_without_recursion) {
    enum { DEPTH = 60000 };
    struct crdt_doc *doc = make(true);
    struct bytes_writer update;
    struct crdt_update_result result;
    bytes_writer_init(&update, &mem_default, SIZE_MAX);
    bytes_write(&update, hex("01 e0 d4 03 01 00 07 01 01 61 00"));
    for (uint32_t i = 1; i < DEPTH; i++) {
        uint32_t parent = i - 1;
        uint8_t type[] = {
            0x07, 0x00, 0x01, (uint8_t)(0x80 | parent), (uint8_t)(0x80 | parent >> 7), (uint8_t)(parent >> 14), 0x00
        };
        bytes_write(&update, bytes_of(type, sizeof type));
    }
    bytes_write_u8(&update, 0);

    cr_assert_eq(apply(doc, bytes_written(&update), &result), STATUS_OK);
    cr_assert_eq(result.units_new, DEPTH);
    cr_assert_eq(apply(doc, hex("00 01 01 01 00 01"), &result), STATUS_OK);

    cr_assert_eq(result.units_deleted, DEPTH);
    cr_assert_eq(crdt_doc_size(doc).structs, 2, "one Deleted, one GC");
    bytes_writer_finish(&update);
    crdt_doc_destroy(doc);
}

Test(update, collected_text_gives_its_memory_back) {
    struct crdt_doc *doc = make(true);
    struct crdt_type *text;
    char page[1000];
    memset(page, 'x', sizeof page);
    crdt_doc_root(doc, bytes_text("t"), &text);
    for (int i = 0; i < 400; i++) {
        struct crdt_txn *txn = crdt_txn_begin(doc);
        cr_assert_eq(crdt_text_insert(txn, text, 0, bytes_of(page, sizeof page)), STATUS_OK);
        crdt_txn_commit(txn, NULL, NULL);
        txn = crdt_txn_begin(doc);
        cr_assert_eq(crdt_text_delete(txn, text, 0, sizeof page), STATUS_OK);
        crdt_txn_commit(txn, NULL, NULL);
    }
    cr_assert_lt(crdt_doc_size(doc).heap_bytes, 60000);
    cr_assert_lt(crdt_doc_size(doc).structs, 10);
    cr_assert_eq(doc_check(doc, NULL), 0);
    crdt_doc_destroy(doc);
}

/* Cutting a long text that is not ASCII, back to front: each cut must not walk all of it. */
Test(update, long_contents_are_cut_quickly) {
    enum { UNITS = 200000 };
    struct crdt_doc *doc = make(true);
    struct crdt_type *text;
    struct bytes_writer page;
    bytes_writer_init(&page, &mem_default, SIZE_MAX);
    for (int i = 0; i < UNITS / 4; i++)
        bytes_write(&page, bytes_text("\xed\x95\x9c\xf0\x9f\x98\x80x"));
    crdt_doc_root(doc, bytes_text("t"), &text);
    struct crdt_txn *txn = crdt_txn_begin(doc);
    cr_assert_eq(crdt_text_insert(txn, text, 0, bytes_written(&page)), STATUS_OK);
    crdt_txn_commit(txn, NULL, NULL);
    cr_assert_eq(crdt_text_length(text), UNITS);
    cr_assert_geq(crdt_doc_size(doc).structs, UNITS / CONTENT_UNITS_MAX);

    struct bytes_writer cuts; /* deletions of single units from the end on */
    bytes_writer_init(&cuts, &mem_default, SIZE_MAX);
    for (uint64_t clock = UNITS - 1; clock > UNITS - 20000; clock -= 4) {
        bytes_writer_reset(&cuts);
        bytes_write(&cuts, hex("00 01"));
        varint_write(&cuts, 1000);
        varint_write(&cuts, 1);
        varint_write(&cuts, clock);
        varint_write(&cuts, 1);
        txn = crdt_txn_begin(doc);
        cr_assert_eq(crdt_update_apply(txn, bytes_written(&cuts), NULL), STATUS_OK);
        crdt_txn_commit(txn, NULL, NULL);
    }

    cr_assert_eq(doc_check(doc, NULL), 0);
    cr_assert_eq(crdt_text_length(text), UNITS - 5000);
    bytes_writer_finish(&page);
    bytes_writer_finish(&cuts);
    crdt_doc_destroy(doc);
}

Test(update, long_runs_of_values_come_out_as_they_came_in) {
    enum { VALUES = 3000 };
    struct crdt_doc *doc = make(true);
    struct bytes_writer update;
    struct bytes_writer out;
    bytes_writer_init(&update, &mem_default, SIZE_MAX);
    bytes_writer_init(&out, &mem_default, SIZE_MAX);
    bytes_write(&update, hex("01 01 01 00 08 01 01 61"));
    varint_write(&update, VALUES);
    for (int i = 0; i < VALUES; i++)
        bytes_write(&update, hex("77 03 61 62 63"));
    bytes_write(&update, hex("01 01 01 05 02")); /* two of them deleted */

    cr_assert_eq(apply(doc, bytes_written(&update), NULL), STATUS_OK);
    crdt_update_encode(doc, &out);
    struct crdt_doc *copy = make(true);
    cr_assert_eq(apply(copy, bytes_written(&out), NULL), STATUS_OK);
    cr_assert_eq(crdt_doc_clock(copy, 1), VALUES);
    cr_assert_gt(crdt_doc_size(copy).structs, 3);
    bytes_writer_reset(&update);
    crdt_update_encode(copy, &update);

    cr_assert(bytes_equal(bytes_written(&update), bytes_written(&out)));
    bytes_writer_finish(&update);
    bytes_writer_finish(&out);
    crdt_doc_destroy(doc);
    crdt_doc_destroy(copy);
}

Test(update, the_walk_over_concurrent_runs_is_counted) {
    struct crdt_doc *doc = make(true);
    struct crdt_update_result result;

    apply(doc, hex("01 01 05 00 04 01 01 74 01 61 00"), &result);
    cr_assert_eq(result.conflict_steps, 0);
    apply(doc, hex("01 01 06 00 04 01 01 74 01 62 00"), &result);
    cr_assert_eq(result.conflict_steps, 1);
    apply(doc, hex("01 01 07 00 04 01 01 74 01 63 00"), &result);
    cr_assert_eq(result.conflict_steps, 2);

    expect_text(doc, "abc");
    crdt_doc_destroy(doc);
}

/* A client's text at the end of what `known`, if there is any, brought; as an update. */
static void type_behind(uint64_t client, struct bytes known, const char *word, struct bytes_writer *out) {
    struct crdt_doc *doc;
    struct crdt_type *text;
    cr_assert_eq(crdt_doc_create(&(struct crdt_doc_options){ .client_id = client, .gc = true }, &doc), STATUS_OK);
    cr_assert_eq(crdt_doc_root(doc, bytes_text("t"), &text), STATUS_OK);
    if (known.size > 0)
        cr_assert_eq(apply(doc, known, NULL), STATUS_OK);
    struct crdt_txn *txn = crdt_txn_begin(doc);
    cr_assert_eq(crdt_text_insert(txn, text, crdt_text_length(text), bytes_text(word)), STATUS_OK);
    bytes_writer_init(out, &mem_default, 1000);
    cr_assert_eq(crdt_txn_commit(txn, out, NULL), STATUS_OK);
    crdt_doc_destroy(doc);
}

/* The walk over siblings asks for no ordinal until it meets one of their children, by which time there are more than its short list
 * holds. */
Test(update, a_child_behind_many_siblings_is_passed_with_its_parent) {
    enum { SIBLINGS = 40 };
    for (uint64_t parent = 1; parent <= SIBLINGS; parent++) {
        struct crdt_doc *doc = make(true);
        struct bytes_writer update, child;
        char wanted[SIBLINGS + 3] = "";
        for (uint64_t client = 1; client <= SIBLINGS; client++) {
            type_behind(client, bytes_of(NULL, 0), "a", &update);
            cr_assert_eq(apply(doc, bytes_written(&update), NULL), STATUS_OK);
            strcat(wanted, "a");
            if (client == parent) {
                type_behind(500, bytes_written(&update), "b", &child);
                cr_assert_eq(apply(doc, bytes_written(&child), NULL), STATUS_OK);
                bytes_writer_finish(&child);
                strcat(wanted, "b");
            }
            bytes_writer_finish(&update);
        }
        type_behind(SIBLINGS + 1, bytes_of(NULL, 0), "z", &update);

        cr_assert_eq(apply(doc, bytes_written(&update), NULL), STATUS_OK);

        expect_text(doc, strcat(wanted, "z"));
        bytes_writer_finish(&update);
        crdt_doc_destroy(doc);
    }
}

Test(doc, one_insert_takes_little_more_than_its_text) {
    struct crdt_doc *doc = make(true);
    struct crdt_type *text;
    static char page[5001];
    memset(page, 'x', sizeof page - 1);
    cr_assert_eq(crdt_doc_root(doc, bytes_text("t"), &text), STATUS_OK);
    struct crdt_txn *txn = crdt_txn_begin(doc);
    cr_assert_eq(crdt_text_insert(txn, text, 0, bytes_text(page)), STATUS_OK);
    cr_assert_eq(crdt_txn_commit(txn, NULL, NULL), STATUS_OK);

    cr_assert_leq(crdt_doc_size(doc).heap_bytes, 5000 + 1100);
    crdt_doc_destroy(doc);
}
