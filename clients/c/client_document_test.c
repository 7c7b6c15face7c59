#include "client_script_test.h"

#include <criterion/criterion.h>

static const uint8_t update_hi[] = { 1, 1, 9, 0, 4, 1, 4, 't', 'e', 'x', 't', 2, 'h', 'i', 0 };
static const uint8_t vector_empty[] = { 0 };
static const uint8_t update_empty[] = { 0, 0 };

/* A replica of the far end: applies what the client sends. */
struct far {
    struct crdt_doc *doc;
    struct crdt_type *text;
};

static struct far far_create(void) {
    struct far far;
    struct crdt_doc_options options = { .client_id = 4711, .gc = true };
    cr_assert_eq(crdt_doc_create(&options, &far.doc), STATUS_OK);
    cr_assert_eq(crdt_doc_root(far.doc, bytes_text("text"), &far.text), STATUS_OK);
    return far;
}

static void far_apply(struct far *far, struct bytes update) {
    struct crdt_txn *txn = crdt_txn_begin(far->doc);
    cr_assert_eq(crdt_update_apply(txn, update, NULL), STATUS_OK);
    crdt_txn_commit(txn, NULL, NULL);
}

static const char *far_text(struct far *far) {
    static char text[4096];
    struct bytes_writer writer;
    bytes_writer_init(&writer, &mem_default, sizeof text - 1);
    cr_assert_eq(crdt_text_write(far->doc, far->text, &writer), STATUS_OK);
    memcpy(text, writer.data ? writer.data : (const uint8_t *)"", writer.size);
    text[writer.size] = '\0';
    bytes_writer_finish(&writer);
    return text;
}

static struct bytes_writer far_vector(struct far *far) {
    struct bytes_writer vector;
    bytes_writer_init(&vector, &mem_default, 4096);
    cr_assert_eq(crdt_state_vector_encode(far->doc, &vector), STATUS_OK);
    return vector;
}

/* Reconnects and resumes against the far replica, which takes what the client sends. Answers the number of updates. */
static unsigned resume(struct script *script, struct far *far) {
    struct bytes_writer vector = far_vector(far), update, diff;
    bytes_writer_init(&update, &mem_default, 1 << 20);
    bytes_writer_init(&diff, &mem_default, 1 << 20);
    script_wait(script, script->retry_at_ms - script->now_ms);
    script_dial(script);
    script_join(script);
    unsigned count = script_open(script, bytes_written(&vector), &update);
    if (count > 0)
        far_apply(far, bytes_written(&update));
    cr_assert_eq(crdt_update_encode(far->doc, &diff), STATUS_OK);
    script_say_update(script, bytes_written(&diff));
    bytes_writer_finish(&vector);
    bytes_writer_finish(&update);
    bytes_writer_finish(&diff);
    return count;
}

Test(client_document, edits_of_a_turn_are_values_of_one_message) {
    struct script script;
    struct far far = far_create();
    script_start(&script);

    cr_assert_eq(client_document_insert(script.document, 0, bytes_text("hello")), STATUS_OK);
    cr_assert_eq(client_document_replace(script.document, 0, 1, bytes_text("J")), STATUS_OK);
    cr_assert_eq(client_document_delete(script.document, 4, 1), STATUS_OK);

    struct bytes output = client_output(script.client);
    cr_assert_eq(output.data[0], 0x82);
    cr_assert_eq((output.data[1] & 0x7f) + 6u, output.size, "one frame");
    for (int i = 0; i < 3; i++) {
        struct wire_value value = script_expect(&script, WIRE_UPDATE);
        cr_assert_eq(value.doc, SCRIPT_DOC);
        far_apply(&far, value.payload);
    }
    cr_assert_str_eq(far_text(&far), "Jell");
    cr_assert_str_eq(script_text(&script), "Jell");
    crdt_doc_destroy(far.doc);
    script_finish(&script);
}

Test(client_document, is_saved_when_the_last_update_is_acknowledged_and_not_before) {
    struct script script;
    script_start(&script);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(client_document_insert(script.document, 0, bytes_text("x")), STATUS_OK);
    cr_assert_not(client_document_saved(script.document));

    script_say_ack(&script, 2);
    cr_assert_str_eq(script_events(&script), "");
    cr_assert_not(client_document_saved(script.document));
    script_say_ack(&script, 1); /* an older one changes nothing */
    script_say_ack(&script, 3);

    cr_assert_str_eq(script_events(&script), "S");
    cr_assert(client_document_saved(script.document));
    cr_assert_eq(client_document_progress(script.document).acknowledged, 3);
    script_finish(&script);
}

