/* y-websocket's and Hocuspocus' messages: literal bytes, as the npm packages send them. */
#include "wire/hocuspocus.h"

#include "../testing/hex.h"

#include <criterion/criterion.h>

static struct yws_message read_yws(const char *text, enum status expected) {
    static struct hex bytes;
    struct yws_message message;
    bytes = hex(text);
    cr_assert_eq(yws_read(hex_bytes(&bytes), &message), expected, "%s", text);
    return message;
}

#define CHECK_BYTES(bytes, text)                                                            \
    do {                                                                                    \
        struct hex expected = hex(text);                                                    \
        char room[3 * 256];                                                                 \
        cr_assert(bytes_equal(bytes, hex_bytes(&expected)), "%s", hex_format(bytes, room)); \
    } while (0)

Test(yws, reads_each_message) {
    static const struct {
        const char *bytes;
        enum yws_kind kind;
        const char *payload;
    } cases[] = {
        { "00 00 01 00", YWS_STEP_1, "00" },
        { "00 01 02 00 00", YWS_STEP_2, "00 00" },
        { "00 02 02 00 00", YWS_UPDATE, "00 00" },
        { "01 06 01 05 02 02 7b 7d", YWS_AWARENESS, "01 05 02 02 7b 7d" },
        { "02 00 02 6e 6f", YWS_AUTH, "00 02 6e 6f" },
        { "03", YWS_QUERY_AWARENESS, "" },
        { "64 01 02", YWS_OTHER, "01 02" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct yws_message message = read_yws(cases[i].bytes, STATUS_OK);
        cr_assert_eq(message.kind, cases[i].kind, "%s", cases[i].bytes);
        CHECK_BYTES(message.payload, cases[i].payload);
    }
}

Test(yws, refuses_what_is_not_one_message) {
    static const char *const cases[] = {
        "",                  /* nothing */
        "00",                /* no step */
        "00 03 01 00",       /* an unknown step */
        "00 02",             /* no size */
        "00 02 03 00 00",    /* cut off */
        "00 02 02 00 00 03", /* two in one */
        "01 01",             /* cut off */
        "03 00",             /* something behind */
        "00 02 ff ff ff ff ff ff ff ff ff ff 01",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        read_yws(cases[i], STATUS_MALFORMED);
}

Test(yws, writes_what_providers_read) {
    struct bytes_writer out;
    bytes_writer_init(&out, &mem_default, 1 << 20);

    yws_write(&out, YWS_STEP_1, bytes_of("\0", 1));
    CHECK_BYTES(bytes_written(&out), "00 00 01 00");
    bytes_writer_reset(&out);
    yws_write(&out, YWS_AWARENESS, bytes_of("\0", 1));
    CHECK_BYTES(bytes_written(&out), "01 01 00");
    bytes_writer_reset(&out);
    yws_denied_write(&out, bytes_text("no"));
    CHECK_BYTES(bytes_written(&out), "02 00 02 6e 6f");

    bytes_writer_finish(&out);
}

Test(yws, a_head_counts_its_payload) {
    uint8_t head[YWS_HEAD_MAX];
    cr_assert_eq(yws_head(head, YWS_UPDATE, 127), 3);
    cr_assert_eq(yws_head(head, YWS_UPDATE, 128), 4);
    cr_assert_arr_eq(head, ((uint8_t[]){ 0, 2, 0x80, 1 }), 4);
    cr_assert_eq(yws_head(head, YWS_AWARENESS, 128), 3);
    cr_assert_eq(yws_head(head, YWS_STEP_2, UINT32_MAX), YWS_HEAD_MAX);
}

static struct hocuspocus_message read_hocuspocus(const char *text, enum status expected) {
    static struct hex bytes;
    struct hocuspocus_message message;
    bytes = hex(text);
    cr_assert_eq(hocuspocus_read(hex_bytes(&bytes), &message), expected, "%s", text);
    return message;
}

Test(hocuspocus, reads_each_message) {
    struct hocuspocus_message update = read_hocuspocus("01 61 00 02 02 00 00", STATUS_OK);
    cr_assert_eq(update.kind, HOCUSPOCUS_SYNC);
    cr_assert(bytes_equal_text(update.name, "a"));
    cr_assert_eq(update.yws.kind, YWS_UPDATE);
    CHECK_BYTES(update.yws.payload, "00 00");

    struct hocuspocus_message token = read_hocuspocus("01 61 02 00 03 78 79 7a 05 34 2e 38 2e 30", STATUS_OK);
    cr_assert_eq(token.kind, HOCUSPOCUS_TOKEN);
    cr_assert(bytes_equal_text(token.text, "xyz"));
    cr_assert_eq(read_hocuspocus("01 61 02 00 00", STATUS_OK).text.size, 0);

    struct hocuspocus_message stateless = read_hocuspocus("01 61 05 02 68 69", STATUS_OK);
    cr_assert_eq(stateless.kind, HOCUSPOCUS_STATELESS);
    cr_assert(bytes_equal_text(stateless.text, "hi"));
    cr_assert_eq(read_hocuspocus("01 61 06 02 68 69", STATUS_OK).kind, HOCUSPOCUS_BROADCAST);
    cr_assert_eq(read_hocuspocus("01 61 07", STATUS_OK).kind, HOCUSPOCUS_CLOSE);
    cr_assert_eq(read_hocuspocus("01 61 03", STATUS_OK).yws.kind, YWS_QUERY_AWARENESS);
    cr_assert_eq(read_hocuspocus("09", STATUS_OK).kind, HOCUSPOCUS_PING);
    cr_assert_eq(read_hocuspocus("0a", STATUS_OK).kind, HOCUSPOCUS_PONG);
    cr_assert_eq(read_hocuspocus("01 61 63 00", STATUS_OK).kind, HOCUSPOCUS_OTHER);
}

Test(hocuspocus, a_composite_name_holds_the_document_and_comes_back_whole) {
    struct hocuspocus_message message = read_hocuspocus("04 61 62 00 73 03", STATUS_OK);

    cr_assert(bytes_equal_text(message.document, "ab"));
    cr_assert(bytes_equal(message.name, bytes_of("ab\0s", 4)));
}

Test(hocuspocus, refuses_what_is_not_one_message) {
    static const char *const cases[] = {
        "",
        "01",
        "01 61",
        "01 ff 03", /* no name, no type, not UTF-8 */
        "01 61 02",
        "01 61 02 01 00", /* no token; what only servers say */
        "01 61 02 00 02 61",
        "01 61 05 02 61",
        "01 61 05 01 61 00",
        "01 61 00 02 01 00 00",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        read_hocuspocus(cases[i], STATUS_MALFORMED);
    uint8_t longest[4 + HOCUSPOCUS_NAME_MAX + 1] = { 0xc2, 0x08 }; /* a name of 1090 bytes */
    struct hocuspocus_message message;
    memset(longest + 2, 'a', sizeof longest - 2);
    longest[2 + HOCUSPOCUS_NAME_MAX + 1] = 3;
    cr_assert_eq(hocuspocus_read(bytes_of(longest, 2 + HOCUSPOCUS_NAME_MAX + 2), &message), STATUS_TOO_BIG);
}

Test(hocuspocus, writes_what_providers_read) {
    struct bytes_writer out;
    struct bytes name = bytes_text("a");
    bytes_writer_init(&out, &mem_default, 1 << 20);

    hocuspocus_authenticated_write(&out, name, true);
    CHECK_BYTES(bytes_written(&out), "01 61 02 02 0a 72 65 61 64 2d 77 72 69 74 65");
    bytes_writer_reset(&out);
    hocuspocus_denied_write(&out, name, bytes_text("no"));
    CHECK_BYTES(bytes_written(&out), "01 61 02 01 02 6e 6f");
    bytes_writer_reset(&out);
    hocuspocus_status_write(&out, name, true);
    hocuspocus_status_write(&out, name, false);
    CHECK_BYTES(bytes_written(&out), "01 61 08 01 01 61 08 00");
    bytes_writer_reset(&out);
    hocuspocus_stateless_write(&out, name, bytes_text("hi"));
    CHECK_BYTES(bytes_written(&out), "01 61 05 02 68 69");
    bytes_writer_reset(&out);
    hocuspocus_close_write(&out, name, bytes_text("no"));
    CHECK_BYTES(bytes_written(&out), "01 61 07 02 6e 6f");
    bytes_writer_reset(&out);
    hocuspocus_sync_write(&out, name, YWS_UPDATE, bytes_of("\0\0", 2));
    hocuspocus_ping_write(&out);
    hocuspocus_pong_write(&out);
    CHECK_BYTES(bytes_written(&out), "01 61 00 02 02 00 00 09 0a");

    bytes_writer_finish(&out);
}
