/* room_code.c — see room_code.h. */
#include "access/room_code.h"

static const char room_code_letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void room_code_write(const uint8_t random[ROOM_CODE_RANDOM_BYTES], char out[ROOM_CODE_SIZE + 1]) {
    uint64_t bits = 0;
    for (size_t i = 0; i < ROOM_CODE_RANDOM_BYTES; i++)
        bits = bits << 8 | random[i];
    for (size_t i = 0; i < ROOM_CODE_SIZE; i++)
        out[i] = room_code_letters[bits >> (35 - 5 * i) & 31];
    out[ROOM_CODE_SIZE] = '\0';
}

bool room_code_read(struct bytes text, char out[ROOM_CODE_SIZE + 1]) {
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        char letter = (char)text.data[i];
        if (letter == ' ' || letter == '-')
            continue;
        if (letter >= 'a' && letter <= 'z')
            letter = (char)(letter - 'a' + 'A');
        if (letter == 'O')
            letter = '0';
        if (letter == 'I' || letter == 'L')
            letter = '1';
        if (letter == '\0' || strchr(room_code_letters, letter) == NULL || size == ROOM_CODE_SIZE)
            return false;
        out[size++] = letter;
    }
    out[size] = '\0';
    return size == ROOM_CODE_SIZE;
}
