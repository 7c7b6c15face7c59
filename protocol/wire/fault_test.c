/* The table of codes, and messages that are cut. */
#include "wire/fault.h"

#include "ground/utf.h"

#include <criterion/criterion.h>

Test(fault, every_code_has_a_word_of_its_own_and_is_found_by_it) {
    for (unsigned i = 0; i < WIRE_CODE_COUNT; i++) {
        const char *word = wire_code_word((enum wire_code)i);
        cr_assert_eq(wire_code_of_word(bytes_text(word)), i, "%s", word);
        cr_assert_gt(strlen(wire_code_sentence((enum wire_code)i)), 10);
        int http = wire_code_http((enum wire_code)i);
        cr_assert(http >= 400 && http < 600);
        uint16_t close = wire_code_close((enum wire_code)i);
        cr_assert(close == 0 || (close >= 1000 && close <= 1013) || (close >= 4400 && close < 4600));
    }
    cr_assert_eq(wire_code_of_word(bytes_text("of_the_future")), WIRE_CODE_COUNT);
}

Test(fault, permanent_closes_are_the_44xx) {
    cr_assert(wire_close_permanent(WIRE_CLOSE_MALFORMED));
    cr_assert(wire_close_permanent(4499));
    cr_assert_not(wire_close_permanent(WIRE_CLOSE_OVERLOADED));
    cr_assert_not(wire_close_permanent(WIRE_CLOSE_DRAIN));
    cr_assert_not(wire_close_permanent(WIRE_CLOSE_UNAVAILABLE));
}

Test(fault, every_status_has_a_code) {
    for (unsigned i = 1; i < STATUS_COUNT; i++)
        cr_assert_lt(wire_code_of_status((enum status)i), WIRE_CODE_COUNT);
    cr_assert_eq(wire_code_of_status(STATUS_DENIED), WIRE_CODE_PERMISSION_DENIED);
    cr_assert_eq(wire_code_of_status(STATUS_NO_MEMORY), WIRE_CODE_OVERLOADED);
}

Test(fault, a_long_message_is_cut_between_characters) {
    char text[400];
    for (size_t i = 0; i < sizeof text - 1; i += 3)
        memcpy(text + i, "\xe2\x82\xac", 3);
    text[sizeof text - 1] = '\0';

    struct wire_fault fault = wire_fault_say(WIRE_CODE_INTERNAL, "x%s", text);

    cr_assert_eq(strlen(fault.message), 1 + 79 * 3);
    cr_assert(utf_check(bytes_text(fault.message), NULL));
}

Test(fault, an_unknown_code_keeps_its_hint) {
    struct bytes_writer out;
    bytes_writer_init(&out, &mem_default, 4096);
    pack_write_map(&out, 3);
    pack_put_string(&out, "code", "of_the_future");
    pack_put_string(&out, "message", "Later.");
    pack_put_string(&out, "retry", "later");

    struct wire_fault fault;
    cr_assert_eq(wire_fault_read(bytes_written(&out), &fault), STATUS_OK);
    cr_assert_eq(fault.code, WIRE_CODE_COUNT);
    cr_assert_eq(fault.retry, WIRE_RETRY_LATER);
    cr_assert_str_eq(fault.message, "Later.");
    bytes_writer_finish(&out);
}

Test(fault, an_error_without_a_code_is_malformed) {
    struct wire_fault fault;

    cr_assert_eq(wire_fault_read(bytes_text("\x80"), &fault), STATUS_MALFORMED);
    cr_assert_eq(wire_fault_read(bytes_text("\x01"), &fault), STATUS_MALFORMED);
}

Test(fault, a_failed_field_is_named_in_message_and_data) {
    struct pack_fields fields = pack_fields(bytes_text("\x80"));
    struct bytes path;
    pack_field_text(&fields, "path", PACK_REQUIRED, 10, &path);

    struct wire_fault fault = wire_fault_of_fields(&fields);

    cr_assert_eq(fault.code, WIRE_CODE_INVALID_PARAMS);
    cr_assert_str_eq(fault.message, "path is missing.");
    cr_assert_str_eq(fault.field, "path");
}
