#include "client_retry.h"

#include "vibesync/client.h"

enum client_decision client_decide_close(uint16_t code) {
    if (wire_close_permanent(code))
        return CLIENT_GIVE_UP;
    switch (code) {
    case WIRE_CLOSE_DRAIN:
        return CLIENT_RETRY_AT_ONCE;
    case WIRE_CLOSE_NORMAL:
    case WIRE_CLOSE_PROTOCOL:
    case WIRE_CLOSE_DATA:
    case 1007: /* text that is not UTF-8 */
    case 1008: /* policy */
    case WIRE_CLOSE_TOO_BIG:
    case 1010: /* an extension is missing */
        return CLIENT_GIVE_UP;
    default:
        return CLIENT_RETRY_LATER;
    }
}

enum client_decision client_decide_http(unsigned status) {
    if (status >= 500 || status == 408 || status == 425 || status == 429)
        return CLIENT_RETRY_LATER;
    return CLIENT_GIVE_UP;
}

uint64_t client_backoff(unsigned attempt, uint32_t random) {
    uint64_t pause = CLIENT_BACKOFF_MIN_MS;
    while (attempt-- > 0 && pause < CLIENT_BACKOFF_MAX_MS)
        pause *= 2;
    if (pause > CLIENT_BACKOFF_MAX_MS)
        pause = CLIENT_BACKOFF_MAX_MS;
    return pause / 2 + random % (pause / 2 + 1);
}

uint64_t client_jitter(uint32_t random) {
    return random % 101;
}
