/* pack.c — msgpack: checked once, then read through a cursor; written by msgpack-c's packer. The only file that includes it.
 *
 * Reading does not use msgpack-c's unpacker: it allocates what a header claims. One function, pack_head, knows the format:
 *
 *   first byte   kind      what follows                      example
 *   00-7f        uint      –                                 2a                     42
 *   80-8f        map       2 × (byte & 0f) values            81 a1 61 01            {"a": 1}
 *   90-9f        array     (byte & 0f) values                93 03 2a c0            [3, 42, nil]
 *   a0-bf        text      (byte & 1f) bytes                 a2 68 69               "hi"
 *   c0           nil       –
 *   c1           –         never used: malformed
 *   c2, c3       bool      –
 *   c4 c5 c6     bin       1, 2, 4 bytes of size, bytes      c4 02 00 00            two zero bytes
 *   c7 c8 c9     ext       1, 2, 4 bytes of size, type, bytes
 *   ca, cb       double    4, 8 bytes, IEEE 754              cb 3f f0 00 …          1.0
 *   cc cd ce cf  uint      1, 2, 4, 8 bytes                  cd 01 00               256
 *   d0 d1 d2 d3  int       1, 2, 4, 8 bytes, signed          d0 80                  -128
 *   d4 … d8      ext       type, 1 2 4 8 16 bytes
 *   d9 da db     text      1, 2, 4 bytes of size, bytes
 *   dc dd        array     2, 4 bytes of count, values
 *   de df        map       2, 4 bytes of count, 2 × values
 *   e0-ff        int       –                                 ff                     -1
 */
#include "wire/pack.h"

#include "ground/utf.h"

#include <assert.h>
#include <msgpack.h>

static_assert(sizeof(double) == 8 && sizeof(float) == 4, "IEEE 754 is read by copying its bits");

static const char pack_cut[] = "value is cut off";

/* One value's first bytes, understood. */
struct pack_head {
    enum pack_kind kind;
    size_t size;     /* of the head and, for text, bin, ext and numbers, of all that follows it */
    uint64_t count;  /* ARRAY, MAP: members; TEXT, BIN: bytes of content, which end the value; BOOL: 0 or 1; UINT: the number */
    int64_t integer; /* INT */
    double number;   /* DOUBLE */
};

static uint64_t pack_load(const uint8_t *at, size_t count) {
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++)
        value = value << 8 | at[i];
    return value;
}

static int64_t pack_load_signed(const uint8_t *at, size_t count) {
    uint64_t value = pack_load(at, count);
    uint64_t sign = UINT64_C(1) << (8 * count - 1);
    /* Sign extension without leaving unsigned arithmetic; the last conversion is by bits. */
    uint64_t extended = (value ^ sign) - sign;
    int64_t out;
    memcpy(&out, &extended, sizeof out);
    return out;
}

static void pack_set_int(struct pack_head *head, int64_t value) {
    head->kind = value < 0 ? PACK_INT : PACK_UINT;
    head->integer = value;
    head->count = value < 0 ? 0 : (uint64_t)value;
}

/* The kinds whose head holds a size or a count of `width` bytes, then `skip` more bytes of head. */
static const char *pack_head_sized(const uint8_t *at, size_t left, enum pack_kind kind, size_t width, size_t skip,
                                   struct pack_head *out) {
    if (left < 1 + width + skip)
        return pack_cut;
    out->kind = kind;
    out->count = pack_load(at + 1, width);
    out->size = 1 + width + skip;
    if (kind == PACK_ARRAY || kind == PACK_MAP)
        return NULL;
    if (left - out->size < out->count)
        return pack_cut;
    out->size += (size_t)out->count;
    return NULL;
}

