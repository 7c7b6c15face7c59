/* expect.h — what must hold, whatever the input: else the fuzzer is told, by a crash. */
#ifndef CRDT_FUZZ_EXPECT_H
#define CRDT_FUZZ_EXPECT_H

#include "ground/status.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static inline void expect(bool fact, const char *what) {
    if (fact)
        return;
    fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

static inline void must(enum status status) {
    expect(status == STATUS_OK, "the document can be made");
}

#endif
