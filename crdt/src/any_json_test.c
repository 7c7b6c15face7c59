#include "any_json.h"

#include "any.h"
#include "json.h"

#include <criterion/criterion.h>

/* JSON → any → JSON. */
static void expect_round(const char *text, const char *wanted) {
    struct bytes_writer any, json;
    bytes_writer_init(&any, &mem_default, SIZE_MAX);
    bytes_writer_init(&json, &mem_default, SIZE_MAX);
    cr_assert(json_check(bytes_text(text)), "%s", text);
    json_to_any(bytes_text(text), &any);
    struct bytes_reader check = bytes_reader(bytes_written(&any));
    cr_assert_eq(any_skip(&check, true), STATUS_OK, "%s", text);
    cr_assert_eq(bytes_left(&check), 0, "%s", text);
    struct bytes_reader reader = bytes_reader(bytes_written(&any));
    any_to_json(&reader, &json);
    cr_expect_eq(bytes_left(&reader), 0);
    cr_expect(bytes_equal_text(bytes_written(&json), wanted), "%s became %.*s", text, (int)json.size, (char *)json.data);
    bytes_writer_finish(&any);
    bytes_writer_finish(&json);
}

Test(any_json, what_json_stringify_wrote_comes_back_as_it_was) {
    static const char *const texts[] = { "null",
                                         "true",
                                         "false",
                                         "0",
                                         "-1.5",
                                         "1e+21",
                                         "0.1",
                                         "\"\"",
                                         "\"a\\\"b\\\\c\\n\\u0001\"",
                                         "[]",
                                         "{}",
                                         "[1,[2,[]],{\"a\":{}}]",
                                         "{\"\":null,\"b\":[true,\"\xf0\x9f\x98\x80\"]}",
                                         "4294967296",
                                         "\"\x7f/\"" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        expect_round(texts[i], texts[i]);
}

Test(any_json, other_spellings_become_those_of_json_stringify) {
    expect_round(" { \"a\" : [ 1.0 , 10e-1 ] } ", "{\"a\":[1,1]}");
    expect_round("\"\\u00e9\\ud83d\\ude00\\/\"", "\"\xc3\xa9\xf0\x9f\x98\x80/\"");
    expect_round("\"\\ud83d!\\ude00\"", "\"\xef\xbf\xbd!\xef\xbf\xbd\"");
    expect_round("-0", "0");
    expect_round("1e999", "null");
}

Test(any_json, containers_of_more_than_127_make_room_for_their_count) {
    char text[4000] = "[";
    for (int i = 0; i < 300; i++)
        strcat(text, i == 150 ? "[7]," : "null,");
    strcat(text, "{\"k\":[]}]");
    expect_round(text, text);
}

static void expect_json(struct bytes any, const char *wanted) {
    struct bytes_writer json;
    bytes_writer_init(&json, &mem_default, SIZE_MAX);
    struct bytes_reader reader = bytes_reader(any);
    any_to_json(&reader, &json);
    cr_expect(bytes_equal_text(bytes_written(&json), wanted), "%.*s", (int)json.size, (char *)json.data);
    bytes_writer_finish(&json);
}

Test(any_json, what_json_lacks_becomes_what_json_stringify_makes_of_it) {
    expect_json(bytes_of("\x76\x03\x01u\x7f\x01"
                         "a\x75\x01\x7f\x01v\x7f",
                         14),
                "{\"a\":[null]}");
    expect_json(bytes_of("\x74\x02\x01\xff", 4), "{\"0\":1,\"1\":255}");
    expect_json(bytes_of("\x7c\x7f\xc0\x00\x00", 5), "null");
    expect_json(bytes_of("\x7a\xff\xff\xff\xff\xff\xff\xff\xf4", 9), "-12");
}
