/* json_body.h — the small JSON objects of the HTTP endpoints: text, numbers and booleans, an object inside where an error is told.
 *
 * Reading is bounded by the HTTP body's limit and checked before it is used; unknown members, of whatever shape, are ignored.
 * jansson parses; it allocates from the C heap. */
#ifndef WIRE_JSON_BODY_H
#define WIRE_JSON_BODY_H

#include "ground/bytes.h"

struct json_body;

/* `text`  a whole JSON object
 * STATUS_MALFORMED: not JSON, not an object, duplicate keys, or not UTF-8. STATUS_NO_MEMORY. */
enum status json_body_parse(struct bytes text, struct json_body **out);
void json_body_destroy(struct json_body *body);

/* The member `key`. STATUS_NOT_FOUND: missing or null. STATUS_MALFORMED: another type. STATUS_TOO_BIG: longer than `size_max`, or
 * negative or above `max`. Text may hold any character but NUL; it belongs to `body`. */
enum status json_body_text(const struct json_body *body, const char *key, size_t size_max, struct bytes *out);
enum status json_body_uint(const struct json_body *body, const char *key, uint64_t max, uint64_t *out);
enum status json_body_bool(const struct json_body *body, const char *key, bool *out);

/* The object at `key`, to be destroyed by the caller. STATUS_NOT_FOUND, STATUS_MALFORMED as above, STATUS_NO_MEMORY. */
enum status json_body_object(const struct json_body *body, const char *key, struct json_body **out);

/* Writing, one call per member, between open and close: {"a":"b","n":1}. Failures stick in the writer. */
struct json_writer {
    /* private */
    struct bytes_writer *out;
    bool has_member;
};

struct json_writer json_write_open(struct bytes_writer *out);
void json_write_text(struct json_writer *writer, const char *key, struct bytes value);
void json_write_string(struct json_writer *writer, const char *key, const char *value);
void json_write_uint(struct json_writer *writer, const char *key, uint64_t value);
void json_write_bool(struct json_writer *writer, const char *key, bool value);
void json_write_close(struct json_writer *writer);

#endif
