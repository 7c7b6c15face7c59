/* utf.c — one pass over the bytes, eight at a time where all are ASCII. */
#include "ground/utf.h"

#include <assert.h>

static bool utf_ascii8(const uint8_t *at) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return (word & UINT64_C(0x8080808080808080)) == 0;
}

/* Bytes of the character at `at`, 0 if it is not valid UTF-8. */
static unsigned utf_char_bytes(const uint8_t *at, const uint8_t *end) {
    uint8_t lead = at[0];
    if (lead < 0x80)
        return 1;
    unsigned count = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || (size_t)(end - at) < count)
        return 0;
    for (unsigned i = 1; i < count; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (lead == 0xe0 && at[1] < 0xa0) || (lead == 0xf0 && at[1] < 0x90);
    bool surrogate = lead == 0xed && at[1] > 0x9f;
    bool beyond = lead == 0xf4 && at[1] > 0x8f;
    return overlong || surrogate || beyond ? 0 : count;
}

#define UPPER_BITS 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80
const uint8_t utf_step_mask[2 * UTF_STEP] = { UPPER_BITS, UPPER_BITS, UPPER_BITS, UPPER_BITS };

bool utf_check(struct bytes text, size_t *out_units) {
    const uint8_t *at = text.data;
    const uint8_t *end = text.size == 0 ? at : at + text.size;
    size_t units = 0;
    while (at != end) {
        if (end - at >= 8 && utf_ascii8(at)) {
            at += 8;
            units += 8;
            continue;
        }
        if (*at < 0x80) {
            at++;
            units++;
            continue;
        }
        unsigned count = utf_char_bytes(at, end);
        if (count == 0)
            return false;
        units += count == 4 ? 2 : 1;
        at += count;
    }
    if (out_units != NULL)
        *out_units = units;
    return true;
}

size_t utf_units(struct bytes text) {
    size_t units = 0;
    size_t i = 0;
    for (; text.size - i >= 8 && utf_ascii8(text.data + i); i += 8)
        units += 8;
    for (; i < text.size; i++)
        units += (size_t)((text.data[i] & 0xc0) != 0x80) + (size_t)(text.data[i] >= 0xf0);
    return units;
}

size_t utf_offset(struct bytes text, size_t unit, bool *out_inside_pair) {
    size_t at = 0;
    size_t passed = 0;
    if (out_inside_pair != NULL)
        *out_inside_pair = false;
    while (passed < unit) {
        assert(at < text.size);
        if (unit - passed >= 8 && text.size - at >= 8 && utf_ascii8(text.data + at)) {
            at += 8;
            passed += 8;
            continue;
        }
        uint8_t lead = text.data[at];
        if (lead >= 0xf0) {
            if (unit - passed == 1) {
                if (out_inside_pair != NULL)
                    *out_inside_pair = true;
                return at;
            }
            passed += 2;
            at += 4;
        } else {
            passed += 1;
            at += lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 1;
        }
    }
    return at;
}
