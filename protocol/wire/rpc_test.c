/* Values of one message: shapes, several in one message, what stood before a malformed one, the future. */
#include "wire/rpc.h"

#include "../testing/hex.h"
#include "wire/sync.h"

#include <criterion/criterion.h>

static struct wire_value read_one(const char *text) {
    static struct hex bytes;
    bytes = hex(text);
    struct wire_reader reader = wire_reader(hex_bytes(&bytes), NULL);
    struct wire_value value;
    cr_assert_eq(wire_next(&reader, &value), STATUS_OK, "%s: %s", text, reader.fault.what);
    struct wire_value more;
    cr_assert_eq(wire_next(&reader, &more), STATUS_MORE);
    return value;
}

Test(rpc, a_request_has_msgid_method_and_a_map) {
    struct wire_value value = read_one("94 00 07 a6 63 2e 73 65 6e 64 91 81 a1 61 01");

    cr_assert_eq(value.kind, WIRE_REQUEST);
    cr_assert_eq(value.msgid, 7);
    cr_assert(bytes_equal_text(value.method, "c.send"));
    uint64_t a = 0;
    struct pack_fields fields = pack_fields(value.params);
    pack_field_uint(&fields, "a", PACK_REQUIRED, 9, &a);
    cr_assert_eq(a, 1);
}

Test(rpc, empty_params_are_an_empty_map) {
    struct wire_value value = read_one("93 02 a1 78 90");

    struct pack_fields fields = pack_fields(value.params);
    cr_assert_eq(fields.status, STATUS_OK);
}

Test(rpc, a_response_has_either_error_or_result) {
    struct wire_value good = read_one("94 01 07 c0 05");
    cr_assert_not(good.failed);
    cr_assert_eq(good.result.size, 1);

    struct wire_value bad = read_one("94 01 07 81 a4 63 6f 64 65 a9 6e 6f 74 5f 66 6f 75 6e 64 c0");
    cr_assert(bad.failed);
    struct wire_fault fault;
    cr_assert_eq(wire_fault_read(bad.error, &fault), STATUS_OK);
    cr_assert_eq(fault.code, WIRE_CODE_NOT_FOUND);
}

Test(rpc, members_behind_the_known_ones_and_unknown_kinds_are_ignored) {
    struct wire_value value = read_one("92 07 a1 78  95 03 2a c4 01 00 c0 c0  91 cd ff ff");

    cr_assert_eq(value.kind, WIRE_UPDATE);
    cr_assert_eq(value.doc, 42);
    cr_assert_eq(value.payload.size, 1);
}

Test(rpc, values_before_a_malformed_one_are_delivered_and_its_place_is_named) {
    struct hex bytes = hex("93 03 01 c4 01 aa  93 04 01 02  93 03 01 a1 61  93 04 01 03");
    struct wire_reader reader = wire_reader(hex_bytes(&bytes), NULL);
    struct wire_value value;

    cr_assert_eq(wire_next(&reader, &value), STATUS_OK);
    cr_assert_eq(value.kind, WIRE_UPDATE);
    cr_assert_eq(wire_next(&reader, &value), STATUS_OK);
    cr_assert_eq(value.kind, WIRE_ACK);
    cr_assert_eq(value.count, 2);
    cr_assert_eq(wire_next(&reader, &value), STATUS_MALFORMED);
    cr_assert_eq(reader.fault.offset, 13);
    cr_assert_str_eq(reader.fault.what, "must be binary");
    cr_assert_eq(wire_next(&reader, &value), STATUS_MALFORMED, "and so it stays");
}

Test(rpc, wrong_shapes_are_malformed) {
    static const char *const cases[] = {
        "00",                                        /* no array */
        "90",                                        /* no kind */
        "91 a1 78",                                  /* a kind that is no number */
        "91 ff",                                     /* a negative kind */
        "91 00",                                     /* too few members */
        "93 00 01 a1 78",                            /* too few members */
        "94 00 a1 31 a1 78 90",                      /* msgid is text */
        "94 00 cf 00 00 00 01 00 00 00 00 a1 78 90", /* msgid above 32 bits */
        "94 00 01 05 90",                            /* method is a number */
        "94 00 01 a1 78 80",                         /* params no array */
        "94 00 01 a1 78 91 05",                      /* params[0] no map */
        "94 00 01 a2 c3 28 90",                      /* method not UTF-8 */
        "94 01 01 a1 78 c0",                         /* error neither nil nor map */
        "93 03 ff c4 00",                            /* negative doc */
        "93 03 cf 00 20 00 00 00 00 00 00 c4 00",    /* doc 2^53 */
        "93 05 01 c0",                               /* awareness nil */
        "93 04 01 c0",                               /* ack without count */
        "c1",                                        /* no value */
        "93 03 01",                                  /* cut off */
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hex bytes = hex(cases[i]);
        struct wire_reader reader = wire_reader(hex_bytes(&bytes), NULL);
        struct wire_value value;
        cr_assert_eq(wire_next(&reader, &value), STATUS_MALFORMED, "%s", cases[i]);
        cr_assert_not_null(reader.fault.what);
        cr_assert_leq(reader.fault.offset, bytes.size);
    }
}

