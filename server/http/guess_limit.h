/* guess_limit.h — how often an address may guess wrong.
 *
 * GUESS_WRONG_MAX wrong room codes a minute from one address (IPv6: one /64, which is what one customer gets); more are refused
 * unread. A table of fixed size, one per loop, each told of every wrong guess. When a slot is needed and taken, the older entry
 * goes: memory stays bounded under any flood, and a flood from everywhere finds 40 random bits no sooner. */
#ifndef SERVER_GUESS_LIMIT_H
#define SERVER_GUESS_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

enum { GUESS_WRONG_MAX = 10, GUESS_WINDOW_MS = 60000, GUESS_SLOTS = 1024, GUESS_WAYS = 4 };

struct guess_limit {
    struct guess_slot {
        uint64_t address; /* digest; 0: free */
        uint64_t since_ms;
        uint32_t wrong;
    } slots[GUESS_SLOTS];
};

/* Whether `peer` ("1.2.3.4:5", "[::1]:5") may guess at all; otherwise how many ms to wait. 0: go on. */
uint64_t guess_limit_wait_ms(const struct guess_limit *limit, const char *peer, uint64_t now_ms);

/* It was wrong. */
void guess_limit_note(struct guess_limit *limit, const char *peer, uint64_t now_ms);

#endif