/* Understands the value at `at`; the containers' members are not looked at. NULL, or what is wrong. */
static const char *pack_head(const uint8_t *at, size_t left, struct pack_head *out) {
    *out = (struct pack_head){ .size = 1 };
    if (left == 0)
        return pack_cut;
    uint8_t byte = at[0];
    if (byte <= 0x7f) {
        out->kind = PACK_UINT;
        out->count = byte;
        return NULL;
    }
    if (byte >= 0xe0) {
        pack_set_int(out, (int64_t)byte - 0x100);
        return NULL;
    }
    if (byte <= 0x9f) {
        out->kind = byte <= 0x8f ? PACK_MAP : PACK_ARRAY;
        out->count = byte & 0x0f;
        return NULL;
    }
    if (byte <= 0xbf) {
        out->kind = PACK_TEXT;
        out->count = byte & 0x1f;
        out->size = 1 + (size_t)out->count;
        return left < out->size ? pack_cut : NULL;
    }
    size_t width = 0;
    switch (byte) {
    case 0xc0:
        out->kind = PACK_NIL;
        return NULL;
    case 0xc1:
        return "byte c1 is no value";
    case 0xc2:
    case 0xc3:
        out->kind = PACK_BOOL;
        out->count = byte & 1;
        return NULL;
    case 0xc4:
    case 0xc5:
    case 0xc6:
        return pack_head_sized(at, left, PACK_BIN, (size_t)1 << (byte - 0xc4), 0, out);
    case 0xc7:
    case 0xc8:
    case 0xc9:
        return pack_head_sized(at, left, PACK_EXT, (size_t)1 << (byte - 0xc7), 1, out);
    case 0xca:
    case 0xcb:
        out->kind = PACK_DOUBLE;
        width = byte == 0xca ? 4 : 8;
        break;
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
        out->kind = PACK_UINT;
        width = (size_t)1 << (byte - 0xcc);
        break;
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
        out->kind = PACK_INT;
        width = (size_t)1 << (byte - 0xd0);
        break;
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
        out->kind = PACK_EXT;
        width = 1 + ((size_t)1 << (byte - 0xd4));
        break;
    case 0xd9:
    case 0xda:
    case 0xdb:
        return pack_head_sized(at, left, PACK_TEXT, (size_t)1 << (byte - 0xd9), 0, out);
    case 0xdc:
    case 0xdd:
        return pack_head_sized(at, left, PACK_ARRAY, (size_t)2 << (byte - 0xdc), 0, out);
    default: /* de, df */
        return pack_head_sized(at, left, PACK_MAP, (size_t)2 << (byte - 0xde), 0, out);
    }
    out->size = 1 + width;
    if (left < out->size)
        return pack_cut;
    if (out->kind == PACK_UINT) {
        out->count = pack_load(at + 1, width);
    } else if (out->kind == PACK_INT) {
        pack_set_int(out, pack_load_signed(at + 1, width));
    } else if (width == 4) {
        uint32_t bits = (uint32_t)pack_load(at + 1, width);
        float number;
        memcpy(&number, &bits, sizeof number);
        out->number = (double)number;
    } else if (out->kind == PACK_DOUBLE) {
        uint64_t bits = pack_load(at + 1, width);
        memcpy(&out->number, &bits, sizeof out->number);
    }
    return NULL;
}

/* Values that stand inside a container: none, count, or twice the count. */
static uint64_t pack_members(const struct pack_head *head) {
    return head->kind == PACK_ARRAY ? head->count : head->kind == PACK_MAP ? head->count * 2 : 0;
}

/* ---- the check ---- */

static enum status pack_refuse(struct pack_fault *fault, size_t offset, const char *what, enum status status) {
    if (fault != NULL)
        *fault = (struct pack_fault){ what, offset };
    return status;
}

enum status pack_check(struct bytes bytes, const struct pack_limits *limits, size_t *out_size, struct pack_fault *fault) {
    assert(limits->depth_max <= PACK_DEPTH_MAX);
    uint64_t open[PACK_DEPTH_MAX]; /* members still to come, of each container that is open */
    unsigned depth = 0;
    uint32_t elements = 0;
    size_t offset = 0;
    if (bytes.size == 0)
        return pack_refuse(fault, 0, pack_cut, STATUS_MALFORMED);
    do {
        if (depth > 0)
            open[depth - 1]--;
        struct pack_head head;
        const char *wrong = pack_head(bytes.data + offset, bytes.size - offset, &head);
        if (wrong != NULL)
            return pack_refuse(fault, offset, wrong, STATUS_MALFORMED);
        if (head.size > limits->bytes_max - offset)
            return pack_refuse(fault, offset, "value is longer than allowed", STATUS_TOO_BIG);
        if (++elements > limits->elements_max)
            return pack_refuse(fault, offset, "value has more elements than allowed", STATUS_TOO_BIG);
        uint64_t members = pack_members(&head);
        if (members > bytes.size - offset - head.size)
            return pack_refuse(fault, offset, "container claims more members than there are bytes", STATUS_MALFORMED);
        if (head.kind == PACK_ARRAY || head.kind == PACK_MAP) {
            if (depth == limits->depth_max)
                return pack_refuse(fault, offset, "value is nested deeper than allowed", STATUS_TOO_BIG);
            open[depth++] = members;
        }
        offset += head.size;
        while (depth > 0 && open[depth - 1] == 0)
            depth--;
    } while (depth > 0);
    *out_size = offset;
    return STATUS_OK;
}

