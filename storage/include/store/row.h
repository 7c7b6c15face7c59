/* row.h — the answer to one statement: status, error, typed rows.
 *
 *   static void chat_send_on_stored(void *context, const struct reply *reply) {
 *       if (reply->status != STATUS_OK) …
 *       struct row row = reply_row(reply, 0);
 *       struct uuid id = row_uuid(&row, 0);
 *
 * Everything is valid only inside the reply callback: copy what must stay. Reading a column as another type than it has is a
 * mistake of ours and asserts (with NDEBUG: zero or empty). SQL NULL reads as zero, nil or empty with data NULL; row_is_null()
 * tells. */
#ifndef STORE_ROW_H
#define STORE_ROW_H

#include "ground/bytes.h"
#include "ground/uuid.h"

struct reply {
    /* STATUS_OK
     * STATUS_EXISTS       a unique key is taken (23505): `constraint` names it
     * STATUS_NOT_FOUND    a foreign key points nowhere (23503), or the statement raised no_data_found (P0002)
     * STATUS_MALFORMED    the data breaks a CHECK, a type or a length (23514, 23502, class 22, 54)
     * STATUS_DENIED       the role may not (42501)
     * STATUS_CONFLICT     serialization or deadlock, try again (class 40); or parameters that do not fit the statement
     * STATUS_UNAVAILABLE  no connection; if it was lost on the way the outcome is unknown. Or: timeout, disk full, shutting down
     * STATUS_IO           anything else that PostgreSQL refuses */
    enum status status;
    char sqlstate[6];       /* five characters, or "" when the answer is not PostgreSQL's */
    const char *error;      /* one line for the log, "" on success; may hold data: not for clients */
    const char *constraint; /* name of the violated constraint, or "" */
    unsigned row_count;
    unsigned column_count;
    uint64_t affected; /* rows inserted, updated or deleted by the outermost command */
    /* private */
    const void *result;
};

struct row {
    /* private */
    const void *result;
    unsigned index;
};

/* index < reply->row_count */
struct row reply_row(const struct reply *reply, unsigned index);

/* Columns count from 0. */
bool row_is_null(const struct row *row, unsigned column);
struct uuid row_uuid(const struct row *row, unsigned column);
bool row_bool(const struct row *row, unsigned column);
int32_t row_i32(const struct row *row, unsigned column);        /* smallint, integer */
int64_t row_i64(const struct row *row, unsigned column);        /* smallint, integer, bigint */
double row_f64(const struct row *row, unsigned column);         /* real, double precision */
int64_t row_time_ms(const struct row *row, unsigned column);    /* timestamptz, as Unix milliseconds (rounded down) */
struct bytes row_text(const struct row *row, unsigned column);  /* text, varchar, char, name; a NUL follows the bytes */
struct bytes row_jsonb(const struct row *row, unsigned column); /* json, jsonb; the text; a NUL follows the bytes */
struct bytes row_bytea(const struct row *row, unsigned column);

#endif
