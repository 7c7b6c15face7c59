/* params_inside.h — what the store sees of struct params, and arrays written without an arena. */
#ifndef STORE_PARAMS_INSIDE_H
#define STORE_PARAMS_INSIDE_H

#include "store/params.h"

struct param {
    uint32_t type;      /* PG_… */
    struct bytes value; /* binary format; data NULL: SQL NULL */
};

struct params {
    struct arena *arena;
    enum status status; /* the first failure */
    unsigned count;
    struct param items[PARAMS_MAX];
};

/* ---- PostgreSQL's binary array: dimensions, has-null, element type, count, lower bound, then size and bytes of each ---- */

enum { PG_ARRAY_HEADER = 20 };

/* Both write at `at` and answer the place behind. */
uint8_t *pg_array_begin(uint8_t *at, uint32_t element_type, bool has_null, size_t count);
uint8_t *pg_array_element(uint8_t *at, struct bytes element); /* data NULL: SQL NULL */

uint8_t *pg_put_u32(uint8_t *at, uint32_t value);
uint8_t *pg_put_u64(uint8_t *at, uint64_t value);

/* timestamptz of Unix milliseconds; beyond PostgreSQL's range: its ±infinity. */
int64_t pg_time(int64_t unix_ms);

#endif
