#include "crdt/crdt.h"
#include "doc_check.h"
#include "ground/varint.h"

#include <criterion/criterion.h>

enum { BASE_RUNS = 2000, UPDATE_RUNS = 200, WRITER = 9, STEPS_MAX = 300000 };

struct stage {
    struct crdt_doc *doc;
    struct crdt_type *text;
    struct bytes_writer before;
};

static void write_state(const struct crdt_doc *doc, struct bytes_writer *out) {
    bytes_writer_init(out, &mem_default, SIZE_MAX);
    cr_assert_eq(crdt_update_encode(doc, out), STATUS_OK);
}

/* Two clients by turns, one unit each: as many runs as units. */
static struct stage stage_make(void) {
    struct stage stage;
    cr_assert_eq(crdt_doc_create(&(struct crdt_doc_options){ .client_id = 1, .gc = true }, &stage.doc), STATUS_OK);
    cr_assert_eq(crdt_doc_root(stage.doc, bytes_text("t"), &stage.text), STATUS_OK);
    for (uint64_t i = 0; i < BASE_RUNS; i++) {
        crdt_doc_set_client_id(stage.doc, 1 + i % 2);
        struct crdt_txn *txn = crdt_txn_begin(stage.doc);
        cr_assert_eq(crdt_text_insert(txn, stage.text, i, bytes_text("a")), STATUS_OK);
        crdt_txn_commit(txn, NULL, NULL);
    }
    write_state(stage.doc, &stage.before);
    return stage;
}

static void stage_finish(struct stage *stage) {
    bytes_writer_finish(&stage->before);
    crdt_doc_destroy(stage->doc);
}

/* UPDATE_RUNS runs before the last unit, each inserted at the beginning (it meets everything in between) or behind the last unit
 * but one. */
static struct bytes_writer runs_before_the_end(bool at_the_beginning) {
    struct bytes_writer update;
    bytes_writer_init(&update, &mem_default, SIZE_MAX);
    varint_write(&update, 1);
    varint_write(&update, UPDATE_RUNS);
    varint_write(&update, WRITER);
    varint_write(&update, 0);
    for (unsigned i = 0; i < UPDATE_RUNS; i++) {
        bytes_write_u8(&update, at_the_beginning ? 0x44 : 0xc4);
        if (!at_the_beginning) { /* behind the last unit but one */
            varint_write(&update, 1);
            varint_write(&update, BASE_RUNS / 2 - 1);
        }
        varint_write(&update, 2);
        varint_write(&update, BASE_RUNS / 2 - 1);
        varint_write(&update, 1);
        bytes_write_u8(&update, 'x');
    }
    varint_write(&update, 0);
    return update;
}

static enum status stage_apply(struct stage *stage, struct bytes update, struct crdt_update_result *result) {
    struct crdt_txn *txn = crdt_txn_begin(stage->doc);
    enum status status = crdt_update_apply(txn, update, result);
    crdt_txn_commit(txn, NULL, NULL);
    cr_assert_eq(doc_check(stage->doc, NULL), 0);
    return status;
}

Test(trial, an_update_that_walks_too_far_is_refused_and_changes_nothing) {
    struct stage stage = stage_make();
    struct bytes_writer update = runs_before_the_end(true);
    crdt_doc_set_conflict_steps_max(stage.doc, STEPS_MAX);

    cr_expect_eq(stage_apply(&stage, bytes_written(&update), NULL), STATUS_TOO_BIG);

    struct bytes_writer after;
    write_state(stage.doc, &after);
    cr_expect(bytes_equal(bytes_written(&after), bytes_written(&stage.before)));
    bytes_writer_finish(&after);
    bytes_writer_finish(&update);
    stage_finish(&stage);
}

Test(trial, the_same_update_is_taken_without_a_bound_and_is_as_costly_as_was_said) {
    struct stage stage = stage_make();
    struct bytes_writer update = runs_before_the_end(true);
    struct crdt_update_result result;

    cr_expect_eq(stage_apply(&stage, bytes_written(&update), &result), STATUS_OK);

    cr_expect_gt(result.conflict_steps, STEPS_MAX);
    cr_expect_eq(crdt_text_length(stage.text), BASE_RUNS + UPDATE_RUNS);
    bytes_writer_finish(&update);
    stage_finish(&stage);
}

Test(trial, an_update_of_as_many_runs_that_meets_few_is_taken) {
    struct stage stage = stage_make();
    struct bytes_writer update = runs_before_the_end(false);
    struct crdt_update_result result;
    crdt_doc_set_conflict_steps_max(stage.doc, STEPS_MAX);

    cr_expect_eq(stage_apply(&stage, bytes_written(&update), &result), STATUS_OK);

    cr_expect_eq(result.units_new, UPDATE_RUNS);
    cr_expect_lt(result.conflict_steps, STEPS_MAX);
    bytes_writer_finish(&update);
    stage_finish(&stage);
}

/* Clock 5 of client 1, while 0 to 4 are on their way: the text "x" behind unit 4. */
static const uint8_t ahead[] = { 1, 1, 1, 5, 0x84, 1, 4, 1, 'x', 0 };

Test(trial, an_update_that_only_waits_is_taken_into_an_empty_document) {
    struct crdt_doc *doc;
    struct crdt_update_result result;
    cr_assert_eq(crdt_doc_create(&(struct crdt_doc_options){ .client_id = 1 }, &doc), STATUS_OK);
    crdt_doc_set_conflict_steps_max(doc, STEPS_MAX);
    struct crdt_txn *txn = crdt_txn_begin(doc);

    cr_expect_eq(crdt_update_apply(txn, bytes_of(ahead, sizeof ahead), &result), STATUS_OK);

    crdt_txn_commit(txn, NULL, NULL);
    cr_expect(result.parked);
    crdt_doc_destroy(doc);
}