Test(client_document, edits_in_flight_at_a_loss_are_sent_again) {
    struct script script;
    struct far far = far_create();
    script_start(&script);
    cr_assert_eq(client_document_insert(script.document, 0, bytes_text("kept ")), STATUS_OK);
    far_apply(&far, script_expect(&script, WIRE_UPDATE).payload);
    script_say_ack(&script, 1);
    cr_assert_eq(client_document_insert(script.document, 5, bytes_text("lost ")), STATUS_OK);
    script_expect(&script, WIRE_UPDATE); /* the far end dies with it */

    script_break(&script);
    cr_assert_eq(client_document_insert(script.document, 10, bytes_text("offline")), STATUS_OK);
    cr_assert_eq(client_document_delete(script.document, 0, 1), STATUS_OK);
    cr_assert_eq(resume(&script, &far), 1, "one diff");

    cr_assert_str_eq(far_text(&far), "ept lost offline");
    cr_assert_str_eq(script_text(&script), "ept lost offline");
    cr_assert_not(client_document_saved(script.document));
    script_say_ack(&script, 1);
    cr_assert(client_document_saved(script.document));
    cr_assert_str_eq(script_events(&script), "SLJRS");
    struct client_progress progress = client_document_progress(script.document);
    cr_assert_eq(progress.opening, 2);
    cr_assert_eq(progress.units_missing, 0);
    crdt_doc_destroy(far.doc);
    script_finish(&script);
}

Test(client_document, a_server_that_forgot_what_it_acknowledged_is_found_out_and_healed) {
    struct script script;
    struct far far = far_create();
    script_start(&script);
    cr_assert_eq(client_document_insert(script.document, 0, bytes_text("durable")), STATUS_OK);
    script_expect(&script, WIRE_UPDATE);
    script_say_ack(&script, 1);
    cr_assert(client_document_saved(script.document));

    script_break(&script);
    resume(&script, &far);

    cr_assert_eq(client_document_progress(script.document).units_missing, 7);
    cr_assert_str_eq(far_text(&far), "durable");
    crdt_doc_destroy(far.doc);
    script_finish(&script);
}

Test(client_document, what_others_wrote_meanwhile_arrives_with_the_resume) {
    struct script script;
    struct far far = far_create();
    script_start(&script);

    script_break(&script);
    far_apply(&far, bytes_of(update_hi, sizeof update_hi));
    resume(&script, &far);

    cr_assert_str_eq(script_text(&script), "hi");
    cr_assert_str_eq(script_events(&script), "LJRC");
    crdt_doc_destroy(far.doc);
    script_finish(&script);
}

Test(client_document, is_ready_only_when_it_has_what_the_server_had) {
    static const uint8_t vector_hi[] = { 1, 9, 2 };
    struct script script;
    cr_assert_eq(script_create(&script, NULL, "a.txt"), STATUS_OK);
    script_dial(&script);
    script_join(&script);
    script_open(&script, bytes_of(vector_hi, sizeof vector_hi), NULL);
    cr_assert_eq(client_document_insert(script.document, 0, bytes_text("x")), STATUS_UNAVAILABLE);

    script_say_update(&script, bytes_of(update_empty, 2)); /* somebody else's, before the answer */
    cr_assert_eq(client_document_state(script.document), CLIENT_DOCUMENT_SYNCING);
    script_say_update(&script, bytes_of(update_hi, sizeof update_hi));

    cr_assert_eq(client_document_state(script.document), CLIENT_DOCUMENT_LIVE);
    cr_assert_str_eq(script_events(&script), "JRC");
    script_finish(&script);
}

