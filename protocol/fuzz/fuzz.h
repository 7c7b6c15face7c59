/* fuzz.h — what a target must hold true, in every build. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include "ground/bytes.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_REQUIRE(fact) \
    do {                   \
        if (!(fact))       \
            abort();       \
    } while (0)

/* Takes one number from the front of the input, 0 when there is none: how to run, before what to run. */
static inline uint8_t fuzz_choice(struct bytes *input) {
    if (input->size == 0)
        return 0;
    uint8_t choice = input->data[0];
    *input = bytes_of(input->data + 1, input->size - 1);
    return choice;
}

#endif