/* ---- reading ---- */

struct pack_reader pack_reader(struct bytes checked) {
    const uint8_t *end = checked.size == 0 ? checked.data : checked.data + checked.size;
    return (struct pack_reader){ .base = checked.data, .at = checked.data, .end = end };
}

static enum status pack_fail(struct pack_reader *reader, const char *what) {
    return pack_refuse(&reader->fault, (size_t)(reader->at - reader->base), what, STATUS_MALFORMED);
}

/* The head of the next value, which must be of `kind`; moves nothing. */
static enum status pack_expect(struct pack_reader *reader, enum pack_kind kind, const char *what, struct pack_head *out) {
    const char *wrong = pack_head(reader->at, (size_t)(reader->end - reader->at), out);
    if (wrong == NULL && out->kind != kind)
        wrong = what;
    return wrong == NULL ? STATUS_OK : pack_fail(reader, wrong);
}

enum pack_kind pack_peek(const struct pack_reader *reader) {
    struct pack_head head;
    return pack_head(reader->at, (size_t)(reader->end - reader->at), &head) == NULL ? head.kind : PACK_END;
}

enum status pack_read_nil(struct pack_reader *reader) {
    struct pack_head head;
    enum status status = pack_expect(reader, PACK_NIL, "must be nil", &head);
    if (status == STATUS_OK)
        reader->at += head.size;
    return status;
}

enum status pack_read_bool(struct pack_reader *reader, bool *out) {
    struct pack_head head;
    enum status status = pack_expect(reader, PACK_BOOL, "must be true or false", &head);
    if (status != STATUS_OK)
        return status;
    reader->at += head.size;
    *out = head.count != 0;
    return STATUS_OK;
}

enum status pack_read_uint(struct pack_reader *reader, uint64_t max, uint64_t *out) {
    struct pack_head head;
    enum status status = pack_expect(reader, PACK_UINT, "must be a whole number that is not negative", &head);
    if (status != STATUS_OK)
        return status;
    if (head.count > max)
        return pack_fail(reader, "is greater than allowed");
    reader->at += head.size;
    *out = head.count;
    return STATUS_OK;
}

enum status pack_read_int(struct pack_reader *reader, int64_t *out) {
    enum pack_kind kind = pack_peek(reader) == PACK_UINT ? PACK_UINT : PACK_INT;
    struct pack_head head;
    enum status status = pack_expect(reader, kind, "must be a whole number", &head);
    if (status != STATUS_OK)
        return status;
    if (kind == PACK_UINT && head.count > INT64_MAX)
        return pack_fail(reader, "is greater than allowed");
    reader->at += head.size;
    *out = kind == PACK_UINT ? (int64_t)head.count : head.integer;
    return STATUS_OK;
}

enum status pack_read_double(struct pack_reader *reader, double *out) {
    enum pack_kind kind = pack_peek(reader);
    if (kind != PACK_UINT && kind != PACK_INT)
        kind = PACK_DOUBLE;
    struct pack_head head;
    enum status status = pack_expect(reader, kind, "must be a number", &head);
    if (status != STATUS_OK)
        return status;
    reader->at += head.size;
    *out = kind == PACK_UINT ? (double)head.count : kind == PACK_INT ? (double)head.integer : head.number;
    return STATUS_OK;
}

