/* RFC 6455 and 7692 as events: every script is fed whole and in every chop size, and must give the same events and answers.
 * Sections in names follow the RFC; the cases follow what the Autobahn test suite asks. */
#include "wire/ws.h"

#include "../testing/failing_mem.h"
#include "../testing/hex.h"

#include <criterion/criterion.h>
#include <stdio.h>

enum { MESSAGE_MAX = 1000, LOG_MAX = 1 << 16 };

/* ---- a script of frames ---- */

static const uint8_t key[4] = { 0x37, 0xfa, 0x21, 0x3d };

/* `first`  FIN, reserved bits and opcode, as they are sent */
static void put(struct bytes_writer *out, uint8_t first, struct bytes payload, bool masked) {
    size_t start = out->size;
    if (masked)
        ws_frame_masked(out, WS_TEXT, true, payload, key);
    else
        ws_frame_write(out, WS_TEXT, true, payload);
    out->data[start] = first;
}

static void put_text(struct bytes_writer *out, uint8_t first, const char *payload) {
    put(out, first, bytes_text(payload), true);
}

static void put_hex(struct bytes_writer *out, uint8_t first, const char *payload) {
    struct hex bytes = hex(payload);
    put(out, first, hex_bytes(&bytes), true);
}

/* ---- what came out ---- */

struct log {
    char events[LOG_MAX];
    struct bytes_writer out;
    unsigned wants;
    size_t used; /* bytes taken when the connection ended or the input did */
};

static void log_event(struct log *log, const struct ws_event *event) {
    static const char *const names[] = { "text", "binary", "ping", "pong", "close", "failed" };
    size_t at = strlen(log->events);
    char code[16] = "";
    if (event->kind >= WS_EVENT_CLOSE)
        snprintf(code, sizeof code, "%u:", event->code);
    bool failed = event->kind == WS_EVENT_FAILED;
    snprintf(log->events + at, sizeof log->events - at, "%s(%s%.*s) ", names[event->kind], code,
             failed ? 0 : (int)event->payload.size, event->payload.size > 0 ? (const char *)event->payload.data : "");
}

static bool compression_agreed; /* for the rest of a test */

static void run(struct log *log, struct bytes input, size_t chop, enum ws_role role) {
    struct ws_pool pool;
    struct ws_conn conn;
    ws_pool_init(&pool, &mem_default, 1, 4);
    ws_conn_init(&conn, &pool, role, MESSAGE_MAX);
    if (compression_agreed)
        ws_conn_deflate(&conn, 15);
    memset(log->events, 0, sizeof log->events);
    bytes_writer_init(&log->out, &mem_default, 1 << 20);
    log->used = input.size;
    for (size_t at = 0; at < input.size; at += chop) {
        size_t size = input.size - at < chop ? input.size - at : chop;
        /* Exactly these bytes, so that a sanitizer sees a read behind them. */
        uint8_t *piece = malloc(size);
        memcpy(piece, input.data + at, size);
        struct ws_event event;
        enum status status;
        ws_conn_feed(&conn, bytes_of(piece, size));
        while ((status = ws_conn_next(&conn, &event)) == STATUS_OK) {
            log_event(log, &event);
            ws_conn_take(&conn, &log->out);
        }
        free(piece);
        if (status == STATUS_CLOSED) {
            log->used = at + size;
            break;
        }
        cr_assert_eq(status, STATUS_MORE);
    }
    log->wants = ws_conn_wants(&conn);
    ws_conn_finish(&conn);
    ws_pool_finish(&pool);
}

/* Checks the events, and the frames that the connection sends by itself, for the whole input and every chop size. */
static void expect_as(enum ws_role role, struct bytes_writer *script, const char *events, const char *replies) {
    static struct log log;
    char room[3 * 4096];
    cr_assert_eq(script->status, STATUS_OK);
    for (size_t chop = 1; chop <= script->size; chop = chop < 64 ? chop + 1 : chop * 2) {
        run(&log, bytes_written(script), chop, role);
        cr_assert_str_eq(log.events, events, "chop %zu: %s", chop, log.events);
        if (replies != NULL)
            cr_assert_str_eq(hex_format(bytes_written(&log.out), room), replies, "chop %zu: %s", chop, room);
        bytes_writer_finish(&log.out);
    }
    run(&log, bytes_written(script), script->size, role);
    cr_assert_str_eq(log.events, events, "whole: %s", log.events);
    bytes_writer_finish(&log.out);
    bytes_writer_reset(script);
}

