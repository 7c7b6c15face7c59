/* ws_text.c — one step per byte; ASCII eight at a time. */
#include "ws_text.h"

static bool ws_text_lead(struct ws_text *text, uint8_t byte) {
    if (byte < 0x80)
        return true;
    if (byte < 0xc2 || byte > 0xf4)
        return false;
    text->needed = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
    text->low = byte == 0xe0 ? 0xa0 : byte == 0xf0 ? 0x90 : 0x80;
    text->high = byte == 0xed ? 0x9f : byte == 0xf4 ? 0x8f : 0xbf;
    return true;
}

static bool ws_text_ascii8(const uint8_t *at) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return (word & UINT64_C(0x8080808080808080)) == 0;
}

bool ws_text_feed(struct ws_text *text, struct bytes piece) {
    size_t i = 0;
    while (i < piece.size) {
        if (text->needed == 0 && piece.size - i >= 8 && ws_text_ascii8(piece.data + i)) {
            i += 8;
            continue;
        }
        uint8_t byte = piece.data[i++];
        if (text->needed == 0) {
            if (!ws_text_lead(text, byte))
                return false;
        } else {
            if (byte < text->low || byte > text->high)
                return false;
            text->needed--;
            text->low = 0x80;
            text->high = 0xbf;
        }
    }
    return true;
}
