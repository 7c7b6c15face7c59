/* any_json.c — both ways without recursion: the open containers are a stack. */
#include "any_json.h"

#include "any.h"
#include "ground/number.h"
#include "ground/varint.h"
#include "json.h"

#include <assert.h>
#include <math.h>

/* ---- JSON → any ---- */

/* A container whose count is not known yet: one byte is kept for it. */
struct open_container {
    size_t count_at;
    uint64_t count;
    bool object;
};

static void json_skip_space(struct bytes_reader *reader) {
    while (reader->at != reader->end && memchr(" \t\n\r", *reader->at, 4) != NULL)
        reader->at++;
}

static uint32_t json_hex_unit(const uint8_t *at) {
    uint32_t unit = 0;
    for (int i = 0; i < 4; i++)
        unit = unit << 4 | (uint32_t)(at[i] <= '9' ? at[i] - '0' : (at[i] | 0x20) - 'a' + 10);
    return unit;
}

static size_t utf8_of(uint32_t point, uint8_t out[4]) {
    if (point < 0x80) {
        out[0] = (uint8_t)point;
        return 1;
    }
    size_t size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--, point >>= 6)
        out[i] = (uint8_t)(0x80 | (point & 0x3f));
    out[0] = (uint8_t)((0xf00 >> size & 0xff) | point);
    return size;
}

/* What stands behind a backslash; half a surrogate pair becomes U+FFFD. */
static size_t json_unescape(struct bytes_reader *reader, uint8_t out[4]) {
    uint8_t escape = *reader->at++;
    const char *plain = strchr("b\bf\fn\nr\rt\t", escape);
    if (escape != 'u') {
        out[0] = plain == NULL ? escape : (uint8_t)plain[1];
        return 1;
    }
    uint32_t point = json_hex_unit(reader->at);
    reader->at += 4;
    bool low_follows = bytes_left(reader) >= 6 && reader->at[0] == '\\' && reader->at[1] == 'u';
    if (point >= 0xd800 && point < 0xdc00 && low_follows) {
        uint32_t low = json_hex_unit(reader->at + 2);
        if (low >= 0xdc00 && low < 0xe000) {
            reader->at += 6;
            return utf8_of(0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00), out);
        }
    }
    return utf8_of(point >= 0xd800 && point < 0xe000 ? 0xfffd : point, out);
}

/* The reader stands on the opening quote. */
static void json_string_to_any(struct bytes_reader *reader, struct bytes_writer *out) {
    size_t size = 0;
    for (int pass = 0; pass < 2; pass++) { /* how long it gets, then it */
        struct bytes_reader walk = { reader->at + 1, reader->end };
        if (pass == 1)
            varint_write(out, size);
        while (*walk.at != '"') {
            uint8_t unescaped[4];
            size_t count = 1;
            if (*walk.at == '\\') {
                walk.at++;
                count = json_unescape(&walk, unescaped);
            } else {
                unescaped[0] = *walk.at++;
            }
            if (pass == 0)
                size += count;
            else
                bytes_write(out, bytes_of(unescaped, count));
        }
        if (pass == 1)
            reader->at = walk.at + 1;
    }
}

static void json_scalar_to_any(struct bytes_reader *reader, struct bytes_writer *out) {
    switch (*reader->at) {
    case '"':
        bytes_write_u8(out, ANY_STRING);
        json_string_to_any(reader, out);
        return;
    case 't':
        bytes_write_u8(out, ANY_TRUE);
        reader->at += 4;
        return;
    case 'f':
        bytes_write_u8(out, ANY_FALSE);
        reader->at += 5;
        return;
    case 'n':
        bytes_write_u8(out, ANY_NULL);
        reader->at += 4;
        return;
    default: {
        const uint8_t *from = reader->at;
        while (reader->at != reader->end && memchr("0123456789+-.eE", *reader->at, 15) != NULL)
            reader->at++;
        any_write_number(out, number_read(bytes_of(from, (size_t)(reader->at - from))));
    }
    }
}

