/* Headers at every border of their forms. */
#include "wire/ws.h"

#include "../testing/hex.h"

#include <criterion/criterion.h>

Test(ws_frame, headers_take_the_shortest_form) {
    static const struct {
        uint64_t size;
        const char *bytes;
    } cases[] = {
        { 0, "82 00" },         { 125, "82 7d" },         { 126, "82 7e 00 7e" },
        { 256, "82 7e 01 00" }, { 65535, "82 7e ff ff" }, { 65536, "82 7f 00 00 00 00 00 01 00 00" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t header[WS_HEADER_MAX];
        char room[64];
        size_t size = ws_frame_header(header, cases[i].size, WS_BINARY, true);
        cr_assert_eq(size, ws_frame_header_size(cases[i].size));
        cr_assert_str_eq(hex_format(bytes_of(header, size), room), cases[i].bytes);
    }
}

Test(ws_frame, the_masked_frame_of_the_rfc_is_made) {
    static const uint8_t mask[4] = { 0x37, 0xfa, 0x21, 0x3d };
    struct bytes_writer out;
    char room[64];
    bytes_writer_init(&out, &mem_default, 64);

    ws_frame_masked(&out, WS_TEXT, true, bytes_text("Hello"), mask);

    cr_assert_str_eq(hex_format(bytes_written(&out), room), "81 85 37 fa 21 3d 7f 9f 4d 51 58");
    bytes_writer_finish(&out);
}

Test(ws_frame, a_frame_that_does_not_fit_leaves_nothing) {
    static const uint8_t mask[4] = { 1, 2, 3, 4 };
    struct bytes_writer out;
    bytes_writer_init(&out, &mem_default, 6);

    ws_frame_write(&out, WS_BINARY, true, bytes_text("Hello"));
    cr_assert_eq(out.status, STATUS_TOO_BIG);
    cr_assert_eq(out.size, 0);
    bytes_writer_reset(&out);
    ws_frame_masked(&out, WS_BINARY, false, bytes_text("H"), mask);
    cr_assert_eq(out.status, STATUS_TOO_BIG);
    cr_assert_eq(out.size, 0);
    bytes_writer_finish(&out);
}