static void expect(struct bytes_writer *script, const char *events, const char *replies) {
    expect_as(WS_SERVER, script, events, replies);
}

static struct bytes_writer script_make(void) {
    struct bytes_writer script;
    bytes_writer_init(&script, &mem_default, 1 << 24);
    return script;
}

/* ---- data ---- */

Test(ws_conn, messages_of_both_kinds_arrive_whole) {
    struct bytes_writer script = script_make();
    put_text(&script, 0x81, "Hello");
    put_text(&script, 0x82, "bytes");
    put_text(&script, 0x81, "");
    put_text(&script, 0x82, "");

    expect(&script, "text(Hello) binary(bytes) text() binary() ", "");
    bytes_writer_finish(&script);
}

Test(ws_conn, the_bytes_of_the_rfc_are_understood) {
    struct bytes_writer script = script_make();
    struct hex masked = hex("81 85 37 fa 21 3d 7f 9f 4d 51 58");
    struct hex unmasked = hex("81 05 48 65 6c 6c 6f  01 03 48 65 6c 80 02 6c 6f  89 05 48 65 6c 6c 6f");

    bytes_write(&script, hex_bytes(&masked));
    expect(&script, "text(Hello) ", "");
    bytes_write(&script, hex_bytes(&unmasked));
    expect_as(WS_CLIENT, &script, "text(Hello) text(Hello) ping(Hello) ", NULL);
    bytes_writer_finish(&script);
}

Test(ws_conn, every_length_up_to_the_maximum_arrives) {
    static const size_t sizes[] = { 1, 124, 125, 126, 127, 128, 255, 256, 999, 1000 };
    static char payload[MESSAGE_MAX + 1];
    struct bytes_writer script = script_make();
    memset(payload, '*', MESSAGE_MAX);

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char expected[MESSAGE_MAX + 32];
        snprintf(expected, sizeof expected, "text(%.*s) ", (int)sizes[i], payload);
        put(&script, 0x81, bytes_of(payload, sizes[i]), true);
        expect(&script, expected, "");
    }
    bytes_writer_finish(&script);
}

Test(ws_conn, a_message_over_the_maximum_fails_with_1009) {
    static char payload[MESSAGE_MAX + 1];
    struct bytes_writer script = script_make();
    memset(payload, '*', sizeof payload);

    put(&script, 0x82, bytes_of(payload, MESSAGE_MAX + 1), true);
    expect(&script, "failed(1009:) ", NULL);
    put(&script, 0x02, bytes_of(payload, MESSAGE_MAX), true);
    put_text(&script, 0x89, "a ping fits even then");
    put_text(&script, 0x80, "x");
    expect(&script, "ping(a ping fits even then) failed(1009:) ", NULL);
    bytes_writer_finish(&script);
}

Test(ws_conn, a_message_over_the_maximum_fails_at_its_first_payload_byte) {
    static struct log log;
    struct hex header = hex("82 ff 00 00 00 00 00 10 00 00 37 fa 21 3d aa");
    run(&log, hex_bytes(&header), 1, WS_SERVER);

    cr_assert_str_eq(log.events, "failed(1009:) ");
    bytes_writer_finish(&log.out);
}

Test(ws_conn, big_messages_cross_wslays_buffer) {
    enum { BIG = 300000 };
    struct bytes_writer script = script_make();
    uint8_t *payload = malloc(BIG);
    for (size_t i = 0; i < BIG; i++)
        payload[i] = (uint8_t)(i * 7 + i / 251);
    put(&script, 0x82, bytes_of(payload, BIG), true);
    struct ws_pool pool;
    ws_pool_init(&pool, &mem_default, 1, 1);

    for (size_t chop = 1000; chop < 2 * BIG; chop = chop * 3 + 1) {
        struct ws_conn conn;
        struct ws_event event;
        unsigned messages = 0;
        ws_conn_init(&conn, &pool, WS_SERVER, BIG);
        for (size_t at = 0; at < script.size; at += chop) {
            ws_conn_feed(&conn, bytes_of(script.data + at, script.size - at < chop ? script.size - at : chop));
            while (ws_conn_next(&conn, &event) == STATUS_OK) {
                cr_assert(bytes_equal(event.payload, bytes_of(payload, BIG)));
                messages++;
            }
        }
        cr_assert_eq(messages, 1);
        ws_conn_finish(&conn);
    }
    ws_pool_finish(&pool);
    bytes_writer_finish(&script);
    free(payload);
}

/* ---- fragmentation, 5.4 ---- */

