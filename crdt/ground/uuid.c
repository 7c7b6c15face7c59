/* uuid.c — text and version 7. */
#include "ground/uuid.h"

struct uuid uuid_v7(uint64_t unix_ms, const uint8_t random[10]) {
    struct uuid uuid;
    for (int i = 0; i < 6; i++)
        uuid.bytes[i] = (uint8_t)(unix_ms >> (40 - 8 * i));
    memcpy(uuid.bytes + 6, random, 10);
    uuid.bytes[6] = (uint8_t)(0x70 | (uuid.bytes[6] & 0x0f));
    uuid.bytes[8] = (uint8_t)(0x80 | (uuid.bytes[8] & 0x3f));
    return uuid;
}

static bool uuid_dash_before(int byte) {
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void uuid_format(const struct uuid *uuid, char out[UUID_TEXT_SIZE + 1]) {
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < 16; i++) {
        if (uuid_dash_before(i))
            *out++ = '-';
        *out++ = digits[uuid->bytes[i] >> 4];
        *out++ = digits[uuid->bytes[i] & 0x0f];
    }
    *out = '\0';
}

static int uuid_digit(uint8_t character) {
    if (character >= '0' && character <= '9')
        return character - '0';
    character |= 0x20;
    return character >= 'a' && character <= 'f' ? character - 'a' + 10 : -1;
}

bool uuid_parse(struct bytes text, struct uuid *out) {
    if (text.size != UUID_TEXT_SIZE)
        return false;
    struct uuid uuid;
    const uint8_t *at = text.data;
    for (int i = 0; i < 16; i++) {
        if (uuid_dash_before(i) && *at++ != '-')
            return false;
        int high = uuid_digit(at[0]);
        int low = uuid_digit(at[1]);
        if (high < 0 || low < 0)
            return false;
        uuid.bytes[i] = (uint8_t)(high << 4 | low);
        at += 2;
    }
    *out = uuid;
    return true;
}
