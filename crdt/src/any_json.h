/* any_json.h — JSON text to `any` and back: embeds and formats are JSON in update v1 and `any` in v2.
 *
 *   {"b":[1,null]}   ⇄   76 01  01 62   75 02  7d 01  7e
 *
 * From `any`, as JSON.stringify does: NaN and infinities become null, -0 becomes 0, bytes become {"0":1,…}, undefined becomes null
 * (members of an object that are undefined are left out). A bigint, at which JSON.stringify fails, becomes its digits. */
#ifndef CRDT_SRC_ANY_JSON_H
#define CRDT_SRC_ANY_JSON_H

#include "ground/bytes.h"

/* `text` must have passed json_check(). Failures stick in the writer. Cost: the text, × its depth for containers of more than 127.
 */
void json_to_any(struct bytes text, struct bytes_writer *out);

/* One value, which must have passed any_skip(); the reader stands behind it afterwards. */
void any_to_json(struct bytes_reader *reader, struct bytes_writer *out);

/* A number as lib0 writes it: integer, float32 or float64, whichever is the first that holds it. */
void any_write_number(struct bytes_writer *out, double number);

#endif