/* The count is known: the contents make room if it takes more than a byte. */
static void container_close(struct bytes_writer *out, const struct open_container *container) {
    unsigned more = varint_size(container->count) - 1;
    if (out->status != STATUS_OK || (more > 0 && bytes_writer_reserve(out, more) == NULL))
        return;
    size_t end = out->size + more;
    memmove(out->data + container->count_at + 1 + more, out->data + container->count_at + 1, out->size - container->count_at - 1);
    out->size = container->count_at;
    varint_write(out, container->count);
    out->size = end;
}

static void json_key_to_any(struct bytes_reader *reader, struct bytes_writer *out) {
    json_skip_space(reader);
    json_string_to_any(reader, out);
    json_skip_space(reader);
    reader->at++; /* the colon */
}

void json_to_any(struct bytes text, struct bytes_writer *out) {
    struct bytes_reader reader = bytes_reader(text);
    struct open_container open[JSON_DEPTH_MAX];
    unsigned depth = 0;
    for (;;) {
        json_skip_space(&reader);
        bool object = *reader.at == '{';
        if (object || *reader.at == '[') {
            reader.at++;
            json_skip_space(&reader);
            bytes_write_u8(out, object ? ANY_OBJECT : ANY_ARRAY);
            if (*reader.at != '}' && *reader.at != ']') {
                open[depth++] = (struct open_container){ out->size, 1, object };
                bytes_write_u8(out, 0);
                if (object)
                    json_key_to_any(&reader, out);
                continue;
            }
            bytes_write_u8(out, 0);
            reader.at++;
        } else {
            json_scalar_to_any(&reader, out);
        }
        for (;;) { /* close what ends with this value */
            if (depth == 0)
                return;
            json_skip_space(&reader);
            struct open_container *top = &open[depth - 1];
            if (*reader.at++ == ',') {
                top->count++;
                if (top->object)
                    json_key_to_any(&reader, out);
                break;
            }
            container_close(out, top);
            depth--;
        }
    }
}

void any_write_number(struct bytes_writer *out, double number) {
    if (fabs(number) <= INT32_MAX && (double)(int64_t)number == number) {
        bytes_write_u8(out, ANY_INTEGER);
        varint_write_signed(out, signbit(number), (uint64_t)fabs(number));
    } else if ((double)(float)number == number) {
        float narrow = (float)number;
        uint32_t bits;
        memcpy(&bits, &narrow, sizeof bits);
        bytes_write_u8(out, ANY_FLOAT32);
        bytes_write_u32(out, bits);
    } else {
        uint64_t bits;
        memcpy(&bits, &number, sizeof bits);
        bytes_write_u8(out, ANY_FLOAT64);
        bytes_write_u64(out, bits);
    }
}

/* ---- any → JSON ---- */

static void json_write_word(struct bytes_writer *out, const char *word) {
    bytes_write(out, bytes_text(word));
}

static void json_write_string(struct bytes_writer *out, struct bytes text) {
    static const char hex[] = "0123456789abcdef";
    bytes_write_u8(out, '"');
    size_t from = 0;
    for (size_t i = 0; i <= text.size; i++) {
        bool plain = i < text.size && text.data[i] >= 0x20 && text.data[i] != '"' && text.data[i] != '\\';
        if (plain)
            continue;
        bytes_write(out, bytes_of(text.data + from, i - from));
        from = i + 1;
        if (i == text.size)
            break;
        uint8_t character = text.data[i];
        const char *names = "\bb\ff\nn\rr\tt\"\"\\\\";
        const char *name = character == 0 ? NULL : strchr(names, character);
        if (name != NULL) {
            /* pairs: the character, then its letter; the letters are no control characters, and quote and backslash name themselves
             */
            bytes_write(out, bytes_of("\\", 1));
            bytes_write_u8(out, (uint8_t)name[1]);
        } else {
            char escape[] = { '\\', 'u', '0', '0', hex[character >> 4], hex[character & 15] };
            bytes_write(out, bytes_of(escape, sizeof escape));
        }
    }
    bytes_write_u8(out, '"');
}

