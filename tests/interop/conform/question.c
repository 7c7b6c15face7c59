/* question.c — a line of JSON as jansson's values. Its own parser refuses U+0000 in keys and integers beyond 64 bits, which
 * JavaScript writes without an exponent up to 1e21. */
#include "conform.h"

#include "ground/number.h"

#include <string.h>

enum { DEPTH_MAX = 2000 };

struct question {
    const char *at;
    const char *end;
    struct bytes_writer text; /* scratch: a string */
    unsigned depth;
};

static json_t *read_value(struct question *question);

static void pass_space(struct question *question) {
    while (question->at < question->end && memchr(" \t\r\n", *question->at, 4) != NULL)
        question->at++;
}

/* Whether the next character is this one; passes it. */
static bool pass(struct question *question, char wanted) {
    pass_space(question);
    bool there = question->at < question->end && *question->at == wanted;
    question->at += there;
    return there;
}

static bool pass_word(struct question *question, const char *word) {
    size_t size = strlen(word);
    bool there = (size_t)(question->end - question->at) >= size && memcmp(question->at, word, size) == 0;
    question->at += there ? size : 0;
    return there;
}

static bool read_unit(struct question *question, uint32_t *out) {
    *out = 0;
    if (question->end - question->at < 4)
        return false;
    for (unsigned i = 0; i < 4; i++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char *digit = memchr(digits, *question->at++, sizeof digits - 1);
        if (digit == NULL)
            return false;
        *out = *out << 4 | (uint32_t)((digit - digits) & 15);
    }
    return true;
}

static void put_character(struct bytes_writer *text, uint32_t character) {
    static const uint8_t lead[] = { 0, 0xc0, 0xe0, 0xf0 };
    unsigned more = character < 0x80 ? 0 : character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
    bytes_write_u8(text, (uint8_t)(lead[more] | character >> 6 * more));
    while (more-- > 0)
        bytes_write_u8(text, (uint8_t)(0x80 | (character >> 6 * more & 0x3f)));
}

static bool read_escape(struct question *question) {
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    uint32_t unit;
    uint32_t low;
    char letter = '\0';
    if (question->at < question->end)
        letter = *question->at++;
    const char *found = memchr(letters, letter, sizeof letters - 1);
    if (found != NULL) {
        bytes_write_u8(&question->text, (uint8_t)meanings[found - letters]);
        return true;
    }
    if (letter != 'u' || !read_unit(question, &unit))
        return false;
    if (unit >= 0xd800 && unit < 0xdc00) {
        if (!pass_word(question, "\\u") || !read_unit(question, &low) || low < 0xdc00 || low > 0xdfff)
            return false;
        unit = 0x10000 + ((unit - 0xd800) << 10 | (low - 0xdc00));
    }
    put_character(&question->text, unit);
    return true;
}

/* Behind the opening quote; the text stands in the scratch until the next one is read. */
static bool read_text(struct question *question) {
    bytes_writer_reset(&question->text);
    while (question->at < question->end && *question->at != '"') {
        char c = *question->at++;
        if (c == '\\' ? !read_escape(question) : (bytes_write_u8(&question->text, (uint8_t)c), false))
            return false;
    }
    return pass(question, '"');
}

static json_t *read_number(struct question *question) {
    const char *from = question->at;
    while (question->at < question->end && memchr("+-.eE0123456789", *question->at, 15) != NULL)
        question->at++;
    struct bytes text = bytes_of(from, (size_t)(question->at - from));
    if (text.size == 0)
        return NULL;
    bool whole =
        memchr(from, '.', text.size) == NULL && memchr(from, 'e', text.size) == NULL && memchr(from, 'E', text.size) == NULL;
    /* What has fewer than 18 digits fits; -0 is none of the integers. */
    if (whole && text.size < 18 && !bytes_equal_text(text, "-0"))
        return json_integer(strtoll(from, NULL, 10));
    return json_real(number_read(text));
}

static json_t *read_object(struct question *question) {
    json_t *object = json_object();
    if (pass(question, '}'))
        return object;
    do {
        if (!pass(question, '"') || !read_text(question))
            goto bad;
        struct bytes key = bytes_written(&question->text);
        char *kept = malloc(key.size + 1);
        if (key.size > 0)
            memcpy(kept, key.data, key.size);
        json_t *value = pass(question, ':') ? read_value(question) : NULL;
        int failed = value == NULL ? -1 : json_object_setn_new(object, kept, key.size, value);
        free(kept);
        if (failed != 0)
            goto bad;
    } while (pass(question, ','));
    if (pass(question, '}'))
        return object;
bad:
    json_decref(object);
    return NULL;
}

static json_t *read_array(struct question *question) {
    json_t *array = json_array();
    if (pass(question, ']'))
        return array;
    do {
        if (json_array_append_new(array, read_value(question)) != 0)
            goto bad;
    } while (pass(question, ','));
    if (pass(question, ']'))
        return array;
bad:
    json_decref(array);
    return NULL;
}

static json_t *read_value(struct question *question) {
    json_t *value = NULL;
    if (question->depth == DEPTH_MAX)
        return NULL;
    question->depth++;
    if (pass(question, '{'))
        value = read_object(question);
    else if (pass(question, '['))
        value = read_array(question);
    else if (pass(question, '"'))
        value = read_text(question) ? conform_text(bytes_written(&question->text)) : NULL;
    else if (pass_word(question, "null"))
        value = json_null();
    else if (pass_word(question, "true"))
        value = json_true();
    else if (pass_word(question, "false"))
        value = json_false();
    else
        value = read_number(question);
    question->depth--;
    return value;
}

json_t *conform_question(const char *line, size_t size) {
    struct question question = { .at = line, .end = line + size };
    bytes_writer_init(&question.text, &mem_default, SIZE_MAX);
    json_t *value = read_value(&question);
    bytes_writer_finish(&question.text);
    return value;
}
