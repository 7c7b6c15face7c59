/* digest.h — XXH3, for noticing damage and change; no secret is ever guarded by it. Only digest.c includes <xxhash.h>. */
#ifndef STORE_DIGEST_H
#define STORE_DIGEST_H

#include "ground/bytes.h"

enum { DIGEST_128_SIZE = 16, DIGEST_HEX_SIZE = 32 };

uint64_t digest_64(struct bytes bytes);

/* 128 bits over several pieces as if they were one; the canonical (big-endian) bytes that xxhsum prints. */
void digest_128(const struct bytes *pieces, unsigned count, uint8_t out[DIGEST_128_SIZE]);

/* 128 bits in lower-case hex with a NUL. */
void digest_hex(struct bytes bytes, char out[DIGEST_HEX_SIZE + 1]);

#endif
