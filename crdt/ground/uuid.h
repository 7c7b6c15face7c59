/* uuid.h — 128-bit ids as RFC 9562 writes them.
 *
 * New ids are version 7: 48 bits of Unix milliseconds, then random bits, so that rows written together lie together in an index.
 * Time and randomness are arguments: the caller owns both. In text: 36 characters, lower case, e.g.
 * 01932c07-209c-7f3a-8c11-5d1b2a9e4c77. */
#ifndef GROUND_UUID_H
#define GROUND_UUID_H

#include "ground/bytes.h"

struct uuid {
    uint8_t bytes[16];
};

enum { UUID_TEXT_SIZE = 36 };

static const struct uuid uuid_nil = { { 0 } };

/* `random` gives the 10 random bytes; 6 of their bits are replaced by version and variant. */
struct uuid uuid_v7(uint64_t unix_ms, const uint8_t random[10]);

/* Writes 36 characters and a NUL. */
void uuid_format(const struct uuid *uuid, char out[UUID_TEXT_SIZE + 1]);

/* Takes exactly 36 characters, upper or lower case hex, dashes in place; false otherwise and `out` is unset. */
bool uuid_parse(struct bytes text, struct uuid *out);

static inline bool uuid_equal(const struct uuid *a, const struct uuid *b) {
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static inline bool uuid_is_nil(const struct uuid *uuid) {
    return uuid_equal(uuid, &uuid_nil);
}

/* A table key: the last eight bytes, which are random in version 7. */
static inline uint64_t uuid_key(const struct uuid *uuid) {
    uint64_t key;
    memcpy(&key, uuid->bytes + 8, sizeof key);
    return key;
}

#endif
