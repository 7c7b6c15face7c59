/* value_write.h — from values to the bytes of contents. */
#ifndef CRDT_SRC_VALUE_WRITE_H
#define CRDT_SRC_VALUE_WRITE_H

#include "crdt/value.h"

/* Appends a value as `any`, as lib0 writes it. STATUS_MALFORMED: not UTF-8, nested deeper than ANY_DEPTH_MAX, or a subdocument or
 * type inside; the writer's failure. */
enum status value_write_any(struct bytes_writer *out, const struct crdt_value *value);

/* Appends a value as JSON.stringify prints it, behind its byte count. Errors as above. */
enum status value_write_json(struct bytes_writer *out, const struct crdt_value *value);

#endif
