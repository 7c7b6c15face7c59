#include "client_script_test.h"

#include <criterion/criterion.h>

/* "hi" by client 9, into the root "text". */
static const uint8_t update_hi[] = { 1, 1, 9, 0, 4, 1, 4, 't', 'e', 'x', 't', 2, 'h', 'i', 0 };
/* What a peer with "hi" says it has: client 9, clock 2. */
static const uint8_t vector_hi[] = { 1, 9, 2 };
static const uint8_t vector_empty[] = { 0 };
static const uint8_t update_empty[] = { 0, 0 };

/* ---- joining ---- */

Test(client, dials_upgrades_joins_and_opens) {
    struct script script;
    script_start(&script);

    cr_assert(client_joined(script.client));
    cr_assert_eq(client_self(script.client)->participant, 5);
    cr_assert_str_eq(client_self(script.client)->display_name, "Ada");
    cr_assert_eq(client_document_state(script.document), CLIENT_DOCUMENT_LIVE);
    cr_assert(client_document_saved(script.document));
    script_finish(&script);
}

Test(client, takes_its_bytes_in_pieces_of_any_size) {
    for (size_t piece = 1; piece < 40; piece += piece < 8 ? 1 : 7) {
        struct script script;
        cr_assert_eq(script_create(&script, NULL, "a.txt"), STATUS_OK);
        script.piece = piece;
        script_dial(&script);
        script_join(&script);
        script_open(&script, bytes_of(vector_hi, sizeof vector_hi), NULL);

        script_say_update(&script, bytes_of(update_hi, sizeof update_hi));

        cr_assert_str_eq(script_events(&script), "JRC");
        cr_assert_str_eq(script_text(&script), "hi");
        script_finish(&script);
    }
}