Test(ws_conn, fragments_are_joined_with_control_frames_between) {
    struct bytes_writer script = script_make();
    put_text(&script, 0x01, "frag");
    put_text(&script, 0x89, "p");
    put_text(&script, 0x00, "");
    put_text(&script, 0x00, "me");
    put_text(&script, 0x8a, "q");
    put_text(&script, 0x80, "nt");
    put_text(&script, 0x82, "next");

    expect(&script, "ping(p) pong(q) text(fragment) binary(next) ", "8a 01 70");
    bytes_writer_finish(&script);
}

Test(ws_conn, fragments_out_of_place_fail_with_1002) {
    struct bytes_writer script = script_make();

    put_text(&script, 0x80, "no start");
    expect(&script, "failed(1002:) ", NULL);
    put_text(&script, 0x00, "no start");
    expect(&script, "failed(1002:) ", NULL);
    put_text(&script, 0x01, "begun");
    put_text(&script, 0x81, "another");
    expect(&script, "failed(1002:) ", NULL);
    put_text(&script, 0x81, "whole");
    put_text(&script, 0x80, "and more");
    expect(&script, "text(whole) failed(1002:) ", NULL);
    bytes_writer_finish(&script);
}

/* ---- framing, 5.2 ---- */

Test(ws_conn, reserved_bits_fail_with_1002) {
    struct bytes_writer script = script_make();
    for (unsigned bits = 1; bits < 8; bits++) {
        put_text(&script, 0x81, "good");
        put_text(&script, (uint8_t)(0x81 | bits << 4), "bad");
        put_text(&script, 0x89, "never seen");
        expect(&script, "text(good) failed(1002:) ", NULL);
        put_text(&script, (uint8_t)(0x89 | bits << 4), "");
        expect(&script, "failed(1002:) ", NULL);
    }
    bytes_writer_finish(&script);
}

Test(ws_conn, reserved_opcodes_fail_with_1002) {
    static const uint8_t opcodes[] = { 3, 4, 5, 6, 7, 11, 12, 13, 14, 15 };
    struct bytes_writer script = script_make();
    for (size_t i = 0; i < sizeof opcodes; i++) {
        put_text(&script, 0x80 | opcodes[i], "");
        expect(&script, "failed(1002:) ", NULL);
        put_text(&script, 0x80 | opcodes[i], "payload");
        expect(&script, "failed(1002:) ", NULL);
    }
    bytes_writer_finish(&script);
}

Test(ws_conn, the_wrong_sides_mask_fails_with_1002) {
    struct bytes_writer script = script_make();

    put(&script, 0x81, bytes_text("bare"), false);
    expect(&script, "failed(1002:) ", NULL);
    put(&script, 0x81, bytes_text("masked"), true);
    expect_as(WS_CLIENT, &script, "failed(1002:) ", NULL);
    bytes_writer_finish(&script);
}

Test(ws_conn, lengths_not_in_their_shortest_form_fail_with_1002) {
    static const char *const cases[] = { "82 fe 00 7d 37 fa 21 3d 00", "82 ff 00 00 00 00 00 00 ff ff 37 fa 21 3d 00",
                                         "82 ff 80 00 00 00 00 00 00 01 37 fa 21 3d 00" };
    struct bytes_writer script = script_make();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hex bytes = hex(cases[i]);
        bytes_write(&script, hex_bytes(&bytes));
        expect(&script, "failed(1002:) ", NULL);
    }
    bytes_writer_finish(&script);
}

/* ---- control frames, 5.5 ---- */

Test(ws_conn, pings_are_answered_in_order_with_their_payload) {
    struct bytes_writer script = script_make();
    put_text(&script, 0x89, "");
    put_text(&script, 0x89, "one");
    put_hex(&script, 0x89, "ff 00 fe");

    expect(&script, "ping() ping(one) ping(\xff) ", "8a 00 8a 03 6f 6e 65 8a 03 ff 00 fe");
    bytes_writer_finish(&script);
}

Test(ws_conn, control_frames_must_be_short_and_whole) {
    static char payload[126];
    struct bytes_writer script = script_make();
    memset(payload, 'x', sizeof payload);

    put(&script, 0x89, bytes_of(payload, 126), true);
    expect(&script, "failed(1002:) ", NULL);
    put_text(&script, 0x09, "fragmented");
    expect(&script, "failed(1002:) ", NULL);
    put_text(&script, 0x08, "");
    expect(&script, "failed(1002:) ", NULL);
    bytes_writer_finish(&script);
}

