#include "json.h"

#include <criterion/criterion.h>

Test(json, takes_what_json_parse_takes) {
    static const char *const cases[] = { "null",
                                         "true",
                                         "false",
                                         "0",
                                         "-0",
                                         "-1.5e+10",
                                         "1E5",
                                         "\"\"",
                                         "\"\\u00e9\\n\\\"\\/\"",
                                         "\"\\ud800\"",
                                         "[]",
                                         "{}",
                                         "[1,[2,[]],{}]",
                                         "{\"a\":{\"b\":[null,{}]},\"\":0}",
                                         " \t\n\r[ 1 , 2 ] ",
                                         "{ \"a\" : 1 }",
                                         "\"\x7f\"" };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert(json_check(bytes_text(cases[i])), "%s", cases[i]);
}

Test(json, refuses_what_json_parse_refuses) {
    static const char *const cases[] = { "",
                                         " ",
                                         "nul",
                                         "nullx",
                                         "undefined",
                                         "NaN",
                                         "Infinity",
                                         "01",
                                         "1.",
                                         ".5",
                                         "+1",
                                         "1e",
                                         "-",
                                         "\"",
                                         "\"\n\"",
                                         "\"\\x\"",
                                         "\"\\u12g4\"",
                                         "[1,]",
                                         "[,1]",
                                         "[1 2]",
                                         "{\"a\"}",
                                         "{\"a\":}",
                                         "{a:1}",
                                         "{\"a\":1,}",
                                         "[",
                                         "]",
                                         "[}",
                                         "{\"a\":1]",
                                         "1 2",
                                         "'a'",
                                         "{\"a\":1 \"b\":2}",
                                         ("\xc2\xa0"
                                          "1"),
                                         "\"\\" };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_not(json_check(bytes_text(cases[i])), "%s", cases[i]);
    cr_assert_not(json_check(bytes_of("1\0", 2)));
}

Test(json, nests_to_its_limit_and_no_further) {
    char text[2 * (JSON_DEPTH_MAX + 1)];
    for (size_t depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
        memset(text, '[', depth);
        text[depth - 1] = '[';
        memset(text + depth, ']', depth);
        /* The innermost array is empty and opens no level. */
        cr_assert_eq(json_check(bytes_of(text, 2 * depth)), depth <= JSON_DEPTH_MAX + 1);
    }
    char deep[3 * (JSON_DEPTH_MAX + 2)];
    size_t depth = JSON_DEPTH_MAX + 1;
    memset(deep, '[', depth);
    deep[depth] = '1';
    memset(deep + depth + 1, ']', depth);
    cr_assert_not(json_check(bytes_of(deep, 2 * depth + 1)));
    cr_assert(json_check(bytes_of(deep + 1, 2 * depth - 1)));
}