Test(client_document, a_rejection_keeps_the_text_readable_and_sends_nothing_more) {
    struct script script;
    struct bytes_writer values;
    script_start(&script);
    cr_assert_eq(client_document_insert(script.document, 0, bytes_text("unwanted")), STATUS_OK);
    script_expect(&script, WIRE_UPDATE);
    struct wire_doc_rejected rejected = {
        .doc = SCRIPT_DOC, .count = 1, .code = WIRE_CODE_PERMISSION_DENIED, .message = bytes_text("read only now")
    };
    bytes_writer_init(&values, &mem_default, 1024);
    wire_notification_begin(&values, "doc.rejected");
    wire_doc_rejected_write(&values, &rejected);

    script_say(&script, &values);

    cr_assert_str_eq(script_events(&script), "H");
    cr_assert_eq(script.fault, WIRE_CODE_PERMISSION_DENIED);
    cr_assert_eq(client_document_state(script.document), CLIENT_DOCUMENT_REJECTED);
    cr_assert_str_eq(script_text(&script), "unwanted");
    cr_assert_eq(client_document_insert(script.document, 0, bytes_text("more")), STATUS_CONFLICT);
    cr_assert_not(client_document_saved(script.document));

    cr_assert_eq(client_document_reopen(script.document), STATUS_OK);
    script_expect_request(&script, "doc.close");
    script_open(&script, bytes_of(vector_empty, 1), NULL);
    script_say_update(&script, bytes_of(update_empty, 2));
    cr_assert_str_eq(script_events(&script), "R");
    cr_assert_str_eq(script_text(&script), "");
    script_finish(&script);
}

Test(client_document, another_epoch_is_told_and_nothing_is_merged) {
    struct script script;
    struct bytes_writer values;
    script_start(&script);
    cr_assert_eq(client_document_insert(script.document, 0, bytes_text("old world")), STATUS_OK);
    script_break(&script);
    script_wait(&script, script.retry_at_ms - script.now_ms);
    script_dial(&script);
    script_join(&script);
    script_events(&script);
    struct wire_value request = script_expect_request(&script, "doc.open");
    struct wire_doc_open open;
    cr_assert_eq(wire_doc_open_read(request.params, &open).status, STATUS_OK);
    cr_assert(open.has_epoch);
    cr_assert_eq(open.epoch, 1);
    struct wire_fault fault = wire_fault(WIRE_CODE_EPOCH_MISMATCH);
    fault.has_epoch = true;
    fault.epoch = 2;

    bytes_writer_init(&values, &mem_default, 1024);
    wire_error_write(&values, request.msgid, &fault);
    script_say(&script, &values);

    cr_assert_str_eq(script_events(&script), "H");
    cr_assert_eq(client_document_state(script.document), CLIENT_DOCUMENT_EPOCH);
    cr_assert_str_eq(script_text(&script), "old world");
    cr_assert_eq(client_document_reopen(script.document), STATUS_OK);
    cr_assert_eq(wire_doc_open_read(script_expect_request(&script, "doc.open").params, &open).status, STATUS_OK);
    cr_assert_not(open.has_epoch);
    script_finish(&script);
}

Test(client_document, refused_openings_are_tried_again_or_told) {
    static const struct {
        enum wire_code code;
        const char *events;
        enum client_document_state state;
    } cases[] = {
        { WIRE_CODE_NOT_FOUND, "JH", CLIENT_DOCUMENT_FAILED },
        { WIRE_CODE_PERMISSION_DENIED, "JH", CLIENT_DOCUMENT_FAILED },
        { WIRE_CODE_UNAVAILABLE, "J", CLIENT_DOCUMENT_WAITING },
        { WIRE_CODE_CLIENT_ID_TAKEN, "J", CLIENT_DOCUMENT_OPENING },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct script script;
        struct bytes_writer values;
        struct wire_fault fault = wire_fault(cases[i].code);
        struct wire_doc_open first, second;
        cr_assert_eq(script_create(&script, NULL, "a.txt"), STATUS_OK);
        script_dial(&script);
        script_join(&script);
        struct wire_value request = script_expect_request(&script, "doc.open");
        cr_assert_eq(wire_doc_open_read(request.params, &first).status, STATUS_OK);

        bytes_writer_init(&values, &mem_default, 1024);
        wire_error_write(&values, request.msgid, &fault);
        script_say(&script, &values);

        cr_assert_str_eq(script_events(&script), cases[i].events);
        cr_assert_eq(client_document_state(script.document), cases[i].state);
        if (cases[i].state != CLIENT_DOCUMENT_FAILED) {
            script_wait(&script, 2 * CLIENT_BACKOFF_MIN_MS);
            cr_assert_eq(wire_doc_open_read(script_expect_request(&script, "doc.open").params, &second).status, STATUS_OK);
            cr_assert_eq(first.client_id != second.client_id, cases[i].code == WIRE_CODE_CLIENT_ID_TAKEN);
        }
        script_finish(&script);
    }
}

