#include "client_retry.h"

#include "vibesync/client.h"

#include <criterion/criterion.h>

Test(client_retry, close_codes_fall_into_their_bands) {
    static const struct {
        uint16_t code;
        enum client_decision decision;
    } cases[] = {
        { 1000, CLIENT_GIVE_UP },     { 1001, CLIENT_RETRY_AT_ONCE }, { 1002, CLIENT_GIVE_UP },     { 1003, CLIENT_GIVE_UP },
        { 1005, CLIENT_RETRY_LATER }, { 1006, CLIENT_RETRY_LATER },   { 1007, CLIENT_GIVE_UP },     { 1008, CLIENT_GIVE_UP },
        { 1009, CLIENT_GIVE_UP },     { 1010, CLIENT_GIVE_UP },       { 1011, CLIENT_RETRY_LATER }, { 1012, CLIENT_RETRY_LATER },
        { 1013, CLIENT_RETRY_LATER }, { 3000, CLIENT_RETRY_LATER },   { 4399, CLIENT_RETRY_LATER }, { 4400, CLIENT_GIVE_UP },
        { 4401, CLIENT_GIVE_UP },     { 4403, CLIENT_GIVE_UP },       { 4404, CLIENT_GIVE_UP },     { 4405, CLIENT_GIVE_UP },
        { 4410, CLIENT_GIVE_UP },     { 4477, CLIENT_GIVE_UP },       { 4499, CLIENT_GIVE_UP },     { 4500, CLIENT_RETRY_LATER },
        { 4503, CLIENT_RETRY_LATER }, { 4508, CLIENT_RETRY_LATER },   { 4529, CLIENT_RETRY_LATER }, { 4999, CLIENT_RETRY_LATER },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_eq(client_decide_close(cases[i].code), cases[i].decision, "%u", cases[i].code);
}

Test(client_retry, http_answers_that_may_pass_are_tried_again) {
    static const unsigned later[] = { 408, 425, 429, 500, 502, 503, 504 };
    static const unsigned never[] = { 200, 301, 400, 401, 403, 404, 405, 410, 426 };

    for (size_t i = 0; i < sizeof later / sizeof *later; i++)
        cr_assert_eq(client_decide_http(later[i]), CLIENT_RETRY_LATER, "%u", later[i]);
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        cr_assert_eq(client_decide_http(never[i]), CLIENT_GIVE_UP, "%u", never[i]);
}

Test(client_retry, pauses_double_to_their_maximum_and_keep_to_the_upper_half) {
    for (unsigned attempt = 0; attempt < 70; attempt++) {
        uint64_t full = attempt < 7 ? (uint64_t)CLIENT_BACKOFF_MIN_MS << attempt : CLIENT_BACKOFF_MAX_MS;
        full = full > CLIENT_BACKOFF_MAX_MS ? CLIENT_BACKOFF_MAX_MS : full;
        for (uint32_t random = 0; random < 5000; random += 7) {
            uint64_t pause = client_backoff(attempt, random * 2654435761u);
            cr_assert(pause >= full / 2 && pause <= full, "attempt %u: %lu", attempt, (unsigned long)pause);
        }
    }
}
