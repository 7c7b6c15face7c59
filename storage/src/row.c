/* row.c — typed values out of libpq's binary results; SQLSTATEs into statuses. */
#include "row_inside.h"

#include "pg_types.h"

#include <assert.h>
#include <stdlib.h>

enum status sqlstate_status(const char *sqlstate) {
    static const struct {
        const char *prefix;
        enum status status;
    } table[] = {
        /* the first that matches counts */
        { "23505", STATUS_EXISTS },      /* unique_violation */
        { "23P01", STATUS_EXISTS },      /* exclusion_violation */
        { "23503", STATUS_NOT_FOUND },   /* foreign_key_violation */
        { "P0002", STATUS_NOT_FOUND },   /* no_data_found */
        { "23", STATUS_MALFORMED },      /* NOT NULL, CHECK */
        { "22", STATUS_MALFORMED },      /* data exception */
        { "54", STATUS_MALFORMED },      /* program limit exceeded */
        { "42501", STATUS_DENIED },      /* insufficient_privilege */
        { "40", STATUS_CONFLICT },       /* serialization failure, deadlock */
        { "55P03", STATUS_CONFLICT },    /* lock_not_available */
        { "08", STATUS_UNAVAILABLE },    /* connection */
        { "25006", STATUS_UNAVAILABLE }, /* read-only transaction: a standby */
        { "53", STATUS_UNAVAILABLE },    /* disk full, out of memory, too many connections */
        { "57", STATUS_UNAVAILABLE },    /* cancelled, shutting down, starting up */
        { "58", STATUS_UNAVAILABLE },    /* system error: I/O */
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strncmp(sqlstate, table[i].prefix, strlen(table[i].prefix)) == 0)
            return table[i].status;
    return STATUS_IO;
}

struct reply reply_without(enum status status, const char *error) {
    return (struct reply){ .status = status, .error = error, .constraint = "" };
}

struct reply reply_of(const PGresult *result) {
    struct reply reply = { .error = "", .constraint = "", .result = result };
    ExecStatusType type = PQresultStatus(result);
    if (type == PGRES_TUPLES_OK || type == PGRES_COMMAND_OK) {
        reply.row_count = (unsigned)PQntuples(result);
        reply.column_count = (unsigned)PQnfields(result);
        /* libpq's PQcmdTuples() takes a non-const result but only reads. */
        reply.affected = strtoull(PQcmdTuples((PGresult *)(uintptr_t)result), NULL, 10);
        return reply;
    }
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    if (sqlstate != NULL && strlen(sqlstate) == 5)
        memcpy(reply.sqlstate, sqlstate, 6);
    reply.status = sqlstate == NULL ? STATUS_IO : sqlstate_status(sqlstate);
    reply.error = message == NULL ? "no message" : message;
    reply.constraint = constraint == NULL ? "" : constraint;
    return reply;
}

struct row reply_row(const struct reply *reply, unsigned index) {
    assert(index < reply->row_count);
    return (struct row){ reply->result, index };
}

static const uint8_t *row_value(const struct row *row, unsigned column, size_t *out_size) {
    assert((int)column < PQnfields(row->result));
    *out_size = 0;
    if (PQgetisnull(row->result, (int)row->index, (int)column))
        return NULL;
    *out_size = (size_t)PQgetlength(row->result, (int)row->index, (int)column);
    return (const uint8_t *)PQgetvalue(row->result, (int)row->index, (int)column);
}

static uint32_t row_type(const struct row *row, unsigned column) {
    return PQftype(row->result, (int)column);
}

static uint64_t row_number(const uint8_t *at, size_t size) {
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | at[i];
    return value;
}

bool row_is_null(const struct row *row, unsigned column) {
    size_t size;
    return row_value(row, column, &size) == NULL;
}

struct uuid row_uuid(const struct row *row, unsigned column) {
    size_t size;
    const uint8_t *value = row_value(row, column, &size);
    struct uuid uuid = uuid_nil;
    assert(row_type(row, column) == PG_UUID);
    if (value != NULL && size == sizeof uuid.bytes)
        memcpy(uuid.bytes, value, size);
    return uuid;
}

bool row_bool(const struct row *row, unsigned column) {
    size_t size;
    const uint8_t *value = row_value(row, column, &size);
    assert(row_type(row, column) == PG_BOOL);
    return value != NULL && size == 1 && *value != 0;
}

int64_t row_i64(const struct row *row, unsigned column) {
    size_t size;
    const uint8_t *value = row_value(row, column, &size);
    assert(row_type(row, column) == PG_INT8 || row_type(row, column) == PG_INT4 || row_type(row, column) == PG_INT2);
    if (value == NULL)
        return 0;
    switch (size) {
    case 2:
        return (int16_t)row_number(value, 2);
    case 4:
        return (int32_t)row_number(value, 4);
    case 8:
        return (int64_t)row_number(value, 8);
    default:
        return 0;
    }
}

int32_t row_i32(const struct row *row, unsigned column) {
    assert(row_type(row, column) == PG_INT4 || row_type(row, column) == PG_INT2);
    return (int32_t)row_i64(row, column);
}

double row_f64(const struct row *row, unsigned column) {
    size_t size;
    const uint8_t *value = row_value(row, column, &size);
    assert(row_type(row, column) == PG_FLOAT8 || row_type(row, column) == PG_FLOAT4);
    if (value != NULL && size == 8) {
        uint64_t bits = row_number(value, 8);
        double number;
        memcpy(&number, &bits, sizeof number);
        return number;
    }
    if (value != NULL && size == 4) {
        uint32_t bits = (uint32_t)row_number(value, 4);
        float number;
        memcpy(&number, &bits, sizeof number);
        return (double)number;
    }
    return 0;
}

int64_t row_time_ms(const struct row *row, unsigned column) {
    size_t size;
    const uint8_t *value = row_value(row, column, &size);
    assert(row_type(row, column) == PG_TIMESTAMPTZ);
    if (value == NULL || size != 8)
        return 0;
    int64_t us = (int64_t)row_number(value, 8);
    int64_t ms = us / 1000 - (us % 1000 < 0);
    return ms + PG_EPOCH_UNIX_MS;
}

struct bytes row_text(const struct row *row, unsigned column) {
    size_t size;
    const uint8_t *value = row_value(row, column, &size);
    assert(row_type(row, column) == PG_TEXT || row_type(row, column) == PG_VARCHAR || row_type(row, column) == PG_BPCHAR ||
           row_type(row, column) == PG_NAME);
    return bytes_of(value, size);
}

struct bytes row_jsonb(const struct row *row, unsigned column) {
    size_t size;
    const uint8_t *value = row_value(row, column, &size);
    assert(row_type(row, column) == PG_JSONB || row_type(row, column) == PG_JSON);
    if (value == NULL || row_type(row, column) == PG_JSON)
        return bytes_of(value, size);
    return size == 0 ? (struct bytes){ NULL, 0 } : bytes_of(value + 1, size - 1); /* behind jsonb's version byte */
}

struct bytes row_bytea(const struct row *row, unsigned column) {
    size_t size;
    const uint8_t *value = row_value(row, column, &size);
    assert(row_type(row, column) == PG_BYTEA);
    return bytes_of(value, size);
}
