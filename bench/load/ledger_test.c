#include "ledger.h"

#include "load.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct ledger ledger;
static struct ledger_view view;

static void set_up(void) {
    ledger_init(&ledger, 2, 3);
    ledger_view_init(&ledger, &view);
    view.live = true;
    ledger.measuring = true;
    for (uint64_t n = 0; n < 10; n++)
        ledger_send(&ledger, 1, 2, 1000 * n);
}

static void tear_down(void) {
    ledger_view_finish(&view);
    ledger_finish(&ledger);
}

TestSuite(ledger, .init = set_up, .fini = tear_down);

Test(ledger, counts_each_number_once_with_its_latency) {
    ledger_receive(&ledger, &view, 1, 2, 0, 1, 500);
    ledger_receive(&ledger, &view, 1, 2, 1, 4, 3500); /* a server that merges */

    cr_assert_eq(ledger.delivered, 4);
    cr_assert_eq(ledger.duplicated, 0);
    cr_assert_eq(ledger.latency.total, 4);
    cr_assert_eq(ledger.latency.max_ns, 2500);
    cr_assert_eq(ledger_lacks(&ledger, &view, 1, SIZE_MAX), 6);
    cr_assert_eq(ledger_lacks(&ledger, &view, 1, 2), 0, "its own lane needs nothing");
}

Test(ledger, a_gap_is_missing_until_it_is_filled) {
    ledger_receive(&ledger, &view, 1, 2, 0, 2, 9000);
    ledger_receive(&ledger, &view, 1, 2, 5, 10, 9000);
    cr_assert_eq(ledger_lacks(&ledger, &view, 1, SIZE_MAX), 3);

    ledger_receive(&ledger, &view, 1, 2, 2, 5, 9500);

    cr_assert_eq(ledger_lacks(&ledger, &view, 1, SIZE_MAX), 0);
    cr_assert_eq(ledger.delivered, 10);
    cr_assert_eq(ledger.duplicated, 0);
}

Test(ledger, twice_the_same_is_a_duplicate) {
    ledger_receive(&ledger, &view, 1, 2, 0, 4, 9000);
    ledger_receive(&ledger, &view, 1, 2, 2, 6, 9000);

    cr_assert_eq(ledger.duplicated, 2);
    cr_assert_eq(ledger.delivered, 6);
}

Test(ledger, what_came_before_a_reader_was_live_is_no_delivery) {
    view.live = false;
    ledger_receive(&ledger, &view, 1, 2, 0, 10, 9000);

    cr_assert_eq(ledger.delivered, 0);
    cr_assert_eq(ledger_lacks(&ledger, &view, 1, SIZE_MAX), 0);
}

Test(ledger, the_newest_state_stands_for_those_before_it_if_it_is_in_time) {
    ledger.newest_only = true;
    ledger.in_time_ns = 2000;

    ledger_receive(&ledger, &view, 1, 2, 3, 4, 4000); /* number 3 was due at 3000 */
    ledger_receive(&ledger, &view, 1, 2, 7, 8, 9500); /* number 7 was due at 7000 */

    cr_assert_eq(ledger.delivered, 4);
    cr_assert_eq(ledger.late, 4);
    cr_assert_eq(ledger.duplicated, 0);
}

Test(ledger, agrees_with_a_naive_twin_on_random_arrivals) {
    enum { NUMBERS = 40 };
    for (unsigned seed = 0; seed < 300; seed++) {
        struct ledger crowd;
        struct ledger_view reader;
        bool has[NUMBERS] = { false };
        uint64_t distinct = 0, unknown = 0;
        uint64_t top = 0;
        srand(seed);
        ledger_init(&crowd, 1, 1);
        ledger_view_init(&crowd, &reader);
        reader.live = crowd.measuring = true;
        for (uint64_t n = 0; n < NUMBERS; n++)
            ledger_send(&crowd, 0, 0, 0);
        for (int i = 0; i < 20; i++) {
            /* In order with gaps, or the diff that fills all gaps: that is what servers send. */
            uint64_t from = rand() % 3 == 0 ? top : top + (uint64_t)rand() % 3, to = from + 1 + (uint64_t)rand() % 3;
            to = to < NUMBERS ? to : NUMBERS;
            for (uint64_t n = from; n < to; n++)
                has[n] = true;
            ledger_receive(&crowd, &reader, 0, 0, from, to, 1);
            top = to > top ? to : top;
        }
        for (uint64_t n = 0; n < NUMBERS; n++) {
            distinct += has[n];
            unknown += !has[n];
        }

        cr_expect_eq(crowd.delivered, distinct, "seed %u", seed);
        cr_expect_eq(ledger_lacks(&crowd, &reader, 0, SIZE_MAX), unknown, "seed %u", seed);
        ledger_view_finish(&reader);
        ledger_finish(&crowd);
    }
}

Test(histogram, percentiles_are_at_most_three_per_cent_above) {
    static struct histogram histogram;
    for (uint64_t ns = 1; ns <= 100000; ns++)
        histogram_add(&histogram, ns);

    for (unsigned per_mille = 10; per_mille < 1000; per_mille += 10) {
        uint64_t truth = 100 * per_mille, told = histogram_percentile(&histogram, per_mille);
        cr_expect(told >= truth && told <= truth * 103 / 100 + 1, "%u: %lu", per_mille, (unsigned long)told);
    }
    cr_assert_eq(histogram_percentile(&histogram, 1000), 100000);
}

Test(updates, are_read_as_they_were_written_and_are_updates_for_a_document) {
    struct crdt_doc *doc;
    struct crdt_type *text;
    struct bytes_writer update;
    uint64_t client, clock, characters;
    cr_assert_eq(crdt_doc_create(&(struct crdt_doc_options){ .gc = true }, &doc), STATUS_OK);
    for (uint64_t n = 0; n < 300; n++) {
        bytes_writer_init(&update, &mem_default, 4096);
        update_write(&update, 0x10000005, n * 7, 7);
        cr_assert(update_read(bytes_written(&update), &client, &clock, &characters));
        cr_assert(client == 0x10000005 && clock == n * 7 && characters == 7);
        for (size_t size = 0; size < update.size; size++)
            cr_expect_not(update_read(bytes_of(update.data, size), &client, &clock, &characters));

        struct crdt_txn *txn = crdt_txn_begin(doc);
        cr_assert_eq(crdt_update_apply(txn, bytes_written(&update), NULL), STATUS_OK);
        crdt_txn_commit(txn, NULL, NULL);
        bytes_writer_finish(&update);
    }
    bytes_writer_init(&update, &mem_default, 1 << 20);
    uint64_t filled = update_write_document(&update, 30000);
    struct crdt_txn *txn = crdt_txn_begin(doc);
    cr_assert_eq(crdt_update_apply(txn, bytes_written(&update), NULL), STATUS_OK);
    crdt_txn_commit(txn, NULL, NULL);

    cr_assert_eq(crdt_doc_root(doc, bytes_text("text"), &text), STATUS_OK);
    cr_assert_eq(crdt_text_length(text), 2100 + filled);
    cr_assert(update.size > 25000 && update.size < 40000, "%zu", update.size);
    bytes_writer_finish(&update);
    crdt_doc_destroy(doc);
}
