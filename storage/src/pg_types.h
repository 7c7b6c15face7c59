/* pg_types.h — PostgreSQL's type numbers (pg_type.oid; fixed for built-in types) and its clock. */
#ifndef STORE_PG_TYPES_H
#define STORE_PG_TYPES_H

#include <stdint.h>

enum {
    PG_ANY = 0, /* a NULL fits every type */
    PG_BOOL = 16,
    PG_BYTEA = 17,
    PG_NAME = 19,
    PG_INT8 = 20,
    PG_INT2 = 21,
    PG_INT4 = 23,
    PG_TEXT = 25,
    PG_JSON = 114,
    PG_FLOAT4 = 700,
    PG_FLOAT8 = 701,
    PG_BOOL_ARRAY = 1000,
    PG_BYTEA_ARRAY = 1001,
    PG_INT4_ARRAY = 1007,
    PG_TEXT_ARRAY = 1009,
    PG_INT8_ARRAY = 1016,
    PG_BPCHAR = 1042,
    PG_VARCHAR = 1043,
    PG_TIMESTAMPTZ = 1184,
    PG_TIMESTAMPTZ_ARRAY = 1185,
    PG_UUID = 2950,
    PG_UUID_ARRAY = 2951,
    PG_JSONB = 3802,
    PG_JSONB_ARRAY = 3807,
};

/* timestamptz counts microseconds from 2000-01-01 UTC. */
#define PG_EPOCH_UNIX_MS INT64_C(946684800000)

#endif