Test(client, http_refusals_stop_or_pause_by_their_status) {
    static const struct {
        const char *answer;
        const char *event;
    } cases[] = {
        { "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "X" },
        { "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}", "X" },
        { "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "L" },
        { "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n", "L" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "X" },
        { "SSH-2.0-OpenSSH_9.2\r\n", "X" },
        { "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
          "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
          "X" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t piece = 0; piece < 2; piece++) {
            struct script script;
            cr_assert_eq(script_create(&script, NULL, NULL), STATUS_OK);
            client_connected(script.client, script.now_ms);
            client_sent(script.client, client_output(script.client).size);
            script.piece = piece;

            script_feed(&script, bytes_text(cases[i].answer));

            cr_assert_str_eq(script_events(&script), cases[i].event, "%s", cases[i].answer);
            cr_assert_eq(client_action(script.client), CLIENT_HANG_UP);
            script_finish(&script);
        }
}

Test(client, a_refused_join_stops_and_an_overloaded_server_is_tried_again) {
    static const struct {
        enum wire_code code;
        const char *event;
    } cases[] = { { WIRE_CODE_CREDENTIALS, "X" },
                  { WIRE_CODE_NOT_FOUND, "X" },
                  { WIRE_CODE_UNSUPPORTED, "X" },
                  { WIRE_CODE_OVERLOADED, "L" },
                  { WIRE_CODE_UNAVAILABLE, "L" } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct script script;
        struct bytes_writer values;
        struct wire_fault fault = wire_fault(cases[i].code);
        cr_assert_eq(script_create(&script, NULL, NULL), STATUS_OK);
        script_dial(&script);
        uint32_t msgid = script_expect_request(&script, "session.join").msgid;

        bytes_writer_init(&values, &mem_default, 4096);
        wire_error_write(&values, msgid, &fault);
        script_say(&script, &values);

        cr_assert_str_eq(script_events(&script), cases[i].event);
        cr_assert_eq(script.fault, cases[i].code);
        script_finish(&script);
    }
}

Test(client, a_silent_handshake_is_given_up) {
    struct script script;
    cr_assert_eq(script_create(&script, NULL, NULL), STATUS_OK);
    script_dial(&script);

    script_wait(&script, CLIENT_HANDSHAKE_MS);

    cr_assert_str_eq(script_events(&script), "L");
    script_finish(&script);
}

/* ---- ends ---- */

Test(client, close_codes_decide_what_happens_next) {
    static const struct {
        uint16_t code;
        const char *event;
        uint64_t pause_least, pause_most;
    } cases[] = {
        { 1001, "L", 0, 100 },
        { 1011, "L", CLIENT_BACKOFF_MIN_MS / 2, CLIENT_BACKOFF_MIN_MS },
        { 1013, "L", CLIENT_BACKOFF_MIN_MS / 2, CLIENT_BACKOFF_MIN_MS },
        { 4503, "L", CLIENT_BACKOFF_MIN_MS / 2, CLIENT_BACKOFF_MIN_MS },
        { 4508, "L", CLIENT_BACKOFF_MIN_MS / 2, CLIENT_BACKOFF_MIN_MS },
        { 4401, "X", 0, 0 },
        { 4404, "X", 0, 0 },
        { 4405, "X", 0, 0 },
        { 1009, "X", 0, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct script script;
        script_start(&script);
        script_wait(&script, CLIENT_STABLE_MS);

        script_close(&script, cases[i].code, "because");

        cr_assert_str_eq(script_events(&script), cases[i].event, "%u", cases[i].code);
        cr_assert_eq(script.code, cases[i].code);
        cr_assert_str_eq(script.reason, "because");
        cr_assert_eq(client_action(script.client), CLIENT_HANG_UP);
        script_break(&script);
        cr_assert_eq(client_action(script.client), CLIENT_REST);
        if (cases[i].event[0] == 'L') {
            uint64_t pause = script.retry_at_ms - script.now_ms;
            cr_assert(pause >= cases[i].pause_least && pause <= cases[i].pause_most, "%u: %lu ms", cases[i].code,
                      (unsigned long)pause);
            script_wait(&script, pause);
            cr_assert_eq(client_action(script.client), CLIENT_DIAL);
        } else {
            script_wait(&script, 3600 * 1000);
            cr_assert_eq(client_action(script.client), CLIENT_REST);
            cr_assert_eq(client_wakeup(script.client), UINT64_MAX);
        }
        script_finish(&script);
    }
}

Test(client, a_server_that_drains_says_when_to_come_back) {
    struct script script;
    script_start(&script);
    script_wait(&script, CLIENT_STABLE_MS);
    struct wire_fault fault = wire_fault(WIRE_CODE_UNAVAILABLE);
    fault.has_after_ms = true;
    fault.after_ms = 5000;
    struct bytes_writer values;
    bytes_writer_init(&values, &mem_default, 1024);
    wire_fault_notify(&values, &fault);
    script_say(&script, &values);

    script_close(&script, 1001, "");
    script_events(&script);

    cr_assert_eq(script.retry_at_ms - script.now_ms, 5000);
    bytes_writer_finish(&values);
    script_finish(&script);
}

Test(client, a_server_that_drops_everyone_at_once_is_asked_ever_more_slowly) {
    struct script script;
    uint64_t pause = 0;
    cr_assert_eq(script_create(&script, NULL, NULL), STATUS_OK);

    for (int i = 0; i < 12; i++) {
        script_dial(&script);
        script_join(&script);
        script_close(&script, 1001, "");
        script_break(&script);
        pause = script.retry_at_ms - script.now_ms;
        script_wait(&script, pause);
    }

    cr_assert_geq(pause, CLIENT_BACKOFF_MAX_MS / 2);
    script_finish(&script);
}

Test(client, bytes_that_break_the_protocol_end_the_connection_and_nothing_else) {
    static const struct {
        const char *what;
        const char *bytes;
        size_t size;
    } cases[] = {
        { "a reserved bit", "\xc2\x01\x00", 3 },
        { "a masked frame", "\x82\x81\x01\x02\x03\x04\x00", 7 },
        { "text", "\x81\x02hi", 4 },
        { "a longer length than needed", "\x82\x7e\x00\x01\x90", 5 },
        { "a cut msgpack value", "\x82\x02\x93\x03", 4 },
        { "a map of four thousand million", "\x82\x05\xdf\xff\xff\xff\x0a", 7 },
        { "a value that is no array", "\x82\x01\xc0", 3 },
        { "an update of text", "\x82\x05\x93\x03\x2a\xa1x", 7 },
        { "an update that is none", "\x82\x07\x93\x03\x2a\xc4\x02\xff\xff", 9 },
        { "an acknowledgement of what was never sent", "\x82\x04\x93\x04\x2a\x07", 6 },
        { "awareness that is none", "\x82\x06\x93\x05\x2a\xc4\x01\x05", 8 },
        { "awareness of the session that is none", "\x82\x06\x93\x05\x00\xc4\x01\x05", 8 },
        { "a state vector that is none", "\x82\x06\x93\x06\x2a\xc4\x01\x05", 8 },
        { "a doc.rejected without content",
          "\x82\x11\x93\x02\xac"
          "doc.rejected\x91\x80",
          19 },
        { "a doc.gone without content",
          "\x82\x0d\x93\x02\xa8"
          "doc.gone\x91\x80",
          15 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t piece = 0; piece < 4; piece++) {
            struct script script;
            script_start(&script);
            cr_assert_eq(client_document_insert(script.document, 0, bytes_text("mine")), STATUS_OK);
            script.piece = piece;

            script_feed(&script, bytes_of(cases[i].bytes, cases[i].size));

            const char *events = script_events(&script);
            cr_assert(strcmp(events, "L") == 0 || strcmp(events, "X") == 0, "%s: %s", cases[i].what, events);
            cr_assert_eq(client_action(script.client), CLIENT_HANG_UP, "%s", cases[i].what);
            cr_assert_str_eq(script_text(&script), "mine");
            cr_assert_not(client_document_saved(script.document));
            script_finish(&script);
        }
}

Test(client, what_it_does_not_know_is_passed_over) {
    struct script script;
    struct bytes_writer values;
    script_start(&script);

    script_feed(&script, bytes_of("\x82\x05\x93\x63\x2a\xc4\x00", 7));         /* kind 99 */
    script_feed(&script, bytes_of("\x82\x07\x93\x03\x63\xc4\x02\xff\xff", 9)); /* an update for a document that is not open */
    script_feed(&script, bytes_of("\x82\x05\x94\x01\x63\xc0\xc0", 7));         /* the answer to no question */
    bytes_writer_init(&values, &mem_default, 100);
    wire_request_begin(&values, 3, "please.do");
    pack_write_map(&values, 0);
    script_say(&script, &values);

    cr_assert_str_eq(script_events(&script), "");
    struct wire_value answer = script_expect(&script, WIRE_RESPONSE);
    cr_assert_eq(answer.msgid, 3);
    cr_assert(answer.failed);
    script_finish(&script);
}

Test(client, a_ping_is_answered_and_silence_is_not_borne) {
    struct script script;
    script_start(&script);

    script_feed(&script, bytes_of("\x89\x02hi", 4));
    struct bytes output = client_output(script.client);
    cr_assert_eq(output.size, 2 + 4 + 2, "a masked pong");
    cr_assert_eq(output.data[0], 0x8a);
    client_sent(script.client, output.size);

    script_wait(&script, CLIENT_SILENCE_MS);
    output = client_output(script.client);
    cr_assert_gt(output.size, 0);
    cr_assert_eq(output.data[0], 0x89, "a ping");
    cr_assert_str_eq(script_events(&script), "");
    script_wait(&script, CLIENT_SILENCE_MS);
    cr_assert_str_eq(script_events(&script), "L");
    script_finish(&script);
}

Test(client, leaving_sends_what_is_queued_and_says_goodbye) {
    struct script script;
    script_start(&script);

    cr_assert_eq(client_document_insert(script.document, 0, bytes_text("last words")), STATUS_OK);
    client_leave(script.client);

    script_expect(&script, WIRE_UPDATE);
    cr_assert_eq(script.heard_close, 1000);
    script_close(&script, 1000, "");
    cr_assert_str_eq(script_events(&script), "X");
    script_break(&script);
    cr_assert_eq(client_action(script.client), CLIENT_REST);
    script_finish(&script);
}

/* ---- calls ---- */

struct answer {
    unsigned count;
    enum status status;
    enum wire_code code;
    uint64_t value;
};

static void on_answer(void *context, struct client *client, const struct client_reply *reply) {
    struct answer *answer = context;
    (void)client;
    answer->count++;
    answer->status = reply->status;
    answer->code = reply->fault ? reply->fault->code : WIRE_CODE_COUNT;
    if (reply->status == STATUS_OK) {
        struct pack_reader reader = pack_reader(reply->result);
        pack_read_uint(&reader, UINT64_MAX, &answer->value);
    }
}

Test(client, answers_find_their_calls_in_any_order) {
    struct script script;
    struct answer answers[3] = { 0 };
    uint32_t msgids[3];
    script_start(&script);
    for (int i = 0; i < 3; i++) {
        pack_write_map(client_call_begin(script.client, "a.b"), 0);
        cr_assert_eq(client_call_end(script.client, on_answer, &answers[i]), STATUS_OK);
    }
    for (int i = 0; i < 3; i++)
        msgids[i] = script_expect_request(&script, "a.b").msgid;

    struct bytes_writer values;
    struct wire_fault fault = wire_fault(WIRE_CODE_EXISTS);
    bytes_writer_init(&values, &mem_default, 4096);
    wire_result_begin(&values, msgids[2]);
    pack_write_uint(&values, 22);
    wire_error_write(&values, msgids[0], &fault);
    script_say(&script, &values);
    script_break(&script);

    cr_assert_eq(answers[0].status, STATUS_DENIED);
    cr_assert_eq(answers[0].code, WIRE_CODE_EXISTS);
    cr_assert_eq(answers[1].status, STATUS_UNAVAILABLE, "the connection went first");
    cr_assert_eq(answers[2].status, STATUS_OK);
    cr_assert_eq(answers[2].value, 22);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(answers[i].count, 1);
    script_finish(&script);
}

Test(client, calls_that_cannot_be_made_leave_no_trace) {
    struct script script;
    struct answer answer = { 0 };
    cr_assert_eq(script_create(&script, NULL, NULL), STATUS_OK);
    pack_write_map(client_call_begin(script.client, "a.b"), 0);
    cr_assert_eq(client_call_end(script.client, on_answer, &answer), STATUS_UNAVAILABLE);
    script_finish(&script);

    script_start(&script);
    for (int i = 0; i < CLIENT_CALLS_MAX; i++) {
        pack_write_map(client_call_begin(script.client, "a.b"), 0);
        cr_assert_eq(client_call_end(script.client, NULL, NULL), STATUS_OK);
    }
    pack_write_map(client_call_begin(script.client, "a.c"), 0);
    cr_assert_eq(client_call_end(script.client, on_answer, &answer), STATUS_OVERLOADED);
    for (int i = 0; i < CLIENT_CALLS_MAX; i++)
        script_expect_request(&script, "a.b");
    struct wire_value value;
    cr_assert_eq(script_hear(&script, &value), STATUS_MORE);
    cr_assert_eq(answer.count, 0);
    script_finish(&script);
}

Test(client, an_expiring_token_is_renewed_and_told) {
    struct script script;
    struct bytes_writer values;
    script_start(&script);
    bytes_writer_init(&values, &mem_default, 4096);
    wire_notification_begin(&values, "auth.expiring");
    wire_token_expiring_write(&values, 12345);
    script_say(&script, &values);

    uint32_t msgid = script_expect_request(&script, "auth.refresh").msgid;
    struct wire_token token = { .token = bytes_text("newer") };
    bytes_writer_init(&values, &mem_default, 4096);
    wire_result_begin(&values, msgid);
    wire_token_write(&values, &token);
    script_say(&script, &values);

    cr_assert_str_eq(script_events(&script), "T");
    script_finish(&script);
}

Test(client, notices_reach_the_application) {
    struct script script;
    struct bytes_writer values;
    script_start(&script);
    bytes_writer_init(&values, &mem_default, 4096);
    for (int i = 0; i < 3; i++) {
        wire_notification_begin(&values, "chat.posted");
        pack_write_map(&values, 0);
    }

    script_say(&script, &values);

    cr_assert_str_eq(script_events(&script), "NNN");
    script_finish(&script);
}

/* ---- awareness ---- */

static enum status count_state(void *context, uint64_t id, uint64_t clock, struct bytes json) {
    (void)id, (void)clock, (void)json;
    ++*(unsigned *)context;
    return STATUS_OK;
}

Test(client, own_awareness_is_sent_repeated_and_sent_again_after_a_loss) {
    struct script script;
    script_start(&script);

    cr_assert_eq(client_awareness_set(script.client, NULL, bytes_text("{\"n\":1}"), script.now_ms), STATUS_OK);
    cr_assert_eq(client_awareness_set(script.client, script.document, bytes_text("{\"c\":2}"), script.now_ms), STATUS_OK);
    cr_assert_eq(script_expect(&script, WIRE_AWARENESS).doc, 0);
    cr_assert_eq(script_expect(&script, WIRE_AWARENESS).doc, SCRIPT_DOC);
    script_wait(&script, CLIENT_RENEW_MS);
    cr_assert_eq(script_expect(&script, WIRE_AWARENESS).doc, 0);
    cr_assert_eq(script_expect(&script, WIRE_AWARENESS).doc, SCRIPT_DOC);
    script_break(&script);
    script_wait(&script, script.retry_at_ms - script.now_ms);
    script_dial(&script);
    script_join(&script);
    cr_assert_eq(script_expect(&script, WIRE_AWARENESS).doc, 0);
    script_open(&script, bytes_of(vector_empty, 1), NULL);
    script_say_update(&script, bytes_of(update_empty, 2));
    script_wait(&script, 1);
    cr_assert_eq(script_expect(&script, WIRE_AWARENESS).doc, SCRIPT_DOC);
    script_finish(&script);
}

Test(client, others_come_and_expire) {
    static const uint8_t other[] = { 1, 7, 1, 2, '{', '}' };
    struct script script;
    struct bytes_writer values;
    unsigned count = 0;
    script_start(&script);
    bytes_writer_init(&values, &mem_default, 100);
    wire_sync_write(&values, WIRE_AWARENESS, SCRIPT_DOC, bytes_of(other, sizeof other));

    script_say(&script, &values);
    cr_assert_str_eq(script_events(&script), "A");
    cr_assert_eq(client_awareness_each(script.client, script.document, count_state, &count), STATUS_OK);
    cr_assert_eq(count, 1);

    for (int i = 0; i < 40; i++) {
        script_feed(&script, bytes_of("\x8a\x00", 2)); /* a pong: the server is there */
        script_wait(&script, 1000);
    }
    cr_assert_str_eq(script_events(&script), "A");
    count = 0;
    cr_assert_eq(client_awareness_each(script.client, script.document, count_state, &count), STATUS_OK);
    cr_assert_eq(count, 0);
    script_finish(&script);
}
