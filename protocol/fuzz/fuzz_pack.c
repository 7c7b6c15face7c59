/* fuzz_pack.c — any bytes as msgpack. What pack_check accepts is walked by typed reads to its last byte, written anew, and the copy
 * must be accepted and be walked alike. */
#include "wire/pack.h"

#include "fuzz.h"

enum { COPY_MAX = 1 << 20 };

/* Copies one value; the reader stands behind it. Depth is bounded by the check. */
static void copy_value(struct pack_reader *reader, struct bytes_writer *out) {
    uint32_t count = 0;
    uint64_t number;
    int64_t integer;
    double real;
    bool flag;
    struct bytes bytes;
    enum pack_kind kind = pack_peek(reader);
    switch (kind) {
    case PACK_NIL:
        FUZZ_REQUIRE(pack_read_nil(reader) == STATUS_OK);
        pack_write_nil(out);
        break;
    case PACK_BOOL:
        FUZZ_REQUIRE(pack_read_bool(reader, &flag) == STATUS_OK);
        pack_write_bool(out, flag);
        break;
    case PACK_UINT:
        FUZZ_REQUIRE(pack_read_uint(reader, UINT64_MAX, &number) == STATUS_OK);
        pack_write_uint(out, number);
        break;
    case PACK_INT:
        FUZZ_REQUIRE(pack_read_int(reader, &integer) == STATUS_OK && integer < 0);
        pack_write_int(out, integer);
        break;
    case PACK_DOUBLE:
        FUZZ_REQUIRE(pack_read_double(reader, &real) == STATUS_OK);
        pack_write_double(out, real);
        break;
    case PACK_TEXT:
        if (pack_read_text(reader, SIZE_MAX, &bytes) == STATUS_OK) {
            pack_write_text(out, bytes);
        } else {
            FUZZ_REQUIRE(pack_skip(reader) == STATUS_OK); /* not UTF-8 */
            pack_write_nil(out);
        }
        break;
    case PACK_BIN:
        FUZZ_REQUIRE(pack_read_bin(reader, SIZE_MAX, &bytes) == STATUS_OK);
        pack_write_bin(out, bytes);
        break;
    case PACK_EXT:
        FUZZ_REQUIRE(pack_read_value(reader, &bytes) == STATUS_OK);
        pack_write_raw(out, bytes);
        break;
    case PACK_ARRAY:
        FUZZ_REQUIRE(pack_read_array(reader, &count) == STATUS_OK);
        pack_write_array(out, count);
        break;
    case PACK_MAP:
        FUZZ_REQUIRE(pack_read_map(reader, &count) == STATUS_OK);
        pack_write_map(out, count);
        break;
    case PACK_END:
        abort(); /* a checked value does not end early */
    }
    for (uint32_t i = 0; i < count; i++) {
        copy_value(reader, out);
        if (kind == PACK_MAP)
            copy_value(reader, out);
    }
}

static void read_fields(struct bytes value) {
    struct pack_fields fields = pack_fields(value);
    struct bytes bytes = { NULL, 0 };
    struct uuid id;
    uint64_t number;
    pack_field_text(&fields, "text", PACK_OPTIONAL, 100, &bytes);
    pack_field_bin(&fields, "bin", PACK_OPTIONAL, 100, &bytes);
    pack_field_uuid(&fields, "uuid", PACK_OPTIONAL, &id);
    pack_field_array(&fields, "array", PACK_OPTIONAL, &bytes);
    pack_field_map(&fields, "map", PACK_OPTIONAL, &bytes);
    pack_field_uint(&fields, "uint", PACK_REQUIRED, 100, &number);
    FUZZ_REQUIRE(fields.status == STATUS_OK || fields.what != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct pack_limits limits = { .depth_max = 16, .elements_max = 4096, .bytes_max = 1 << 16 };
    struct pack_fault fault = { 0 };
    struct bytes_writer copy;
    size_t used = 0;
    struct bytes value;
    struct pack_reader unchecked = pack_reader(bytes_of(data, size));
    bool skipped = pack_read_value(&unchecked, &value) == STATUS_OK; /* refuses, but never reads outside */
    enum status status = pack_check(bytes_of(data, size), &limits, &used, &fault);
    if (status != STATUS_OK) {
        FUZZ_REQUIRE(fault.what != NULL && fault.offset <= size);
        return 0;
    }
    FUZZ_REQUIRE(skipped && value.size == used && used <= size);
    struct pack_reader reader = pack_reader(bytes_of(data, used));
    bytes_writer_init(&copy, &mem_default, COPY_MAX);
    copy_value(&reader, &copy);
    FUZZ_REQUIRE(pack_peek(&reader) == PACK_END);
    read_fields(bytes_of(data, used));
    FUZZ_REQUIRE(copy.status == STATUS_OK && copy.size <= used + 8 * used);

    struct bytes_writer twin;
    size_t copy_used = 0;
    struct pack_limits wide = limits;
    wide.bytes_max = COPY_MAX;
    FUZZ_REQUIRE(pack_check(bytes_written(&copy), &wide, &copy_used, &fault) == STATUS_OK && copy_used == copy.size);
    struct pack_reader again = pack_reader(bytes_written(&copy));
    bytes_writer_init(&twin, &mem_default, COPY_MAX);
    copy_value(&again, &twin);
    FUZZ_REQUIRE(bytes_equal(bytes_written(&twin), bytes_written(&copy)));
    bytes_writer_finish(&copy);
    bytes_writer_finish(&twin);
    return 0;
}
