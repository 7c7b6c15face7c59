/* Flat objects, read and written. */
#include "wire/json_body.h"

#include <criterion/criterion.h>

Test(json_body, members_are_read_by_type) {
    struct json_body *body;
    struct bytes text;
    uint64_t number;
    bool flag;
    cr_assert_eq(json_body_parse(bytes_text("{\"a\":\"h\\u00e9\",\"n\":12,\"t\":true,\"z\":null,\"x\":1.5,\"m\":-1}"), &body),
                 STATUS_OK);

    cr_assert_eq(json_body_text(body, "a", 3, &text), STATUS_OK);
    cr_assert(bytes_equal_text(text, "h\xc3\xa9"));
    cr_assert_eq(json_body_text(body, "a", 2, &text), STATUS_TOO_BIG);
    cr_assert_eq(json_body_text(body, "n", 9, &text), STATUS_MALFORMED);
    cr_assert_eq(json_body_text(body, "z", 9, &text), STATUS_NOT_FOUND);
    cr_assert_eq(json_body_text(body, "missing", 9, &text), STATUS_NOT_FOUND);
    cr_assert_eq(json_body_uint(body, "n", 12, &number), STATUS_OK);
    cr_assert_eq(number, 12);
    cr_assert_eq(json_body_uint(body, "n", 11, &number), STATUS_TOO_BIG);
    cr_assert_eq(json_body_uint(body, "m", 11, &number), STATUS_TOO_BIG);
    cr_assert_eq(json_body_uint(body, "x", 11, &number), STATUS_MALFORMED);
    cr_assert_eq(json_body_bool(body, "t", &flag), STATUS_OK);
    cr_assert(flag);
    cr_assert_eq(json_body_bool(body, "n", &flag), STATUS_MALFORMED);
    json_body_destroy(body);
}

Test(json_body, what_is_not_an_object_is_malformed) {
    static const char *const cases[] = {
        "", "x", "[]", "1", "{", "{} {}", "{\"a\":1,\"a\":2}", "{\"a\":\"\xff\"}", "{\"a\":\"\\u0000\"}", "{\"a\"}"
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct json_body *body;
        cr_assert_eq(json_body_parse(bytes_text(cases[i]), &body), STATUS_MALFORMED, "%s", cases[i]);
    }
    json_body_destroy(NULL);
}

Test(json_body, an_object_inside_is_read_as_a_body_of_its_own) {
    struct json_body *body;
    struct json_body *error;
    struct bytes text;
    cr_assert_eq(json_body_parse(bytes_text("{\"error\":{\"code\":\"not_found\"},\"list\":[1],\"n\":1}"), &body), STATUS_OK);

    cr_assert_eq(json_body_object(body, "missing", &error), STATUS_NOT_FOUND);
    cr_assert_eq(json_body_object(body, "list", &error), STATUS_MALFORMED);
    cr_assert_eq(json_body_text(body, "error", 9, &text), STATUS_MALFORMED);
    cr_assert_eq(json_body_object(body, "error", &error), STATUS_OK);
    json_body_destroy(body);
    cr_assert_eq(json_body_text(error, "code", 9, &text), STATUS_OK);

    cr_assert(bytes_equal_text(text, "not_found"));
    json_body_destroy(error);
}

Test(json_body, deep_nesting_is_malformed_and_needs_no_stack) {
    static char deep[60000];
    struct json_body *body;
    memset(deep, '[', sizeof deep);

    cr_assert_eq(json_body_parse(bytes_of(deep, sizeof deep), &body), STATUS_MALFORMED);
}

Test(json_body, what_is_written_is_read_back) {
    struct bytes_writer out;
    struct json_body *body;
    struct bytes text;
    bytes_writer_init(&out, &mem_default, 1000);
    struct json_writer writer = json_write_open(&out);
    json_write_text(&writer, "q\"", bytes_text("a\\b\"c\n\x01\xc3\xa9"));
    json_write_uint(&writer, "n", INT64_MAX);
    json_write_bool(&writer, "t", false);
    json_write_string(&writer, "s", "");
    json_write_close(&writer);

    cr_assert(bytes_equal_text(
        bytes_written(&out), "{\"q\\\"\":\"a\\\\b\\\"c\\u000a\\u0001\xc3\xa9\",\"n\":9223372036854775807,\"t\":false,\"s\":\"\"}"));
    cr_assert_eq(json_body_parse(bytes_written(&out), &body), STATUS_OK);
    cr_assert_eq(json_body_text(body, "q\"", 100, &text), STATUS_OK);
    cr_assert(bytes_equal_text(text, "a\\b\"c\n\x01\xc3\xa9"));
    json_body_destroy(body);
    bytes_writer_finish(&out);
}