Test(client_document, edits_are_checked_before_anything_changes) {
    struct script script;
    script_start(&script);
    cr_assert_eq(client_document_insert(script.document, 0, bytes_text("abc")), STATUS_OK);

    cr_assert_eq(client_document_insert(script.document, 4, bytes_text("x")), STATUS_RANGE);
    cr_assert_eq(client_document_delete(script.document, 2, 2), STATUS_RANGE);
    cr_assert_eq(client_document_delete(script.document, 1, UINT64_MAX), STATUS_RANGE);
    cr_assert_eq(client_document_insert(script.document, 0, bytes_of("\xff", 1)), STATUS_MALFORMED);
    cr_assert_eq(client_document_replace(script.document, 0, 1, bytes_of("\xed\xa0\x80", 3)), STATUS_MALFORMED);

    cr_assert_str_eq(script_text(&script), "abc");
    cr_assert_eq(client_document_progress(script.document).sent, 1);
    script_finish(&script);
}

Test(client_document, too_much_in_flight_is_held_back_and_leaves_as_one_update) {
    struct script script;
    struct far far = far_create();
    struct wire_value value;
    unsigned updates = 0;
    script_start(&script);
    for (int i = 0; i < CLIENT_IN_FLIGHT_MAX + 100; i++) {
        cr_assert_eq(client_document_insert(script.document, 0, bytes_text("x")), STATUS_OK);
        if (i % 1000 == 0)
            script_listen(&script);
    }
    cr_assert_eq(client_document_progress(script.document).sent, CLIENT_IN_FLIGHT_MAX);
    cr_assert(client_document_progress(script.document).owes);

    script_say_ack(&script, CLIENT_IN_FLIGHT_MAX);
    cr_assert_not(client_document_saved(script.document));
    while (script_hear(&script, &value) == STATUS_OK) {
        far_apply(&far, value.payload);
        updates++;
    }

    cr_assert_eq(updates, CLIENT_IN_FLIGHT_MAX + 1);
    cr_assert_eq(crdt_text_length(far.text), CLIENT_IN_FLIGHT_MAX + 100);
    script_say_ack(&script, CLIENT_IN_FLIGHT_MAX + 1);
    cr_assert(client_document_saved(script.document));
    crdt_doc_destroy(far.doc);
    script_finish(&script);
}

Test(client_document, the_announced_pace_is_kept_by_merging) {
    struct script script;
    struct wire_value value;
    unsigned updates = 0;
    cr_assert_eq(script_create(&script, NULL, "a.txt"), STATUS_OK);
    script.limits.updates_per_second = 40;
    script_dial(&script);
    script_join(&script);
    script_open(&script, bytes_of(vector_empty, 1), NULL);
    script_say_update(&script, bytes_of(update_empty, 2));

    for (int ms = 0; ms < 1000; ms++) {
        cr_assert_eq(client_document_insert(script.document, 0, bytes_text("x")), STATUS_OK);
        while (script_hear(&script, &value) == STATUS_OK)
            updates += value.kind == WIRE_UPDATE;
        script_wait(&script, 1);
    }
    script_wait(&script, 250);
    while (script_hear(&script, &value) == STATUS_OK)
        updates += value.kind == WIRE_UPDATE;

    cr_assert(updates > 10 && updates <= 40, "%u", updates);
    cr_assert_not(client_document_progress(script.document).owes);
    script_finish(&script);
}

Test(client_document, a_deleted_file_halts_and_a_busy_one_is_opened_again) {
    static const enum wire_gone reasons[] = { WIRE_GONE_DELETED, WIRE_GONE_UNAVAILABLE, WIRE_GONE_EPOCH };
    static const enum client_document_state states[] = { CLIENT_DOCUMENT_FAILED, CLIENT_DOCUMENT_WAITING, CLIENT_DOCUMENT_EPOCH };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        struct script script;
        struct bytes_writer values;
        script_start(&script);
        struct wire_doc_gone gone = {
            .doc = SCRIPT_DOC, .file = client_document_file(script.document), .reason = reasons[i], .epoch = 9
        };
        bytes_writer_init(&values, &mem_default, 1024);
        wire_notification_begin(&values, "doc.gone");
        wire_doc_gone_write(&values, &gone);

        script_say(&script, &values);

        cr_assert_eq(client_document_state(script.document), states[i]);
        script_say_update(&script, bytes_of(update_hi, sizeof update_hi)); /* too late: the number is dead */
        cr_assert_str_eq(script_text(&script), "");
        if (states[i] == CLIENT_DOCUMENT_WAITING) {
            script_wait(&script, CLIENT_BACKOFF_MIN_MS);
            script_expect_request(&script, "doc.open");
        }
        script_finish(&script);
    }
}