static void json_write_number(struct bytes_writer *out, double number) {
    char text[NUMBER_TEXT_MAX];
    if (isnan(number) || isinf(number))
        json_write_word(out, "null");
    else
        bytes_write(out, bytes_of(text, number_write(number, text)));
}

static void json_write_bigint(struct bytes_writer *out, int64_t number) {
    char digits[20];
    size_t at = sizeof digits;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do
        digits[--at] = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    if (number < 0)
        bytes_write_u8(out, '-');
    bytes_write(out, bytes_of(digits + at, sizeof digits - at));
}

static void json_write_bytes(struct bytes_writer *out, struct bytes bytes) {
    bytes_write_u8(out, '{');
    for (size_t i = 0; i < bytes.size; i++) {
        if (i > 0)
            bytes_write_u8(out, ',');
        bytes_write_u8(out, '"');
        json_write_bigint(out, (int64_t)i);
        json_write_word(out, "\":");
        json_write_bigint(out, bytes.data[i]);
    }
    bytes_write_u8(out, '}');
}

static void any_scalar_to_json(struct bytes_reader *reader, uint8_t tag, struct bytes_writer *out) {
    enum status status = STATUS_OK;
    struct bytes view;
    switch (tag) {
    case ANY_INTEGER: {
        bool negative;
        uint64_t magnitude = 0;
        status = varint_read_signed(reader, &negative, &magnitude);
        json_write_number(out, negative ? -(double)magnitude : (double)magnitude);
        break;
    }
    case ANY_FLOAT32: {
        uint32_t bits = 0;
        float number;
        status = bytes_read_u32(reader, &bits);
        memcpy(&number, &bits, sizeof number);
        json_write_number(out, (double)number);
        break;
    }
    case ANY_FLOAT64: {
        uint64_t bits = 0;
        double number;
        status = bytes_read_u64(reader, &bits);
        memcpy(&number, &bits, sizeof number);
        json_write_number(out, number);
        break;
    }
    case ANY_BIGINT: {
        uint64_t bits = 0;
        status = bytes_read_u64(reader, &bits);
        json_write_bigint(out, (int64_t)bits);
        break;
    }
    case ANY_STRING:
        status = varint_read_view(reader, &view);
        json_write_string(out, view);
        break;
    case ANY_BYTES:
        status = varint_read_view(reader, &view);
        json_write_bytes(out, view);
        break;
    default:
        json_write_word(out, tag == ANY_FALSE ? "false" : tag == ANY_TRUE ? "true" : "null");
    }
    assert(status == STATUS_OK);
    (void)status;
}

void any_to_json(struct bytes_reader *reader, struct bytes_writer *out) {
    struct {
        uint64_t left;
        bool object;
        bool first;
    } open[ANY_DEPTH_MAX];
    unsigned depth = 0;
    for (;;) {
        uint8_t tag = *reader->at++;
        if (tag == ANY_OBJECT || tag == ANY_ARRAY) {
            uint64_t count = 0;
            varint_read(reader, &count);
            bytes_write_u8(out, tag == ANY_OBJECT ? '{' : '[');
            if (count > 0) {
                open[depth].left = count;
                open[depth].object = tag == ANY_OBJECT;
                open[depth].first = true;
                depth++;
            } else {
                bytes_write_u8(out, tag == ANY_OBJECT ? '}' : ']');
            }
        } else {
            any_scalar_to_json(reader, tag, out);
        }
        for (;;) { /* to the next value: close what has ended, pass members that are undefined */
            if (depth == 0)
                return;
            if (open[depth - 1].left == 0) {
                depth--;
                bytes_write_u8(out, open[depth].object ? '}' : ']');
                continue;
            }
            open[depth - 1].left--;
            struct bytes key = { 0 };
            if (open[depth - 1].object) {
                varint_read_view(reader, &key);
                if (*reader->at == ANY_UNDEFINED) {
                    reader->at++;
                    continue;
                }
            }
            if (!open[depth - 1].first)
                bytes_write_u8(out, ',');
            open[depth - 1].first = false;
            if (open[depth - 1].object) {
                json_write_string(out, key);
                bytes_write_u8(out, ':');
            }
            break;
        }
    }
}
