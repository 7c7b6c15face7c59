/* request_id.c — see request_id.h. */
#include "http/request_id.h"

#include <inttypes.h>
#include <stdio.h>

static bool request_id_is_sane(struct bytes text) {
    static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.";
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] == '\0' || strchr(allowed, text.data[i]) == NULL)
            return false;
    return text.size > 0 && text.size <= REQUEST_ID_MAX;
}

void request_id_choose(struct bytes offered, uint64_t random, char out[REQUEST_ID_BYTES]) {
    if (request_id_is_sane(offered)) {
        memcpy(out, offered.data, offered.size);
        out[offered.size] = '\0';
    } else
        snprintf(out, REQUEST_ID_BYTES, "%016" PRIx64, random);
}
