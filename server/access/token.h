/* token.h — bearer tokens: 32 random bytes as 43 characters of base64url. Whoever holds one is its user, so the server keeps only
 * the SHA-256 of the text; with 256 random bits it needs neither salt nor a slow hash. */
#ifndef SERVER_TOKEN_H
#define SERVER_TOKEN_H

#include "ground/bytes.h"

enum { TOKEN_RANDOM_BYTES = 32, TOKEN_TEXT_SIZE = 43, TOKEN_HASH_BYTES = 32, TOKEN_TEXT_MAX = 512 };

/* Writes 43 characters and a NUL. */
void token_write(const uint8_t random[TOKEN_RANDOM_BYTES], char out[TOKEN_TEXT_SIZE + 1]);

/* The hash of a token's text, of whatever length: an operator may have written the admin token by hand. */
void token_hash(struct bytes token, uint8_t out[TOKEN_HASH_BYTES]);

/* Takes the same time for all hashes. */
bool token_hash_equal(const uint8_t a[TOKEN_HASH_BYTES], const uint8_t b[TOKEN_HASH_BYTES]);

/* Reads a token from a file that only its owner may read, without the white space around it, and hashes it.
 * STATUS_NOT_FOUND, STATUS_DENIED (others may read it), STATUS_MALFORMED (too short, too long, blanks inside), STATUS_IO: `error`
 * says why in one line. */
enum status token_hash_file(const char *path, uint8_t out[TOKEN_HASH_BYTES], char *error, size_t error_bytes);

#endif