Test(client_document, the_same_file_twice_is_refused_the_second_time) {
    struct script script;
    struct client_document *second;
    struct bytes_writer values;
    script_start(&script);
    cr_assert_eq(client_document_open(script.client, NULL, bytes_text("a.txt"), NULL, &second), STATUS_OK);
    struct wire_doc_opened opened = { .doc = SCRIPT_DOC,
                                      .file = { { 1 } },
                                      .path = bytes_text("a.txt"),
                                      .epoch = 1,
                                      .root = bytes_text("text"),
                                      .state_vector = bytes_of(vector_empty, 1) };
    bytes_writer_init(&values, &mem_default, 1024);
    wire_result_begin(&values, script_expect_request(&script, "doc.open").msgid);
    wire_doc_opened_write(&values, &opened);

    script_say(&script, &values);

    cr_assert_str_eq(script_events(&script), "H");
    cr_assert_eq(client_document_state(second), CLIENT_DOCUMENT_FAILED);
    client_document_close(second);
    cr_assert_eq(client_document_insert(script.document, 0, bytes_text("still here")), STATUS_OK);
    script_expect(&script, WIRE_UPDATE);
    script_finish(&script);
}

Test(client_document, an_update_of_another_replica_can_be_published) {
    struct script script;
    struct far far = far_create();
    script_start(&script);

    cr_assert_eq(client_document_apply(script.document, bytes_of(update_hi, sizeof update_hi)), STATUS_OK);
    cr_assert_eq(client_document_apply(script.document, bytes_of("\xff\xff", 2)), STATUS_MALFORMED);

    far_apply(&far, script_expect(&script, WIRE_UPDATE).payload);
    cr_assert_str_eq(far_text(&far), "hi");
    cr_assert_str_eq(script_text(&script), "hi");
    cr_assert_eq(client_document_progress(script.document).sent, 1);
    crdt_doc_destroy(far.doc);
    script_finish(&script);
}

/* ---- memory ---- */

struct failing {
    size_t left; /* allocations that work */
    bool fired;
};

static void *failing_resize(void *context, void *old, size_t old_bytes, size_t bytes) {
    struct failing *failing = context;
    if (bytes > 0 && bytes > old_bytes) {
        if (failing->left == 0) {
            failing->fired = true;
            return NULL;
        }
        failing->left--;
    }
    return mem_default.resize(mem_default.context, old, old_bytes, bytes);
}

/* A session in which the n-th and every later allocation fails: nothing leaks, nothing crashes, and what the replica holds stays.
 */
Test(client_document, survives_every_allocation_failing) {
    for (size_t n = 0; n < 400; n++) {
        struct failing failing = { .left = SIZE_MAX };
        struct mem mem = { failing_resize, &failing };
        struct script script;
        failing.left = n;
        enum status status = script_create(&script, &mem, "a.txt");
        if (status == STATUS_OK) {
            failing.left = SIZE_MAX;
            script_dial(&script);
            script_join(&script);
            script_open(&script, bytes_of(vector_empty, 1), NULL);
            script_say_update(&script, bytes_of(update_empty, 2));
            failing.left = n;
            status = client_document_insert(script.document, 0, bytes_text("hello"));
            cr_assert(status == STATUS_OK || status == STATUS_NO_MEMORY);
            cr_assert_str_eq(script_text(&script), status == STATUS_OK ? "hello" : "");
            script_listen(&script);
            script_say_update(&script, bytes_of(update_hi, sizeof update_hi));
            (void)client_awareness_set(script.client, script.document, bytes_text("{}"), script.now_ms);
            script_wait(&script, CLIENT_RENEW_MS);
            script_listen(&script);
        } else {
            cr_assert_eq(status, STATUS_NO_MEMORY);
        }
        failing.left = SIZE_MAX;
        script_finish(&script);
        if (!failing.fired)
            return;
    }
    cr_assert_fail("there is no end of allocations");
}
