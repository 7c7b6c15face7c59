/* hex.h — bytes written as "93 03 2a", for tests. */
#ifndef TESTING_HEX_H
#define TESTING_HEX_H

#include "ground/bytes.h"

enum { HEX_BYTES_MAX = 8192 };

struct hex {
    uint8_t data[HEX_BYTES_MAX];
    size_t size;
};

static inline int hex_digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Spaces are ignored, and line ends before a line that begins with a space; stops at the first other character. */
static inline struct hex hex(const char *text) {
    struct hex out;
    memset(&out, 0, sizeof out);
    while (*text != '\0' && out.size < HEX_BYTES_MAX) {
        if (*text == ' ' || (*text == '\n' && text[1] == ' ')) {
            text++;
            continue;
        }
        int high = hex_digit(text[0]);
        int low = high < 0 ? -1 : hex_digit(text[1]);
        if (low < 0)
            break;
        out.data[out.size++] = (uint8_t)(high << 4 | low);
        text += 2;
    }
    return out;
}

static inline struct bytes hex_bytes(const struct hex *hex) {
    return bytes_of(hex->data, hex->size);
}

/* Writes "93 03 2a" and a NUL; `room` holds 3 characters per byte. */
static inline const char *hex_format(struct bytes bytes, char *room) {
    static const char digits[] = "0123456789abcdef";
    char *at = room;
    for (size_t i = 0; i < bytes.size; i++) {
        if (i > 0)
            *at++ = ' ';
        *at++ = digits[bytes.data[i] >> 4];
        *at++ = digits[bytes.data[i] & 0x0f];
    }
    *at = '\0';
    return room;
}

#endif
