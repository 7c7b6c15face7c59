/* digest.c — the only file that includes <xxhash.h>. */
#include "digest.h"

#include "store/documents.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static_assert((int)CONTENT_HASH_SIZE == (int)DIGEST_HEX_SIZE, "a content hash is XXH3-128 in hex");

uint64_t digest_64(struct bytes bytes) {
    return XXH3_64bits(bytes.size == 0 ? "" : (const void *)bytes.data, bytes.size);
}

void digest_128(const struct bytes *pieces, unsigned count, uint8_t out[DIGEST_128_SIZE]) {
    XXH3_state_t state;
    XXH3_INITSTATE(&state);
    XXH3_128bits_reset(&state);
    for (unsigned i = 0; i < count; i++)
        if (pieces[i].size > 0)
            XXH3_128bits_update(&state, pieces[i].data, pieces[i].size);
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state));
    memcpy(out, canonical.digest, DIGEST_128_SIZE);
}

void digest_hex(struct bytes bytes, char out[DIGEST_HEX_SIZE + 1]) {
    static const char digits[] = "0123456789abcdef";
    uint8_t digest[DIGEST_128_SIZE];
    digest_128(&bytes, 1, digest);
    for (size_t i = 0; i < DIGEST_128_SIZE; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[DIGEST_HEX_SIZE] = 0;
}

void content_hash(struct bytes content, char out[CONTENT_HASH_SIZE + 1]) {
    digest_hex(content, out);
}
