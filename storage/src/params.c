/* params.c — typed values in PostgreSQL's binary format. All numbers are big-endian. */
#include "params_inside.h"
#include "pg_types.h"

#include <assert.h>

struct params *params_new(struct arena *arena) {
    struct params *params = arena_alloc(arena, sizeof *params);
    if (params != NULL)
        params->arena = arena;
    return params;
}

/* Room for the next parameter's `size` bytes; NULL after a failure. */
static uint8_t *params_next(struct params *params, uint32_t type, size_t size) {
    if (params == NULL || params->status != STATUS_OK)
        return NULL;
    if (params->count == PARAMS_MAX || size > INT32_MAX) {
        params->status = STATUS_TOO_BIG;
        return NULL;
    }
    uint8_t *room = arena_alloc(params->arena, size + 1); /* an empty value is not NULL */
    if (room == NULL) {
        params->status = STATUS_NO_MEMORY;
        return NULL;
    }
    params->items[params->count++] = (struct param){ type, bytes_of(room, size) };
    return room;
}

uint8_t *pg_put_u32(uint8_t *at, uint32_t value) {
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
    return at + 4;
}

uint8_t *pg_put_u64(uint8_t *at, uint64_t value) {
    return pg_put_u32(pg_put_u32(at, (uint32_t)(value >> 32)), (uint32_t)value);
}

int64_t pg_time(int64_t unix_ms) {
    int64_t ms;
    if (__builtin_sub_overflow(unix_ms, PG_EPOCH_UNIX_MS, &ms))
        return INT64_MIN;
    if (ms > INT64_MAX / 1000)
        return INT64_MAX;
    if (ms < INT64_MIN / 1000)
        return INT64_MIN;
    return ms * 1000;
}

void params_add_null(struct params *params) {
    if (params_next(params, PG_ANY, 0) != NULL)
        params->items[params->count - 1].value = (struct bytes){ NULL, 0 };
}

static void params_add_bytes(struct params *params, uint32_t type, struct bytes value) {
    uint8_t *room = params_next(params, type, value.size);
    if (room != NULL && value.size > 0)
        memcpy(room, value.data, value.size);
}

void params_add_uuid(struct params *params, const struct uuid *uuid) {
    if (uuid == NULL)
        params_add_null(params);
    else
        params_add_bytes(params, PG_UUID, bytes_of(uuid->bytes, sizeof uuid->bytes));
}

void params_add_bool(struct params *params, bool value) {
    uint8_t byte = value;
    params_add_bytes(params, PG_BOOL, bytes_of(&byte, 1));
}

void params_add_i32(struct params *params, int32_t value) {
    uint8_t *room = params_next(params, PG_INT4, 4);
    if (room != NULL)
        pg_put_u32(room, (uint32_t)value);
}

static void params_add_u64(struct params *params, uint32_t type, uint64_t value) {
    uint8_t *room = params_next(params, type, 8);
    if (room != NULL)
        pg_put_u64(room, value);
}

void params_add_i64(struct params *params, int64_t value) {
    params_add_u64(params, PG_INT8, (uint64_t)value);
}

void params_add_f64(struct params *params, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    params_add_u64(params, PG_FLOAT8, bits);
}

void params_add_time(struct params *params, int64_t unix_ms) {
    params_add_u64(params, PG_TIMESTAMPTZ, (uint64_t)pg_time(unix_ms));
}

void params_add_text(struct params *params, struct bytes text) {
    if (text.data == NULL)
        params_add_null(params);
    else
        params_add_bytes(params, PG_TEXT, text);
}

void params_add_bytea(struct params *params, struct bytes bytes) {
    if (bytes.data == NULL)
        params_add_null(params);
    else
        params_add_bytes(params, PG_BYTEA, bytes);
}

void params_add_jsonb(struct params *params, struct bytes json) {
    if (json.data == NULL) {
        params_add_null(params);
        return;
    }
    uint8_t *room = params_next(params, PG_JSONB, json.size + 1);
    if (room == NULL)
        return;
    *room = 1; /* version of jsonb's binary format */
    memcpy(room + 1, json.data, json.size);
}

/* ---- arrays ---- */

uint8_t *pg_array_begin(uint8_t *at, uint32_t element_type, bool has_null, size_t count) {
    assert(count <= INT32_MAX);
    at = pg_put_u32(at, 1);
    at = pg_put_u32(at, has_null);
    at = pg_put_u32(at, element_type);
    at = pg_put_u32(at, (uint32_t)count);
    return pg_put_u32(at, 1);
}