Test(ws_conn, pongs_never_fill_more_than_their_bound) {
    struct ws_pool pool;
    struct ws_conn conn;
    struct ws_event event;
    struct bytes_writer script = script_make();
    static char payload[125];
    memset(payload, 'x', sizeof payload);
    for (int i = 0; i < 1000; i++)
        put(&script, 0x89, bytes_of(payload, sizeof payload), true);
    ws_pool_init(&pool, &mem_default, 1, 1);
    ws_conn_init(&conn, &pool, WS_SERVER, MESSAGE_MAX);

    unsigned pings = 0;
    ws_conn_feed(&conn, bytes_written(&script));
    while (ws_conn_next(&conn, &event) == STATUS_OK)
        pings++;

    cr_assert_eq(pings, 1000);
    cr_assert_leq(conn.out.size, WS_OUT_MAX);
    cr_assert_gt(conn.out.size, WS_OUT_MAX / 2);
    cr_assert_eq(ws_conn_close(&conn, 1001, bytes_text("still fits")), STATUS_OK);
    ws_conn_finish(&conn);
    ws_pool_finish(&pool);
    bytes_writer_finish(&script);
}

/* ---- closing, 5.5.1 and 7.4 ---- */

Test(ws_conn, a_close_is_answered_with_its_code) {
    struct bytes_writer script = script_make();

    put_hex(&script, 0x88, "03 e8 62 79 65");
    put_text(&script, 0x81, "after the end");
    expect(&script, "close(1000:bye) ", "88 02 03 e8");
    put_text(&script, 0x88, "");
    expect(&script, "close(1005:) ", "88 00");
    bytes_writer_finish(&script);
}

Test(ws_conn, a_close_inside_a_fragmented_message_ends_it) {
    struct bytes_writer script = script_make();
    put_text(&script, 0x01, "half");
    put_hex(&script, 0x88, "03 e9");
    put_text(&script, 0x80, "other half");

    expect(&script, "close(1001:) ", "88 02 03 e9");
    bytes_writer_finish(&script);
}

Test(ws_conn, close_codes_are_checked) {
    static const unsigned valid[] = {
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999
    };
    static const unsigned invalid[] = { 0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535 };
    struct bytes_writer script = script_make();
    for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++) {
        uint8_t payload[] = { (uint8_t)(valid[i] >> 8), (uint8_t)valid[i] };
        char expected[32];
        snprintf(expected, sizeof expected, "close(%u:) ", valid[i]);
        put(&script, 0x88, bytes_of(payload, 2), true);
        expect(&script, expected, NULL);
    }
    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++) {
        uint8_t payload[] = { (uint8_t)(invalid[i] >> 8), (uint8_t)invalid[i] };
        put(&script, 0x88, bytes_of(payload, 2), true);
        expect(&script, "failed(1002:) ", NULL);
    }
    bytes_writer_finish(&script);
}

Test(ws_conn, half_a_close_code_and_a_bad_reason_fail) {
    struct bytes_writer script = script_make();

    put_hex(&script, 0x88, "03");
    expect(&script, "failed(1002:) ", NULL);
    put_hex(&script, 0x88, "03 e8 ce ba e1 bd b9 cf 83 ce bc ce b5 ed a0 80");
    expect(&script, "failed(1007:) ", NULL);
    bytes_writer_finish(&script);
}

Test(ws_conn, our_close_awaits_the_peers_and_drops_data) {
    struct ws_pool pool;
    struct ws_conn conn;
    struct ws_event event;
    struct bytes_writer script = script_make();
    struct bytes_writer out = script_make();
    char room[256];
    put_text(&script, 0x81, "too late");
    put_text(&script, 0x89, "ping");
    put_hex(&script, 0x88, "03 e9");
    ws_pool_init(&pool, &mem_default, 1, 1);
    ws_conn_init(&conn, &pool, WS_SERVER, 4);

    cr_assert_eq(ws_conn_close(&conn, 1001, bytes_text("drain")), STATUS_OK);
    cr_assert_eq(ws_conn_close(&conn, 1011, bytes_text("again")), STATUS_OK);
    cr_assert(ws_conn_closing(&conn));
    cr_assert_eq(ws_conn_wants(&conn), WS_WANTS_READ | WS_WANTS_WRITE);
    ws_conn_feed(&conn, bytes_written(&script));
    cr_assert_eq(ws_conn_next(&conn, &event), STATUS_OK);
    cr_assert_eq(event.kind, WS_EVENT_PING);
    cr_assert_eq(ws_conn_next(&conn, &event), STATUS_OK);
    cr_assert_eq(event.kind, WS_EVENT_CLOSE);
    cr_assert_eq(event.code, 1001);
    cr_assert_eq(ws_conn_next(&conn, &event), STATUS_CLOSED);
    ws_conn_take(&conn, &out);

    cr_assert_str_eq(hex_format(bytes_written(&out), room), "88 07 03 e9 64 72 61 69 6e");
    cr_assert_eq(ws_conn_wants(&conn), WS_WANTS_END);
    ws_conn_finish(&conn);
    ws_pool_finish(&pool);
    bytes_writer_finish(&script);
    bytes_writer_finish(&out);
}

