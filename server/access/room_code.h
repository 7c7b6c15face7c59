/* room_code.h — the code that lets people into a session: eight letters, made to be read aloud.
 *
 * 32 letters without I, L, O and U (Crockford's base 32): 40 random bits. Read back, case does not matter, blanks and dashes are
 * skipped, O means 0, I and L mean 1. */
#ifndef SERVER_ROOM_CODE_H
#define SERVER_ROOM_CODE_H

#include "ground/bytes.h"

enum { ROOM_CODE_RANDOM_BYTES = 5, ROOM_CODE_SIZE = 8 };

/* Writes 8 letters and a NUL. */
void room_code_write(const uint8_t random[ROOM_CODE_RANDOM_BYTES], char out[ROOM_CODE_SIZE + 1]);

/* The code that `text` means, as room_code_write() writes it; false when it can be none. */
bool room_code_read(struct bytes text, char out[ROOM_CODE_SIZE + 1]);

#endif
