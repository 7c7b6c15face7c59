/* json.c — a pushdown automaton: one bit of stack per level (array or object). */
#include "json.h"

static void json_space(struct bytes_reader *reader) {
    while (reader->at != reader->end && (*reader->at == ' ' || *reader->at == '\t' || *reader->at == '\n' || *reader->at == '\r'))
        reader->at++;
}

static bool json_digits(struct bytes_reader *reader) {
    const uint8_t *from = reader->at;
    while (reader->at != reader->end && *reader->at >= '0' && *reader->at <= '9')
        reader->at++;
    return reader->at != from;
}

static bool json_take(struct bytes_reader *reader, uint8_t character) {
    if (reader->at == reader->end || *reader->at != character)
        return false;
    reader->at++;
    return true;
}

static bool json_number(struct bytes_reader *reader) {
    json_take(reader, '-');
    if (!json_take(reader, '0') && !json_digits(reader))
        return false;
    if (json_take(reader, '.') && !json_digits(reader))
        return false;
    if (json_take(reader, 'e') || json_take(reader, 'E')) {
        if (!json_take(reader, '+'))
            json_take(reader, '-');
        return json_digits(reader);
    }
    return true;
}

static bool json_hex(uint8_t character) {
    return (character >= '0' && character <= '9') || ((character | 0x20) >= 'a' && (character | 0x20) <= 'f');
}

/* The opening quote has been read. */
static bool json_string(struct bytes_reader *reader) {
    while (reader->at != reader->end) {
        uint8_t character = *reader->at++;
        if (character == '"')
            return true;
        if (character < 0x20)
            return false;
        if (character != '\\')
            continue;
        if (reader->at == reader->end)
            return false;
        uint8_t escape = *reader->at++;
        if (escape == 'u') {
            for (int i = 0; i < 4; i++)
                if (reader->at == reader->end || !json_hex(*reader->at++))
                    return false;
        } else if (memchr("\"\\/bfnrt", escape, 8) == NULL) {
            return false;
        }
    }
    return false;
}

static bool json_word(struct bytes_reader *reader, const char *word) {
    size_t size = strlen(word);
    if (bytes_left(reader) < size || memcmp(reader->at, word, size) != 0)
        return false;
    reader->at += size;
    return true;
}

static bool json_scalar(struct bytes_reader *reader) {
    if (reader->at == reader->end)
        return false;
    switch (*reader->at) {
    case '"':
        reader->at++;
        return json_string(reader);
    case 't':
        return json_word(reader, "true");
    case 'f':
        return json_word(reader, "false");
    case 'n':
        return json_word(reader, "null");
    default:
        return json_number(reader);
    }
}

/* "key" : */
static bool json_key(struct bytes_reader *reader) {
    json_space(reader);
    if (!json_take(reader, '"') || !json_string(reader))
        return false;
    json_space(reader);
    return json_take(reader, ':');
}

bool json_check(struct bytes text) {
    struct bytes_reader reader = bytes_reader(text);
    uint8_t objects[JSON_DEPTH_MAX / 8] = { 0 };
    unsigned depth = 0;
    for (;;) {
        json_space(&reader);
        bool object = reader.at != reader.end && *reader.at == '{';
        if (object || (reader.at != reader.end && *reader.at == '[')) {
            reader.at++;
            json_space(&reader);
            if (!json_take(&reader, object ? '}' : ']')) {
                if (depth == JSON_DEPTH_MAX)
                    return false;
                uint8_t bit = (uint8_t)(1u << (depth % 8));
                objects[depth / 8] = (uint8_t)(object ? objects[depth / 8] | bit : objects[depth / 8] & ~bit);
                depth++;
                if (object && !json_key(&reader))
                    return false;
                continue;
            }
        } else if (!json_scalar(&reader)) {
            return false;
        }
        /* A value has ended: close what ends with it, or go on to the next member. */
        for (;;) {
            json_space(&reader);
            if (depth == 0)
                return reader.at == reader.end;
            bool in_object = (objects[(depth - 1) / 8] >> ((depth - 1) % 8) & 1) != 0;
            if (json_take(&reader, ',')) {
                if (in_object && !json_key(&reader))
                    return false;
                break;
            }
            if (!json_take(&reader, in_object ? '}' : ']'))
                return false;
            depth--;
        }
    }
}
