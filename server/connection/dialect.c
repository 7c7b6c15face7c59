/* dialect.c — the table of dialects. */
#include "connection/dialect.h"

#include "connection/hocuspocus.h"
#include "connection/native.h"
#include "connection/yws.h"

#include <assert.h>

const struct dialect *dialect_of(enum dialect_kind kind) {
    static const struct dialect *const dialects[DIALECT_COUNT] = { &native_dialect, &yws_dialect, &hocuspocus_dialect };
    assert(kind < DIALECT_COUNT);
    return dialects[kind];
}