/* The content of text or bin: the last bytes of the value. */
static enum status pack_read_content(struct pack_reader *reader, enum pack_kind kind, const char *what, size_t size_max,
                                     struct bytes *out) {
    struct pack_head head;
    enum status status = pack_expect(reader, kind, what, &head);
    if (status != STATUS_OK)
        return status;
    struct bytes content = bytes_of(reader->at + head.size - head.count, (size_t)head.count);
    if (content.size > size_max)
        return pack_fail(reader, "is longer than allowed");
    if (kind == PACK_TEXT && !utf_check(content, NULL))
        return pack_fail(reader, "is not UTF-8");
    reader->at += head.size;
    *out = content;
    return STATUS_OK;
}

enum status pack_read_text(struct pack_reader *reader, size_t size_max, struct bytes *out) {
    return pack_read_content(reader, PACK_TEXT, "must be text", size_max, out);
}

enum status pack_read_bin(struct pack_reader *reader, size_t size_max, struct bytes *out) {
    return pack_read_content(reader, PACK_BIN, "must be binary", size_max, out);
}

enum status pack_read_uuid(struct pack_reader *reader, struct uuid *out) {
    struct pack_reader ahead = *reader;
    struct bytes text;
    if (pack_read_text(&ahead, SIZE_MAX, &text) != STATUS_OK || !uuid_parse(text, out))
        return pack_fail(reader, "must be a UUID, 36 characters of text");
    reader->at = ahead.at;
    return STATUS_OK;
}

static enum status pack_read_container(struct pack_reader *reader, enum pack_kind kind, const char *what, uint32_t *out_count) {
    struct pack_head head;
    enum status status = pack_expect(reader, kind, what, &head);
    if (status != STATUS_OK)
        return status;
    reader->at += head.size;
    *out_count = (uint32_t)head.count;
    return STATUS_OK;
}

enum status pack_read_array(struct pack_reader *reader, uint32_t *out_count) {
    return pack_read_container(reader, PACK_ARRAY, "must be an array", out_count);
}

enum status pack_read_map(struct pack_reader *reader, uint32_t *out_count) {
    return pack_read_container(reader, PACK_MAP, "must be a map", out_count);
}

enum status pack_read_value(struct pack_reader *reader, struct bytes *out) {
    const uint8_t *at = reader->at;
    /* Each value takes at least one byte, so more values to come than bytes left means that nobody checked them. */
    for (uint64_t left = 1; left > 0; left--) {
        struct pack_head head;
        const char *wrong = pack_head(at, (size_t)(reader->end - at), &head);
        if (wrong != NULL)
            return pack_fail(reader, wrong);
        at += head.size;
        left += pack_members(&head);
        if (left - 1 > (uint64_t)(reader->end - at))
            return pack_fail(reader, pack_cut);
    }
    *out = bytes_of(reader->at, (size_t)(at - reader->at));
    reader->at = at;
    return STATUS_OK;
}

enum status pack_skip(struct pack_reader *reader) {
    struct bytes value;
    return pack_read_value(reader, &value);
}

enum status pack_find(struct bytes map, const char *key, struct bytes *out) {
    struct pack_reader reader = pack_reader(map);
    struct bytes wanted = bytes_text(key);
    uint32_t count;
    if (pack_read_map(&reader, &count) != STATUS_OK)
        return STATUS_NOT_FOUND;
    for (uint32_t i = 0; i < count; i++) {
        struct pack_head head;
        struct bytes name;
        struct bytes value;
        if (pack_head(reader.at, (size_t)(reader.end - reader.at), &head) != NULL)
            return STATUS_NOT_FOUND;
        bool is_text = head.kind == PACK_TEXT;
        if (pack_read_value(&reader, &name) != STATUS_OK || pack_read_value(&reader, &value) != STATUS_OK)
            return STATUS_NOT_FOUND;
        if (is_text && bytes_equal(bytes_of(name.data + name.size - head.count, (size_t)head.count), wanted)) {
            *out = value;
            return STATUS_OK;
        }
    }
    return STATUS_NOT_FOUND;
}

/* ---- a map, field by field ---- */

struct pack_fields pack_fields(struct bytes map) {
    struct pack_fields fields = { .map = map };
    struct pack_reader reader = pack_reader(map);
    if (pack_peek(&reader) != PACK_MAP)
        pack_field_fail(&fields, NULL, "must be a map");
    return fields;
}

void pack_field_fail(struct pack_fields *fields, const char *key, const char *what) {
    if (fields->status != STATUS_OK)
        return;
    fields->status = STATUS_MALFORMED;
    fields->field = key;
    fields->what = what;
}

