/* ws_text.h — UTF-8 checked as it arrives, so that a text message fails at its first wrong byte.
 *
 * The state is what the next bytes may be: how many continuation bytes a character still needs and the range that the next one must
 * lie in, which is narrower than 80-bf after e0 (overlong), ed (surrogates), f0 (overlong) and f4 (above U+10FFFF). */
#ifndef WS_WS_TEXT_H
#define WS_WS_TEXT_H

#include "ground/bytes.h"

struct ws_text {
    uint8_t needed; /* continuation bytes to come; 0: between characters */
    uint8_t low;
    uint8_t high;
};

/* Takes the next piece. False: a byte that no UTF-8 text can have there. */
bool ws_text_feed(struct ws_text *text, struct bytes piece);

/* Whether the text may end here. */
static inline bool ws_text_complete(const struct ws_text *text) {
    return text->needed == 0;
}

#endif