uint8_t *pg_array_element(uint8_t *at, struct bytes element) {
    if (element.data == NULL)
        return pg_put_u32(at, UINT32_MAX);
    at = pg_put_u32(at, (uint32_t)element.size);
    if (element.size > 0)
        memcpy(at, element.data, element.size);
    return at + element.size;
}

/* Where `count` elements of `size` bytes each go, behind the header; every element has its size written by the caller. */
static uint8_t *params_array(struct params *params, uint32_t type, uint32_t element_type, size_t size, size_t count) {
    if (count > INT32_MAX / (size + 4)) {
        if (params != NULL && params->status == STATUS_OK)
            params->status = STATUS_TOO_BIG;
        return NULL;
    }
    uint8_t *room = params_next(params, type, PG_ARRAY_HEADER + count * (size + 4));
    return room == NULL ? NULL : pg_array_begin(room, element_type, false, count);
}

void params_add_uuid_array(struct params *params, const struct uuid *values, size_t count) {
    uint8_t *at = params_array(params, PG_UUID_ARRAY, PG_UUID, 16, count);
    for (size_t i = 0; at != NULL && i < count; i++)
        at = pg_array_element(at, bytes_of(values[i].bytes, 16));
}

void params_add_bool_array(struct params *params, const bool *values, size_t count) {
    uint8_t *at = params_array(params, PG_BOOL_ARRAY, PG_BOOL, 1, count);
    for (size_t i = 0; at != NULL && i < count; i++) {
        at = pg_put_u32(at, 1);
        *at++ = values[i];
    }
}

void params_add_i32_array(struct params *params, const int32_t *values, size_t count) {
    uint8_t *at = params_array(params, PG_INT4_ARRAY, PG_INT4, 4, count);
    for (size_t i = 0; at != NULL && i < count; i++)
        at = pg_put_u32(pg_put_u32(at, 4), (uint32_t)values[i]);
}

void params_add_i64_array(struct params *params, const int64_t *values, size_t count) {
    uint8_t *at = params_array(params, PG_INT8_ARRAY, PG_INT8, 8, count);
    for (size_t i = 0; at != NULL && i < count; i++)
        at = pg_put_u64(pg_put_u32(at, 8), (uint64_t)values[i]);
}

void params_add_time_array(struct params *params, const int64_t *unix_ms, size_t count) {
    uint8_t *at = params_array(params, PG_TIMESTAMPTZ_ARRAY, PG_TIMESTAMPTZ, 8, count);
    for (size_t i = 0; at != NULL && i < count; i++)
        at = pg_put_u64(pg_put_u32(at, 8), (uint64_t)pg_time(unix_ms[i]));
}

/* Elements of different sizes; `prefix` 0 or 1 byte (jsonb's version) before each. */
static void params_add_view_array(struct params *params, uint32_t type, uint32_t element_type, size_t prefix,
                                  const struct bytes *values, size_t count) {
    size_t size = PG_ARRAY_HEADER;
    bool has_null = false;
    for (size_t i = 0; i < count && size <= INT32_MAX; i++) {
        size += 4 + (values[i].data == NULL ? 0 : values[i].size + prefix);
        has_null |= values[i].data == NULL;
    }
    uint8_t *at = params_next(params, type, size);
    if (at == NULL)
        return;
    at = pg_array_begin(at, element_type, has_null, count);
    for (size_t i = 0; i < count; i++) {
        if (prefix == 0 || values[i].data == NULL) {
            at = pg_array_element(at, values[i]);
            continue;
        }
        at = pg_put_u32(at, (uint32_t)(values[i].size + 1));
        *at++ = 1;
        memcpy(at, values[i].data, values[i].size);
        at += values[i].size;
    }
}

void params_add_text_array(struct params *params, const struct bytes *values, size_t count) {
    params_add_view_array(params, PG_TEXT_ARRAY, PG_TEXT, 0, values, count);
}

void params_add_jsonb_array(struct params *params, const struct bytes *values, size_t count) {
    params_add_view_array(params, PG_JSONB_ARRAY, PG_JSONB, 1, values, count);
}

void params_add_bytea_array(struct params *params, const struct bytes *values, size_t count) {
    params_add_view_array(params, PG_BYTEA_ARRAY, PG_BYTEA, 0, values, count);
}
