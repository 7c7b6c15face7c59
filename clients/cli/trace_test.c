#include "trace.h"

#include <criterion/criterion.h>

#define N(value) (uint8_t)(value), 0, 0, 0

static const uint8_t sequential[] = {
    'T', 'R', 'S', 'Q', N(1), N(2), N(0), N(0), N(2), 'h', 'i', N(1), N(1), N(3), 0xe2, 0x82, 0xac
};
static const uint8_t concurrent[] = { 'T',  'R',  'C',  'C',  N(1), N(2), N(2),                          /* two steps, two agents */
                                      N(1), N(0), N(1), N(0), N(0), N(1), 'a',                           /* agent 1, no parent */
                                      N(0), N(1), N(0), N(2), N(1), N(0), N(1), 'b', N(0), N(1), N(0) }; /* agent 0, parent 0 */

Test(trace, a_sequential_one_is_a_chain_of_patches) {
    struct trace trace;

    cr_assert_eq(trace_read(bytes_of(sequential, sizeof sequential), &trace), STATUS_OK);

    cr_assert_not(trace.concurrent);
    cr_assert_eq(trace.step_count, 2);
    cr_assert_eq(trace.steps[0].parent_count, 0);
    cr_assert_eq(trace.parents[trace.steps[1].parent], 0);
    cr_assert_eq(trace.patches[1].position, 1);
    cr_assert_eq(trace.patches[1].deleted, 1);
    cr_assert(bytes_equal_text(trace.patches[1].text, "\xe2\x82\xac"));
    trace_finish(&trace);
}

Test(trace, a_concurrent_one_keeps_agents_and_parents) {
    struct trace trace;

    cr_assert_eq(trace_read(bytes_of(concurrent, sizeof concurrent), &trace), STATUS_OK);

    cr_assert(trace.concurrent);
    cr_assert_eq(trace.agent_count, 2);
    cr_assert_eq(trace.steps[0].agent, 1);
    cr_assert_eq(trace.steps[1].parent_count, 1);
    cr_assert_eq(trace.parents[trace.steps[1].parent], 0);
    cr_assert_eq(trace.steps[1].patch_count, 2);
    cr_assert_eq(trace.patches[2].deleted, 1);
    trace_finish(&trace);
}

Test(trace, cut_anywhere_is_malformed) {
    struct trace trace;
    for (size_t size = 0; size < sizeof sequential; size++)
        cr_assert_eq(trace_read(bytes_of(sequential, size), &trace), STATUS_MALFORMED, "%zu", size);
    for (size_t size = 0; size < sizeof concurrent; size++)
        cr_assert_eq(trace_read(bytes_of(concurrent, size), &trace), STATUS_MALFORMED, "%zu", size);
}

Test(trace, any_byte_changed_is_read_or_refused_and_nothing_else) {
    for (size_t i = 0; i < sizeof concurrent; i++)
        for (int value = 0; value < 256; value++) {
            uint8_t bytes[sizeof concurrent];
            struct trace trace;
            memcpy(bytes, concurrent, sizeof bytes);
            bytes[i] = (uint8_t)value;
            enum status status = trace_read(bytes_of(bytes, sizeof bytes), &trace);
            cr_assert(status == STATUS_OK || status == STATUS_MALFORMED);
            if (status == STATUS_OK)
                trace_finish(&trace);
        }
}

Test(trace, a_parent_that_comes_later_is_malformed) {
    uint8_t bytes[sizeof concurrent];
    struct trace trace;
    memcpy(bytes, concurrent, sizeof bytes);

    bytes[16 + 25 + 8] = 1; /* the second step's parent: itself */

    cr_assert_eq(trace_read(bytes_of(bytes, sizeof bytes), &trace), STATUS_MALFORMED);
}