Test(rpc, a_method_name_that_is_too_long_is_malformed) {
    struct bytes_writer out;
    char name[WIRE_METHOD_BYTES_MAX + 2];
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    bytes_writer_init(&out, &mem_default, 4096);
    wire_notification_begin(&out, name);
    pack_write_map(&out, 0);

    struct wire_reader reader = wire_reader(bytes_written(&out), NULL);
    struct wire_value value;
    cr_assert_eq(wire_next(&reader, &value), STATUS_MALFORMED);
    bytes_writer_finish(&out);
}

Test(rpc, every_truncation_of_a_message_is_malformed_or_a_prefix) {
    struct hex bytes = hex("94 00 07 a1 78 91 81 a1 61 01 93 03 01 c4 01 aa");
    for (size_t cut = 1; cut < bytes.size; cut++) {
        struct wire_reader reader = wire_reader(bytes_of(bytes.data, cut), NULL);
        struct wire_value value;
        enum status status = wire_next(&reader, &value);
        if (cut < 10)
            cr_assert_eq(status, STATUS_MALFORMED, "cut at %zu", cut);
        else
            cr_assert_eq(status, STATUS_OK);
        cr_assert_eq(wire_next(&reader, &value), cut == 10 ? STATUS_MORE : STATUS_MALFORMED);
    }
}

Test(rpc, an_error_response_is_read_back) {
    struct bytes_writer out;
    bytes_writer_init(&out, &mem_default, 4096);
    struct wire_fault fault = wire_fault_limit("update_bytes", 1048576);
    fault.has_after_ms = true;
    fault.after_ms = 250;
    wire_error_write(&out, 9, &fault);

    struct wire_reader reader = wire_reader(bytes_written(&out), NULL);
    struct wire_value value;
    struct wire_fault back;
    cr_assert_eq(wire_next(&reader, &value), STATUS_OK);
    cr_assert_eq(value.kind, WIRE_RESPONSE);
    cr_assert_eq(value.msgid, 9);
    cr_assert(value.failed);
    cr_assert_eq(wire_fault_read(value.error, &back), STATUS_OK);
    cr_assert_eq(back.code, WIRE_CODE_LIMIT);
    cr_assert_eq(back.retry, WIRE_RETRY_NEVER);
    cr_assert_str_eq(back.message, "The limit update_bytes is 1048576.");
    cr_assert_eq(back.max, 1048576);
    cr_assert(back.has_after_ms);
    cr_assert_eq(back.after_ms, 250);
    cr_assert_not(back.has_epoch);
    bytes_writer_finish(&out);
}

Test(sync, frames_of_every_size_are_header_and_value) {
    static const size_t sizes[] = { 0, 1, 118, 119, 120, 255, 256, 65526, 65527, 65535, 65536, 100000 };
    static const uint64_t docs[] = { 1, 127, 128, 65536, PACK_UINT53_MAX };
    static uint8_t payload[100000];
    struct bytes_writer value;
    struct bytes_writer frame;
    bytes_writer_init(&value, &mem_default, 1 << 20);
    bytes_writer_init(&frame, &mem_default, 1 << 20);
    memset(payload, 0xab, sizeof payload);

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (size_t j = 0; j < sizeof docs / sizeof docs[0]; j++) {
            bytes_writer_reset(&value);
            bytes_writer_reset(&frame);
            wire_sync_write(&value, WIRE_UPDATE, docs[j], bytes_of(payload, sizes[i]));
            wire_sync_frame(&frame, WIRE_UPDATE, docs[j], bytes_of(payload, sizes[i]));

            cr_assert_eq(value.size, wire_sync_size(docs[j], sizes[i]));
            size_t header = value.size <= 125 ? 2 : value.size <= 65535 ? 4 : 10;
            cr_assert_eq(frame.size, header + value.size);
            cr_assert_eq(frame.data[0], 0x82);
            cr_assert(bytes_equal(bytes_of(frame.data + header, value.size), bytes_written(&value)));
            struct wire_reader reader = wire_reader(bytes_written(&value), NULL);
            struct wire_value back;
            cr_assert_eq(wire_next(&reader, &back), STATUS_OK);
            cr_assert_eq(back.kind, WIRE_UPDATE);
            cr_assert_eq(back.doc, docs[j]);
            cr_assert(bytes_equal(back.payload, bytes_of(payload, sizes[i])));
        }
    bytes_writer_finish(&value);
    bytes_writer_finish(&frame);
}

Test(sync, a_frame_that_does_not_fit_leaves_nothing) {
    struct bytes_writer out;
    bytes_writer_init(&out, &mem_default, 8);

    wire_sync_frame(&out, WIRE_UPDATE, 1, bytes_text("0123456789"));

    cr_assert_eq(out.status, STATUS_TOO_BIG);
    cr_assert_eq(out.size, 0);
    bytes_writer_finish(&out);
}
