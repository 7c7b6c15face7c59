/* The incremental check against the whole one, its twin in ground. */
#include "ws_text.h"

#include "ground/utf.h"

#include <criterion/criterion.h>

/* Fed in two pieces, cut anywhere. */
static bool fed(struct bytes text, size_t cut) {
    struct ws_text state = { 0 };
    return ws_text_feed(&state, bytes_of(text.data, cut)) && ws_text_feed(&state, bytes_of(text.data + cut, text.size - cut)) &&
           ws_text_complete(&state);
}

Test(ws_text, every_three_bytes_are_judged_as_the_whole_check_does) {
    for (unsigned a = 0x70; a < 0x100; a++)
        for (unsigned b = 0; b < 0x100; b += 1)
            for (unsigned c = 0x3f; c < 0x100; c += 0x20) {
                uint8_t text[] = { (uint8_t)a, (uint8_t)b, (uint8_t)c };
                bool expected = utf_check(bytes_of(text, 3), NULL);
                for (size_t cut = 0; cut <= 3; cut++)
                    cr_assert_eq(fed(bytes_of(text, 3), cut), expected, "%02x %02x %02x", a, b, c);
            }
}

Test(ws_text, long_text_in_any_two_pieces_passes) {
    static const char text[] =
        "plain ascii, \xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5 and \xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb at the end";
    for (size_t cut = 0; cut < sizeof text; cut++)
        cr_assert(fed(bytes_of(text, sizeof text - 1), cut < sizeof text - 1 ? cut : sizeof text - 1));
}