Test(ws_conn, a_long_reason_is_cut_between_characters) {
    struct ws_pool pool;
    struct ws_conn conn;
    struct bytes_writer out = script_make();
    char reason[300];
    for (size_t i = 0; i < sizeof reason; i += 3)
        memcpy(reason + i, "\xe2\x82\xac", 3);
    ws_pool_init(&pool, &mem_default, 1, 1);
    ws_conn_init(&conn, &pool, WS_SERVER, 4);

    ws_conn_close(&conn, 4400, bytes_of(reason, sizeof reason - 1));
    ws_conn_take(&conn, &out);

    cr_assert_eq(out.size, 2 + 2 + 123);
    ws_conn_finish(&conn);
    ws_pool_finish(&pool);
    bytes_writer_finish(&out);
}

Test(ws_conn, a_clients_own_frames_are_masked_with_changing_keys) {
    static struct log log;
    struct bytes_writer script = script_make();
    put(&script, 0x89, bytes_text("one"), false);
    put(&script, 0x89, bytes_text("one"), false);
    run(&log, bytes_written(&script), 1000, WS_CLIENT);
    struct bytes_writer replies = log.out;

    cr_assert_eq(replies.size, 2 * 9);
    cr_assert_eq(replies.data[1], 0x83);
    cr_assert_neq(memcmp(replies.data + 2, replies.data + 11, 4), 0);
    struct log back;
    run(&back, bytes_written(&replies), 1, WS_SERVER);
    cr_assert_str_eq(back.events, "pong(one) pong(one) ");
    bytes_writer_finish(&back.out);
    bytes_writer_finish(&replies);
    bytes_writer_finish(&script);
}

/* ---- UTF-8, 8.1 ---- */

Test(ws_conn, text_in_any_fragments_is_checked_as_one) {
    struct bytes_writer script = script_make();

    /* κόσμε cut inside its characters */
    put_hex(&script, 0x01, "ce ba e1");
    put_hex(&script, 0x00, "bd");
    put_hex(&script, 0x80, "b9 cf 83 ce bc ce b5");
    expect(&script, "text(\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5) ", "");
    put_hex(&script, 0x01, "ce ba e1");
    put_hex(&script, 0x80, "");
    expect(&script, "failed(1007:) ", NULL);
    bytes_writer_finish(&script);
}

Test(ws_conn, bad_text_fails_at_its_first_wrong_byte) {
    static const struct {
        const char *bytes;
        size_t wrong; /* index of the first byte that no text can have there */
    } cases[] = {
        { "ce ba f4 90 80 80 65 64", 3 }, /* above U+10FFFF */
        { "ed a0 80 61 61", 1 },          /* a surrogate */
        { "c0 af 61 61", 0 },             /* overlong */
        { "e0 80 af 61", 1 },             /* overlong */
        { "f0 80 80 af 61", 1 },          /* overlong */
        { "61 80 61 61", 1 },             /* a continuation alone */
        { "61 fe 61 61", 1 },
        { "61 ff 61 61", 1 },
        { "e1 bd 61 61", 2 }, /* too few continuations */
    };
    static struct log log;
    struct bytes_writer script = script_make();

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put_hex(&script, 0x81, cases[i].bytes);
        run(&log, bytes_written(&script), 1, WS_SERVER);
        cr_assert_str_eq(log.events, "failed(1007:) ", "%s", cases[i].bytes);
        cr_assert_eq(log.used, 6 + cases[i].wrong + 1, "%s: %zu", cases[i].bytes, log.used);
        bytes_writer_finish(&log.out);
        bytes_writer_reset(&script);
    }
    bytes_writer_finish(&script);
}

Test(ws_conn, binary_messages_may_hold_anything) {
    struct bytes_writer script = script_make();

    put_hex(&script, 0x82, "ff fe");
    expect(&script, "binary(\xff\xfe) ", "");
    bytes_writer_finish(&script);
}

