#include "ground/utf.h"

#include <criterion/criterion.h>

Test(utf, units_are_those_of_utf16) {
    static const struct {
        const char *text;
        size_t units;
    } cases[] = { { "", 0 },
                  { "plain ascii, longer than eight", 30 },
                  { "\xc3\xa9", 1 },
                  { "\xed\x9f\xbf\xee\x80\x80", 2 },
                  { "\xef\xbb\xbf", 1 },
                  { "\xf0\x9f\x98\x80", 2 },
                  { "12345678\xf0\x9f\x98\x80"
                    "12345678\xed\x95\x9c",
                    19 },
                  { "\xf4\x8f\xbf\xbf", 2 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t units = 99;
        cr_assert(utf_check(bytes_text(cases[i].text), &units), "case %zu", i);
        cr_assert_eq(units, cases[i].units, "case %zu", i);
        cr_assert_eq(utf_units(bytes_text(cases[i].text)), cases[i].units, "case %zu", i);
    }
    cr_assert(utf_check(bytes_of("a\0b", 3), NULL));
}

Test(utf, what_is_not_strict_utf8_is_refused) {
    static const char *const cases[] = {
        "\x80",         "\xc3",         "\xc0\x80",         "\xc1\xbf",         "\xe0\x80\x80",     "\xe0\x9f\xbf",
        "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xff",         "\xe1\x80",     "\xf1\x80\x80",     "\xc3\x28",         "12345678\x80",     "1234567\xe1\x80"
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_not(utf_check(bytes_text(cases[i]), NULL), "case %zu", i);
}

/* Every place of a text with characters of one to four bytes, held against counting from the start. */
Test(utf, offsets_lead_to_each_unit) {
    struct bytes text = bytes_text("abcdefgh\xc3\xa9\xed\x95\x9c\xf0\x9f\x98\x80ijklmnopq\xf0\x9f\x98\x80");
    size_t units = utf_units(text);
    cr_assert_eq(units, 8 + 1 + 1 + 2 + 9 + 2);

    for (size_t unit = 0; unit <= units; unit++) {
        bool inside;
        size_t at = utf_offset(text, unit, &inside);
        size_t before = utf_units(bytes_of(text.data, at));
        cr_assert_eq(before + inside, unit, "unit %zu", unit);
        cr_assert_eq(inside, unit == 11 || unit == 22, "unit %zu", unit);
        if (inside)
            cr_assert_geq(text.data[at], 0xf0);
    }
}

Test(utf, a_step_looks_at_its_bytes_and_at_no_others) {
    uint8_t step[UTF_STEP];
    for (size_t size = 0; size <= UTF_STEP; size++)
        for (size_t at = 0; at < UTF_STEP; at++) {
            memset(step, 0x7f, sizeof step);
            step[at] = 0x80;
            cr_assert_eq(utf_step_is_ascii(step, size), at >= size, "byte %zu of %zu", at, size);
        }
}
