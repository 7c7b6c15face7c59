#include "http/guess_limit.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct guess_limit limit;

Test(guess_limit, ten_wrong_guesses_a_minute_and_no_more) {
    for (unsigned i = 0; i < GUESS_WRONG_MAX; i++) {
        cr_expect_eq(guess_limit_wait_ms(&limit, "10.0.0.1:5", 1000 + i), 0);
        guess_limit_note(&limit, "10.0.0.1:5", 1000 + i);
    }

    cr_expect_eq(guess_limit_wait_ms(&limit, "10.0.0.1:9999", 2000), 59000, "another port is the same guesser");
    cr_expect_eq(guess_limit_wait_ms(&limit, "10.0.0.2:5", 2000), 0);
    cr_expect_eq(guess_limit_wait_ms(&limit, "10.0.0.1:5", 61000), 0);
    guess_limit_note(&limit, "10.0.0.1:5", 61000);
    cr_expect_eq(guess_limit_wait_ms(&limit, "10.0.0.1:5", 61001), 0, "the count began anew");
}

Test(guess_limit, one_ipv6_network_is_one_guesser) {
    for (unsigned i = 0; i < GUESS_WRONG_MAX; i++) {
        char peer[64];
        snprintf(peer, sizeof peer, "[2001:db8:1:2::%x]:5", i + 1);
        guess_limit_note(&limit, peer, 1000);
    }

    cr_expect_gt(guess_limit_wait_ms(&limit, "[2001:db8:1:2:ffff::1]:6", 1000), 0);
    cr_expect_eq(guess_limit_wait_ms(&limit, "[2001:db8:1:3::1]:6", 1000), 0);
}

Test(guess_limit, mapped_ipv4_addresses_are_told_apart) {
    for (unsigned i = 0; i < GUESS_WRONG_MAX; i++)
        guess_limit_note(&limit, "[::ffff:10.0.0.1]:5", 1000);

    cr_expect_gt(guess_limit_wait_ms(&limit, "[::ffff:10.0.0.1]:5", 1000), 0);
    cr_expect_eq(guess_limit_wait_ms(&limit, "[::ffff:10.0.0.2]:5", 1000), 0);
}

Test(guess_limit, a_crowd_larger_than_the_table_pushes_out_the_oldest) {
    for (unsigned i = 0; i < 100 * GUESS_SLOTS; i++) {
        char peer[64];
        snprintf(peer, sizeof peer, "10.%u.%u.%u:5", i >> 16 & 255, i >> 8 & 255, i & 255);
        guess_limit_note(&limit, peer, 1000 + i);
    }
    for (unsigned i = 0; i < GUESS_WRONG_MAX; i++)
        guess_limit_note(&limit, "192.168.0.1:1", 200000);

    cr_expect_gt(guess_limit_wait_ms(&limit, "192.168.0.1:1", 200000), 0);
}
