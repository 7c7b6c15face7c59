/* The handshake of RFC 6455, section 1.2 and 4, on both sides. */
#include "wire/upgrade.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const char *const protocols[] = { WIRE_SUBPROTOCOL, "other.v1", NULL };
static const char *const none[] = { NULL };
static const struct http_limits limits = { .head_bytes_max = 4096, .headers_max = 32, .body_bytes_max = 100 };

#define GOOD_HEADERS                                                                        \
    "Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static enum status check(const char *text, const char *const offered[], struct ws_upgrade *out, struct http_fault *fault) {
    struct http_reader *reader = http_reader_create(&mem_default, HTTP_READ_REQUESTS, &limits);
    size_t used;
    cr_assert_eq(http_reader_feed(reader, bytes_text(text), &used, fault), STATUS_OK, "%s: %s", text, fault->what);
    enum status status = ws_upgrade_check(http_reader_message(reader), offered, out, fault);
    http_reader_destroy(reader);
    return status;
}

Test(upgrade, the_key_of_the_rfc_is_answered_as_the_rfc_says) {
    struct ws_upgrade upgrade;
    struct http_fault fault;
    struct bytes_writer out;

    cr_assert_eq(
        check("GET / HTTP/1.1\r\n" GOOD_HEADERS "Sec-WebSocket-Protocol: x, vibesync.v1\r\n\r\n", protocols, &upgrade, &fault),
        STATUS_OK);
    cr_assert_str_eq(upgrade.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    cr_assert_str_eq(upgrade.protocol, "vibesync.v1");
    bytes_writer_init(&out, &mem_default, 1000);
    ws_upgrade_accept(&out, &upgrade, NULL, 0);
    cr_assert(bytes_equal_text(
        bytes_written(&out), "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: vibesync.v1\r\n\r\n"));
    bytes_writer_finish(&out);
}

Test(upgrade, the_servers_order_of_subprotocols_decides) {
    struct ws_upgrade upgrade;
    struct http_fault fault;

    check("GET / HTTP/1.1\r\n" GOOD_HEADERS "Sec-WebSocket-Protocol: other.v1\r\nSec-WebSocket-Protocol: vibesync.v1\r\n\r\n",
          protocols, &upgrade, &fault);
    cr_assert_str_eq(upgrade.protocol, "vibesync.v1");
    check("GET / HTTP/1.1\r\n" GOOD_HEADERS "Sec-WebSocket-Protocol: unknown\r\n\r\n", protocols, &upgrade, &fault);
    cr_assert_null(upgrade.protocol);
    cr_assert(upgrade.protocols_offered);
    check("GET / HTTP/1.1\r\n" GOOD_HEADERS "\r\n", none, &upgrade, &fault);
    cr_assert_null(upgrade.protocol);
    cr_assert_not(upgrade.protocols_offered);
}

Test(upgrade, the_first_acceptable_offer_of_compression_is_taken) {
#define TAKEN "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
    static const struct {
        const char *offers; /* of Sec-WebSocket-Extensions */
        unsigned bits;
        const char *answer; /* NULL: no compression */
    } cases[] = {
        { "permessage-deflate", 15, TAKEN },
        { "permessage-deflate ; client_max_window_bits", 15, TAKEN },
        { "permessage-deflate;client_max_window_bits=8;server_no_context_takeover;client_no_context_takeover", 15, TAKEN },
        { "permessage-deflate; server_max_window_bits=9", 9, TAKEN "; server_max_window_bits=9" },
        { "permessage-deflate; server_max_window_bits=\"12\"", 12, TAKEN "; server_max_window_bits=12" },
        { "permessage-deflate; server_max_window_bits = 15", 15, TAKEN "; server_max_window_bits=15" },
        { "permessage-deflate; server_max_window_bits=8, permessage-deflate; server_max_window_bits=10", 10,
          TAKEN "; server_max_window_bits=10" },
        { "other; a=1; b=\"x\", permessage-deflate", 15, TAKEN },
        { "other\r\nSec-WebSocket-Extensions: permessage-deflate", 15, TAKEN },
        { "other", 0, NULL },
        { "permessage-deflatex", 0, NULL },
        { "permessage-deflate; server_max_window_bits=8", 0, NULL },
        { "permessage-deflate; server_max_window_bits=16", 0, NULL },
        { "permessage-deflate; server_max_window_bits=09", 0, NULL },
        { "permessage-deflate; server_max_window_bits=1x", 0, NULL },
        { "permessage-deflate; server_max_window_bits=100", 0, NULL },
        { "permessage-deflate; server_max_window_bits", 0, NULL },
        { "permessage-deflate; client_max_window_bits=7", 0, NULL },
        { "permessage-deflate; client_max_window_bits=16", 0, NULL },
        { "permessage-deflate; server_no_context_takeover=1", 0, NULL },
        { "permessage-deflate; client_no_context_takeover=true", 0, NULL },
        { "permessage-deflate; client_max_window_bits; client_max_window_bits", 0, NULL },
        { "permessage-deflate; a", 0, NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[1000];
        char expected[400] = "";
        struct ws_upgrade upgrade;
        struct http_fault fault;
        struct bytes_writer out;
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\n" GOOD_HEADERS "Sec-WebSocket-Extensions: %s\r\n\r\n", cases[i].offers);
        if (cases[i].answer != NULL)
            snprintf(expected, sizeof expected, "\r\nSec-WebSocket-Extensions: %s\r\n", cases[i].answer);
        bytes_writer_init(&out, &mem_default, 1000);

        cr_assert_eq(check(text, none, &upgrade, &fault), STATUS_OK, "%s", cases[i].offers);
        cr_assert_eq(upgrade.deflate_bits, cases[i].bits, "%s", cases[i].offers);
        ws_upgrade_accept(&out, &upgrade, NULL, 0);
        bytes_write_u8(&out, '\0');
        cr_assert(strstr((const char *)out.data, expected) != NULL, "%s: %s", cases[i].offers, (const char *)out.data);
        cr_assert_eq(strstr((const char *)out.data, "Extensions") != NULL, cases[i].answer != NULL);
        bytes_writer_finish(&out);
    }
}

Test(upgrade, what_is_no_list_of_extensions_is_refused) {
    static const char *const cases[] = { "",         ",",         "a,",  "a;",    "a; b=",    "a; =b",
                                         "a; b=\"c", "a; b=\"\"", "a b", "\"a\"", "a; b=c d", "a, permessage-deflate; =" };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[1000];
        struct ws_upgrade upgrade;
        struct http_fault fault;
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\n" GOOD_HEADERS "Sec-WebSocket-Extensions: %s\r\n\r\n", cases[i]);
        cr_assert_eq(check(text, none, &upgrade, &fault), STATUS_MALFORMED, "%s", cases[i]);
        cr_assert_eq(fault.status, 400);
    }
}

Test(upgrade, what_is_wrong_is_answered_with_its_status) {
    static const struct {
        const char *text;
        unsigned code;
    } cases[] = {
        { "POST / HTTP/1.1\r\n" GOOD_HEADERS "\r\n", 405 },
        { "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 426 },
        { "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", 426 },
        { "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", 426 },
        { "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\n\r\n", 426 },
        { "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
          "Sec-WebSocket-Key: short\r\n\r\n",
          400 },
        { "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==\r\n\r\n",
          400 },
        { "GET / HTTP/1.0\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n", 400 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ws_upgrade upgrade;
        struct http_fault fault = { 0 };
        cr_assert_eq(check(cases[i].text, protocols, &upgrade, &fault), STATUS_MALFORMED, "%s", cases[i].text);
        cr_assert_eq(fault.status, cases[i].code, "%s: %u", cases[i].text, fault.status);
    }
}

/* ---- both sides together ---- */

static struct ws_upgrade_key key_make(void) {
    static const uint8_t random[WS_KEY_BYTES] = "the sample nonce";
    return ws_upgrade_key(random);
}

static enum status confirm(const char *text, const char *protocol, struct http_fault *fault) {
    struct http_reader *reader = http_reader_create(&mem_default, HTTP_READ_RESPONSES, &limits);
    struct ws_upgrade_key key = key_make();
    size_t used;
    cr_assert_eq(http_reader_feed(reader, bytes_text(text), &used, fault), STATUS_OK, "%s: %s", text, fault->what);
    cr_assert_eq(used, strlen(text));
    enum status status = ws_upgrade_confirm(http_reader_message(reader), &key, protocol, fault);
    http_reader_destroy(reader);
    return status;
}

Test(upgrade, client_and_server_shake_hands) {
    struct ws_upgrade_key key = key_make();
    struct http_header bearer = { bytes_text("Authorization"), bytes_text("Bearer secret") };
    struct bytes_writer request;
    struct bytes_writer answer;
    struct ws_upgrade upgrade;
    struct http_fault fault;
    bytes_writer_init(&request, &mem_default, 4096);
    bytes_writer_init(&answer, &mem_default, 4096);

    cr_assert_str_eq(key.text, "dGhlIHNhbXBsZSBub25jZQ==");
    ws_upgrade_request(&request, bytes_text("localhost:8440"), bytes_text("/v1/sessions/x/ws"), &key, WIRE_SUBPROTOCOL, &bearer, 1);
    bytes_write_u8(&request, 0);
    cr_assert_eq(check((const char *)request.data, protocols, &upgrade, &fault), STATUS_OK);
    ws_upgrade_accept(&answer, &upgrade, NULL, 0);
    bytes_write_u8(&answer, 0);
    cr_assert_eq(confirm((const char *)answer.data, WIRE_SUBPROTOCOL, &fault), STATUS_OK, "%s", fault.what);

    bytes_writer_finish(&request);
    bytes_writer_finish(&answer);
}

Test(upgrade, the_client_trusts_no_answer) {
#define ANSWER "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    struct http_fault fault;

    cr_assert_eq(confirm(ANSWER ACCEPT "\r\n", NULL, &fault), STATUS_OK);
    cr_assert_eq(confirm(ANSWER "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOO=\r\n\r\n", NULL, &fault), STATUS_MALFORMED);
    cr_assert_eq(confirm(ANSWER "\r\n", NULL, &fault), STATUS_MALFORMED);
    cr_assert_eq(confirm(ANSWER ACCEPT "\r\n", WIRE_SUBPROTOCOL, &fault), STATUS_MALFORMED);
    cr_assert_eq(confirm(ANSWER ACCEPT "Sec-WebSocket-Protocol: x\r\n\r\n", NULL, &fault), STATUS_MALFORMED);
    cr_assert_eq(confirm(ANSWER ACCEPT "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", NULL, &fault), STATUS_MALFORMED);
    cr_assert_eq(confirm("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", NULL, &fault), STATUS_DENIED);
    cr_assert_eq(fault.status, 403);
}
