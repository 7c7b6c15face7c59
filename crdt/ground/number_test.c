#include "ground/number.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

static const char *written(double number) {
    static char text[NUMBER_TEXT_MAX + 1];
    text[number_write(number, text)] = '\0';
    return text;
}

static double read_text(const char *text) {
    return number_read(bytes_text(text));
}

Test(number, is_printed_as_javascript_prints_it) {
    static const struct {
        double number;
        const char *text;
    } cases[] = {
        { 0, "0" },
        { -0.0, "0" },
        { 1, "1" },
        { -12, "-12" },
        { 0.1, "0.1" },
        { 1e21, "1e+21" },
        { 1e20, "100000000000000000000" },
        { 123456789012345680000.0, "123456789012345680000" },
        { 1e-6, "0.000001" },
        { 1e-7, "1e-7" },
        { 1.5e-10, "1.5e-10" },
        { 9007199254740991.0, "9007199254740991" },
        { 5e-324, "5e-324" },
        { 1.7976931348623157e308, "1.7976931348623157e+308" },
        { 0.30000000000000004, "0.30000000000000004" },
        { -1234.5678, "-1234.5678" },
        { 4.35, "4.35" },
        { 100, "100" },
        { NAN, "NaN" },
        { INFINITY, "Infinity" },
        { -INFINITY, "-Infinity" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_str_eq(written(cases[i].number), cases[i].text);
}

Test(number, is_read_correctly_rounded) {
    cr_expect_eq(read_text("0"), 0);
    cr_expect(signbit(read_text("-0")));
    cr_expect_eq(read_text("-12.5e1"), -125);
    cr_expect_eq(read_text("1E+2"), 100);
    cr_expect_eq(read_text("0.00012"), 0.00012);
    cr_expect_eq(read_text("9007199254740993"), 9007199254740992.0);
    cr_expect_eq(read_text("9007199254740993.0000000000000000000000001"), 9007199254740994.0);
    cr_expect_eq(read_text("5e-324"), 5e-324);
    cr_expect_eq(read_text("1e400"), INFINITY);
    cr_expect_eq(read_text("1e-99999999999999999999"), 0);
    cr_expect_eq(read_text("0e99999999999999999999"), 0);
}

Test(number, of_any_length_is_read) {
    char text[2000];
    memset(text, '0', sizeof text);
    text[0] = '1';
    memcpy(text + 1500, "e-1499", 7);
    cr_expect_eq(read_text(text), 1);
    memset(text, '1', 1500);
    memcpy(text + 1500, "e-1499", 7);
    cr_expect_eq(read_text(text), 1.1111111111111112);
}

Test(number, comes_back_from_its_text) {
    srand(1);
    for (int i = 0; i < 20000; i++) {
        union {
            uint64_t bits;
            double number;
        } value = { (uint64_t)rand() << 42 ^ (uint64_t)rand() << 21 ^ (uint64_t)rand() };
        if (isnan(value.number) || isinf(value.number) || value.number == 0)
            continue;
        char text[NUMBER_TEXT_MAX];
        size_t size = number_write(value.number, text);
        cr_assert_leq(size, NUMBER_TEXT_MAX);
        cr_assert_eq(number_read(bytes_of(text, size)), value.number);
    }
}
