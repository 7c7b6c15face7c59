/* params.h — the typed parameters of one statement.
 *
 *   struct params *params = params_new(arena);
 *   params_add_uuid(params, &session_id);
 *   params_add_text(params, name);
 *   store_submit(store, &call->request, "session_rename", params, session_rename_on_stored, call);
 *
 * Parameters are added in the order of $1, $2, …; a statement says in its comment what it wants. Values are copied into the arena,
 * in PostgreSQL's binary format. The first failure (memory, more than PARAMS_MAX) sticks and store_submit() answers it, so a caller
 * checks once. store_submit() copies everything it needs: the arena may end right after it.
 *
 * The types are held against what PostgreSQL says of the prepared statement: a wrong count or type is a mistake of ours, answered
 * STATUS_CONFLICT by the reply with the place in its text, and never sent. */
#ifndef STORE_PARAMS_H
#define STORE_PARAMS_H

#include "ground/arena.h"
#include "ground/uuid.h"

struct params;

enum { PARAMS_MAX = 32 };

/* No parameters yet. NULL when the arena is full; every function here and store_submit() take that NULL as "no memory". */
struct params *params_new(struct arena *arena);

/* SQL NULL, of whatever type the statement wants. */
void params_add_null(struct params *params);

void params_add_uuid(struct params *params, const struct uuid *uuid); /* NULL: SQL NULL */
void params_add_bool(struct params *params, bool value);
void params_add_i32(struct params *params, int32_t value);    /* int, integer */
void params_add_i64(struct params *params, int64_t value);    /* bigint */
void params_add_f64(struct params *params, double value);     /* float, double precision */
void params_add_time(struct params *params, int64_t unix_ms); /* timestamptz */

/* data NULL: SQL NULL. Text and JSON must be UTF-8 without NUL: anything else is refused by PostgreSQL (22021) and reaches the
 * reply as STATUS_MALFORMED; check with utf_check() and memchr() where the bytes come from outside. */
void params_add_text(struct params *params, struct bytes text); /* text, varchar */
void params_add_jsonb(struct params *params, struct bytes json);
void params_add_bytea(struct params *params, struct bytes bytes);

/* One-dimensional arrays, for `unnest()`; count 0 is an empty array. An element with data NULL is SQL NULL; for uuids write
 * nullif(x, '00000000-0000-0000-0000-000000000000') in the statement. */
void params_add_uuid_array(struct params *params, const struct uuid *values, size_t count);
void params_add_bool_array(struct params *params, const bool *values, size_t count);
void params_add_i32_array(struct params *params, const int32_t *values, size_t count);
void params_add_i64_array(struct params *params, const int64_t *values, size_t count);
void params_add_time_array(struct params *params, const int64_t *unix_ms, size_t count);
void params_add_text_array(struct params *params, const struct bytes *values, size_t count);
void params_add_jsonb_array(struct params *params, const struct bytes *values, size_t count);
void params_add_bytea_array(struct params *params, const struct bytes *values, size_t count);

#endif