/* ---- compressed messages, RFC 7692 ---- */

Test(ws_conn, compressed_messages_are_unpacked_whatever_their_fragments) {
    struct bytes_writer script = script_make();
    compression_agreed = true;

    put_hex(&script, 0xc1, "f2 48 cd c9 c9 07 00");
    put_text(&script, 0x81, "bare");
    put_hex(&script, 0x42, "f2 48");
    put_text(&script, 0x89, "p");
    put_hex(&script, 0x00, "");
    put_hex(&script, 0x00, "cd c9 c9");
    put_hex(&script, 0x80, "07 00");
    put_hex(&script, 0xc1, "00");
    put_hex(&script, 0x88, "03 e8");
    expect(&script, "text(Hello) text(bare) ping(p) binary(Hello) text() close(1000:) ", "8a 01 70 88 02 03 e8");
    bytes_writer_finish(&script);
}

Test(ws_conn, the_bit_of_compression_belongs_to_the_first_frame_of_a_message) {
    struct bytes_writer script = script_make();
    compression_agreed = true;

    put_hex(&script, 0x41, "f2 48 cd");
    put_hex(&script, 0xc0, "c9 c9 07 00");
    expect(&script, "failed(1002:) ", NULL);
    for (uint8_t opcode = WS_CLOSE; opcode <= WS_PONG; opcode++) {
        put_hex(&script, 0xc0 | opcode, "");
        expect(&script, "failed(1002:) ", NULL);
    }
    put_hex(&script, 0xe1, "f2 48 cd c9 c9 07 00");
    expect(&script, "failed(1002:) ", NULL);
    put_hex(&script, 0xd1, "f2 48 cd c9 c9 07 00");
    expect(&script, "failed(1002:) ", NULL);
    bytes_writer_finish(&script);
}

Test(ws_conn, what_cannot_be_unpacked_fails) {
    struct bytes_writer script = script_make();
    compression_agreed = true;

    put_hex(&script, 0xc2, "ff ff ff ff");
    expect(&script, "failed(1007:) ", NULL);
    put_hex(&script, 0xc1, "f2 48 cd c9 c9 07 00");
    put_hex(&script, 0xc1, "f2 00 11 00 00"); /* refers to the message before */
    expect(&script, "text(Hello) failed(1007:) ", NULL);
    put_hex(&script, 0xc1, "00 01 00 fe ff ff 00"); /* text that is not UTF-8 */
    expect(&script, "failed(1007:) ", NULL);
    put_hex(&script, 0xc1, "00 01 00 fe ff c3 00"); /* half a character */
    expect(&script, "failed(1007:) ", NULL);
    bytes_writer_finish(&script);
}

Test(ws_conn, a_message_that_unpacks_beyond_the_maximum_fails_with_1009) {
    struct ws_pool pool;
    struct ws_conn conn;
    struct bytes_writer packed = script_make();
    struct bytes_writer script = script_make();
    static uint8_t zeros[WS_PACK_BYTES_MIN];
    compression_agreed = true;
    ws_pool_init(&pool, &mem_default, 1, 1);
    ws_conn_init(&conn, &pool, WS_SERVER, MESSAGE_MAX);
    ws_conn_deflate(&conn, 15);
    ws_conn_message(&conn, &packed, WS_BINARY, bytes_of(zeros, sizeof zeros));
    cr_assert_eq(packed.data[0], 0xc2);

    put(&script, 0xc2, ws_frame_payload(bytes_written(&packed)), true);
    expect(&script, "failed(1009:) ", NULL);
    bytes_writer_finish(&packed);
    bytes_writer_finish(&script);
    ws_conn_finish(&conn);
    ws_pool_finish(&pool);
}

Test(ws_conn, what_is_unpacked_is_counted_and_may_be_bounded) {
    enum { SIZE = WS_FRAME_UNPACKED * 10 };
    static uint8_t zeros[SIZE];
    struct ws_pool pool;
    struct ws_conn conn;
    struct ws_event event;
    struct bytes_writer packed = script_make();
    struct bytes_writer script = script_make();
    ws_pool_init(&pool, &mem_default, 1, 1);
    ws_conn_init(&conn, &pool, WS_SERVER, SIZE);
    ws_conn_deflate(&conn, 15);
    ws_conn_message(&conn, &packed, WS_BINARY, bytes_of(zeros, SIZE));
    for (int i = 0; i < 3; i++)
        put(&script, 0xc2, ws_frame_payload(bytes_written(&packed)), true);

    ws_conn_unpack_max(&conn, SIZE * 2 - 1);
    ws_conn_feed(&conn, bytes_written(&script));
    cr_assert_eq(ws_conn_next(&conn, &event), STATUS_OK);
    cr_assert_eq(event.payload.size, SIZE);
    cr_assert_eq(conn.frames, 1 + 10);
    cr_assert_eq(ws_conn_next(&conn, &event), STATUS_OK);
    cr_assert_eq(event.code, 1009);

    ws_conn_finish(&conn);
    bytes_writer_finish(&packed);
    bytes_writer_finish(&script);
    ws_pool_finish(&pool);
}