/* A reader on the field's value; false when there is nothing to read, with the failure set if the field is needed. */
static bool pack_field_open(struct pack_fields *fields, const char *key, enum pack_need need, struct pack_reader *out) {
    struct bytes value;
    if (fields->status != STATUS_OK)
        return false;
    if (pack_find(fields->map, key, &value) == STATUS_OK) {
        *out = pack_reader(value);
        if (pack_peek(out) != PACK_NIL)
            return true;
    }
    if (need == PACK_REQUIRED)
        pack_field_fail(fields, key, "is missing");
    return false;
}

static void pack_field_close(struct pack_fields *fields, const char *key, const struct pack_reader *reader, enum status status) {
    if (status != STATUS_OK)
        pack_field_fail(fields, key, reader->fault.what);
}

void pack_field_bool(struct pack_fields *fields, const char *key, enum pack_need need, bool *out) {
    struct pack_reader reader;
    if (pack_field_open(fields, key, need, &reader))
        pack_field_close(fields, key, &reader, pack_read_bool(&reader, out));
}

void pack_field_uint(struct pack_fields *fields, const char *key, enum pack_need need, uint64_t max, uint64_t *out) {
    struct pack_reader reader;
    if (pack_field_open(fields, key, need, &reader))
        pack_field_close(fields, key, &reader, pack_read_uint(&reader, max, out));
}

void pack_field_int(struct pack_fields *fields, const char *key, enum pack_need need, int64_t *out) {
    struct pack_reader reader;
    if (pack_field_open(fields, key, need, &reader))
        pack_field_close(fields, key, &reader, pack_read_int(&reader, out));
}

void pack_field_double(struct pack_fields *fields, const char *key, enum pack_need need, double *out) {
    struct pack_reader reader;
    if (pack_field_open(fields, key, need, &reader))
        pack_field_close(fields, key, &reader, pack_read_double(&reader, out));
}

void pack_field_text(struct pack_fields *fields, const char *key, enum pack_need need, size_t size_max, struct bytes *out) {
    struct pack_reader reader;
    if (pack_field_open(fields, key, need, &reader))
        pack_field_close(fields, key, &reader, pack_read_text(&reader, size_max, out));
}

void pack_field_bin(struct pack_fields *fields, const char *key, enum pack_need need, size_t size_max, struct bytes *out) {
    struct pack_reader reader;
    if (pack_field_open(fields, key, need, &reader))
        pack_field_close(fields, key, &reader, pack_read_bin(&reader, size_max, out));
}

void pack_field_uuid(struct pack_fields *fields, const char *key, enum pack_need need, struct uuid *out) {
    struct pack_reader reader;
    if (pack_field_open(fields, key, need, &reader))
        pack_field_close(fields, key, &reader, pack_read_uuid(&reader, out));
}

static void pack_field_container(struct pack_fields *fields, const char *key, enum pack_need need, enum pack_kind kind,
                                 struct bytes *out) {
    struct pack_reader reader;
    if (!pack_field_open(fields, key, need, &reader))
        return;
    if (pack_peek(&reader) == kind)
        pack_field_close(fields, key, &reader, pack_read_value(&reader, out));
    else
        pack_field_fail(fields, key, kind == PACK_ARRAY ? "must be an array" : "must be a map");
}

void pack_field_array(struct pack_fields *fields, const char *key, enum pack_need need, struct bytes *out) {
    pack_field_container(fields, key, need, PACK_ARRAY, out);
}

void pack_field_map(struct pack_fields *fields, const char *key, enum pack_need need, struct bytes *out) {
    pack_field_container(fields, key, need, PACK_MAP, out);
}

/* ---- writing ---- */

static int pack_append(void *context, const char *data, size_t size) {
    struct bytes_writer *writer = context;
    bytes_write(writer, bytes_of(data, size));
    return writer->status == STATUS_OK ? 0 : -1;
}

static msgpack_packer pack_packer(struct bytes_writer *writer) {
    msgpack_packer packer;
    msgpack_packer_init(&packer, writer, pack_append);
    return packer;
}

/* msgpack's sizes have 32 bits. */
static bool pack_fits(struct bytes_writer *writer, size_t size) {
    if (size > UINT32_MAX && writer->status == STATUS_OK)
        writer->status = STATUS_TOO_BIG;
    return size <= UINT32_MAX;
}