Test(ws_conn, messages_are_compressed_where_it_was_agreed_on_and_pays) {
    static uint8_t payload[WS_PACK_BYTES_MAX + 1];
    static const struct {
        size_t size;
        unsigned bits;
        bool packed;
    } cases[] = {
        { WS_PACK_BYTES_MIN, 0, false },
        { WS_PACK_BYTES_MIN - 1, 15, false },
        { WS_PACK_BYTES_MIN, 15, true },
        { WS_PACK_BYTES_MIN, 9, true },
        { WS_PACK_BYTES_MAX, 15, true },
        { WS_PACK_BYTES_MAX + 1, 15, false },
        { 0, 15, false },
    };
    struct ws_pool pool;
    ws_pool_init(&pool, &mem_default, 1, 1);
    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (uint8_t)(i % 100);

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ws_conn conn;
        struct bytes_writer out = script_make();
        ws_conn_init(&conn, &pool, WS_SERVER, MESSAGE_MAX);
        if (cases[i].bits != 0)
            ws_conn_deflate(&conn, cases[i].bits);
        ws_conn_message(&conn, &out, WS_TEXT, bytes_of(payload, cases[i].size));
        cr_assert_eq(out.data[0], cases[i].packed ? 0xc1 : 0x81, "case %zu", i);
        struct bytes sent = ws_frame_payload(bytes_written(&out));
        if (cases[i].packed)
            cr_assert_lt(sent.size, cases[i].size);
        else
            cr_assert(bytes_equal(sent, bytes_of(payload, cases[i].size)));
        bytes_writer_finish(&out);
        ws_conn_finish(&conn);
    }
    ws_pool_finish(&pool);
}

/* ---- the pool ---- */

Test(ws_conn, an_idle_connection_holds_nothing) {
    struct failing_mem memory;
    struct ws_pool pool;
    struct ws_conn conns[100];
    struct ws_event event;
    struct bytes_writer script = script_make();
    failing_mem_init(&memory, 0);
    put_text(&script, 0x82, "message");
    ws_pool_init(&pool, &memory.mem, 1, 10);
    size_t with_one_parser = 0;

    for (size_t i = 0; i < 100; i++) {
        ws_conn_init(&conns[i], &pool, WS_SERVER, MESSAGE_MAX);
        ws_conn_feed(&conns[i], bytes_written(&script));
        cr_assert_eq(ws_conn_next(&conns[i], &event), STATUS_OK);
        cr_assert(bytes_equal_text(event.payload, "message"));
        cr_assert_eq(ws_conn_next(&conns[i], &event), STATUS_MORE);
        if (i == 0)
            with_one_parser = memory.held;
    }

    cr_assert_eq(memory.held, with_one_parser);
    cr_assert_leq(sizeof(struct ws_conn), 160);
    for (size_t i = 0; i < 100; i++)
        ws_conn_finish(&conns[i]);
    ws_pool_finish(&pool);
    cr_assert_eq(memory.held, 0);
    bytes_writer_finish(&script);
}

Test(ws_conn, connections_inside_messages_do_not_mix) {
    struct ws_pool pool;
    struct ws_conn conns[3];
    struct ws_event event;
    struct bytes_writer scripts[3];
    static const char *const texts[] = { "first", "second", "third!" };
    ws_pool_init(&pool, &mem_default, 1, 3);
    for (size_t i = 0; i < 3; i++) {
        scripts[i] = script_make();
        put_text(&scripts[i], 0x81, texts[i]);
        ws_conn_init(&conns[i], &pool, WS_SERVER, MESSAGE_MAX);
    }

    unsigned messages = 0;
    for (size_t at = 0; at < 12; at++)
        for (size_t i = 0; i < 3; i++) {
            if (at >= scripts[i].size)
                continue;
            ws_conn_feed(&conns[i], bytes_of(scripts[i].data + at, 1));
            while (ws_conn_next(&conns[i], &event) == STATUS_OK) {
                cr_assert(bytes_equal_text(event.payload, texts[i]));
                messages++;
            }
        }

    cr_assert_eq(messages, 3);
    for (size_t i = 0; i < 3; i++) {
        ws_conn_finish(&conns[i]);
        bytes_writer_finish(&scripts[i]);
    }
    ws_pool_finish(&pool);
}

Test(ws_conn, with_every_parser_lent_out_nothing_is_lost) {
    struct ws_pool pool;
    struct ws_conn a;
    struct ws_conn b;
    struct ws_event event;
    struct bytes_writer script = script_make();
    put_text(&script, 0x81, "Hello");
    ws_pool_init(&pool, &mem_default, 1, 1);
    ws_conn_init(&a, &pool, WS_SERVER, MESSAGE_MAX);
    ws_conn_init(&b, &pool, WS_SERVER, MESSAGE_MAX);

    ws_conn_feed(&a, bytes_of(script.data, 3));
    cr_assert_eq(ws_conn_next(&a, &event), STATUS_MORE);
    ws_conn_feed(&b, bytes_written(&script));
    cr_assert_eq(ws_conn_next(&b, &event), STATUS_OVERLOADED);
    cr_assert_eq(ws_conn_rest(&b).size, script.size);
    ws_conn_feed(&a, bytes_of(script.data + 3, script.size - 3));
    cr_assert_eq(ws_conn_next(&a, &event), STATUS_OK);
    cr_assert_eq(ws_conn_next(&a, &event), STATUS_MORE);
    cr_assert_eq(ws_conn_next(&b, &event), STATUS_OK);

    cr_assert(bytes_equal_text(event.payload, "Hello"));
    ws_conn_finish(&a);
    ws_conn_finish(&b);
    ws_pool_finish(&pool);
    bytes_writer_finish(&script);
}

Test(ws_conn, a_connection_may_end_anywhere) {
    struct failing_mem memory;
    struct bytes_writer script = script_make();
    failing_mem_init(&memory, 0);
    put_text(&script, 0x01, "Hel");
    put_text(&script, 0x89, "p");
    put_text(&script, 0x80, "lo");

    for (size_t cut = 0; cut <= script.size; cut++) {
        struct ws_pool pool;
        struct ws_conn conn;
        struct ws_event event;
        ws_pool_init(&pool, &memory.mem, 2, 2);
        ws_conn_init(&conn, &pool, WS_SERVER, MESSAGE_MAX);
        ws_conn_feed(&conn, bytes_of(script.data, cut));
        while (ws_conn_next(&conn, &event) == STATUS_OK)
            ;
        ws_conn_finish(&conn);
        ws_conn_finish(&conn);
        ws_pool_finish(&pool);
        cr_assert_eq(memory.held, 0);
    }
    bytes_writer_finish(&script);
}

Test(ws_conn, a_failed_allocation_loses_nothing) {
    struct bytes_writer script = script_make();
    static char payload[900];
    memset(payload, 'x', sizeof payload);
    put(&script, 0x01, bytes_of(payload, 500), true);
    put_text(&script, 0x89, "ping");
    put(&script, 0x80, bytes_of(payload, 400), true);
    put_hex(&script, 0xc2, "f2 48 cd c9 c9 07 00");
    put_hex(&script, 0x88, "03 e8");

    for (unsigned n = 1;; n++) {
        struct failing_mem failing;
        struct ws_pool pool;
        struct ws_conn conn;
        struct ws_event event;
        enum status status;
        unsigned messages = 0;
        failing_mem_init(&failing, n);
        ws_pool_init(&pool, &failing.mem, 1, 1);
        ws_conn_init(&conn, &pool, WS_SERVER, MESSAGE_MAX);
        ws_conn_deflate(&conn, 15);
        ws_conn_feed(&conn, bytes_written(&script));
        while ((status = ws_conn_next(&conn, &event)) == STATUS_OK || status == STATUS_NO_MEMORY)
            if (status == STATUS_OK && (event.kind == WS_EVENT_TEXT || event.kind == WS_EVENT_BINARY)) {
                cr_assert(bytes_equal(event.payload, event.kind == WS_EVENT_TEXT ? bytes_of(payload, 900) : bytes_text("Hello")));
                messages++;
            }
        cr_assert_eq(status, STATUS_CLOSED);
        cr_assert_eq(messages, 2);
        ws_conn_finish(&conn);
        ws_pool_finish(&pool);
        cr_assert_eq(failing.held, 0);
        if (!failing.fired)
            break;
    }
    bytes_writer_finish(&script);
}