void pack_write_nil(struct bytes_writer *writer) {
    msgpack_packer packer = pack_packer(writer);
    msgpack_pack_nil(&packer);
}

void pack_write_bool(struct bytes_writer *writer, bool value) {
    msgpack_packer packer = pack_packer(writer);
    if (value)
        msgpack_pack_true(&packer);
    else
        msgpack_pack_false(&packer);
}

void pack_write_uint(struct bytes_writer *writer, uint64_t value) {
    msgpack_packer packer = pack_packer(writer);
    msgpack_pack_uint64(&packer, value);
}

void pack_write_int(struct bytes_writer *writer, int64_t value) {
    msgpack_packer packer = pack_packer(writer);
    msgpack_pack_int64(&packer, value);
}

void pack_write_double(struct bytes_writer *writer, double value) {
    msgpack_packer packer = pack_packer(writer);
    msgpack_pack_double(&packer, value);
}

void pack_write_text(struct bytes_writer *writer, struct bytes value) {
    if (value.data == NULL) {
        pack_write_nil(writer);
        return;
    }
    if (!pack_fits(writer, value.size))
        return;
    msgpack_packer packer = pack_packer(writer);
    msgpack_pack_str_with_body(&packer, value.data, value.size);
}

void pack_write_bin(struct bytes_writer *writer, struct bytes value) {
    if (!pack_fits(writer, value.size))
        return;
    msgpack_packer packer = pack_packer(writer);
    msgpack_pack_bin_with_body(&packer, value.data, value.size);
}

void pack_write_uuid(struct bytes_writer *writer, const struct uuid *value) {
    char text[UUID_TEXT_SIZE + 1];
    uuid_format(value, text);
    pack_write_text(writer, bytes_of(text, UUID_TEXT_SIZE));
}

void pack_write_array(struct bytes_writer *writer, uint32_t count) {
    msgpack_packer packer = pack_packer(writer);
    msgpack_pack_array(&packer, count);
}

void pack_write_map(struct bytes_writer *writer, uint32_t count) {
    msgpack_packer packer = pack_packer(writer);
    msgpack_pack_map(&packer, count);
}

void pack_write_raw(struct bytes_writer *writer, struct bytes encoded) {
    bytes_write(writer, encoded);
}

void pack_put_key(struct bytes_writer *writer, const char *key) {
    pack_write_text(writer, bytes_text(key));
}

void pack_put_nil(struct bytes_writer *writer, const char *key) {
    pack_put_key(writer, key);
    pack_write_nil(writer);
}

void pack_put_bool(struct bytes_writer *writer, const char *key, bool value) {
    pack_put_key(writer, key);
    pack_write_bool(writer, value);
}

void pack_put_uint(struct bytes_writer *writer, const char *key, uint64_t value) {
    pack_put_key(writer, key);
    pack_write_uint(writer, value);
}

void pack_put_int(struct bytes_writer *writer, const char *key, int64_t value) {
    pack_put_key(writer, key);
    pack_write_int(writer, value);
}

void pack_put_double(struct bytes_writer *writer, const char *key, double value) {
    pack_put_key(writer, key);
    pack_write_double(writer, value);
}

void pack_put_text(struct bytes_writer *writer, const char *key, struct bytes value) {
    pack_put_key(writer, key);
    pack_write_text(writer, value);
}

void pack_put_string(struct bytes_writer *writer, const char *key, const char *value) {
    pack_put_text(writer, key, value == NULL ? bytes_of(NULL, 0) : bytes_text(value));
}

void pack_put_bin(struct bytes_writer *writer, const char *key, struct bytes value) {
    pack_put_key(writer, key);
    pack_write_bin(writer, value);
}

void pack_put_uuid(struct bytes_writer *writer, const char *key, const struct uuid *value) {
    pack_put_key(writer, key);
    pack_write_uuid(writer, value);
}

size_t pack_uint_size(uint64_t value) {
    return value <= 0x7f ? 1 : value <= 0xff ? 2 : value <= 0xffff ? 3 : value <= 0xffffffff ? 5 : 9;
}

size_t pack_bin_header_size(size_t size) {
    return size <= 0xff ? 2 : size <= 0xffff ? 3 : 5;
}
