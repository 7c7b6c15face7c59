/* pack.h — msgpack with bounds: writing onto a bytes_writer, reading values that were checked first.
 *
 *   pack_check   walks one value once, before anything is read or allocated: depth, element count and size hold, every length
 *                lies inside the bytes, no reserved byte. A container may not claim more elements than it has bytes left, so
 *                `df ff ff ff 0a` (a map of four thousand million) costs five bytes of looking.
 *   pack_reader  a cursor over checked bytes; typed reads; a failed read moves nothing and leaves what was wrong in `fault`
 *   pack_fields  reads one map field by field; the first failure sticks and names the field
 *   pack_write_  append one value, in the shortest form; pack_put_ append a key and its value. Failures stick in the writer.
 *
 * Nothing here allocates. Views point into the bytes that were read. Text is strict UTF-8, checked when it is read. */
#ifndef WIRE_PACK_H
#define WIRE_PACK_H

#include "ground/bytes.h"
#include "ground/uuid.h"

enum pack_kind {
    PACK_END, /* the reader is at its end */
    PACK_NIL,
    PACK_BOOL,
    PACK_UINT,   /* a whole number that is not negative */
    PACK_INT,    /* a negative whole number */
    PACK_DOUBLE, /* float32 and float64 */
    PACK_TEXT,
    PACK_BIN,
    PACK_ARRAY,
    PACK_MAP,
    PACK_EXT /* can be skipped, not read */
};

struct pack_limits {
    unsigned depth_max;    /* containers inside each other, at most PACK_DEPTH_MAX; 0: scalars only */
    uint32_t elements_max; /* all values together, keys included */
    size_t bytes_max;      /* of the whole value */
};

enum {
    PACK_DEPTH_MAX = 32,  /* bounds the stack of pack_check */
    PACK_UINT53_BITS = 53 /* numbers that JavaScript keeps exactly */
};
#define PACK_UINT53_MAX ((UINT64_C(1) << PACK_UINT53_BITS) - 1)

/* What was wrong and where, for the error that goes back to the peer. `what` is a static sentence without a full stop. */
struct pack_fault {
    const char *what;
    size_t offset; /* bytes from the start of what was checked or read */
};

/* Checks the first value in `bytes`.
 *
 * `out_size`  set to the bytes that the value takes; more values may follow it
 * `fault`     set on failure; may be NULL
 *
 * STATUS_OK         every read below is safe on bytes_of(bytes.data, *out_size)
 * STATUS_MALFORMED  not msgpack, or cut off
 * STATUS_TOO_BIG    a limit is passed; the fault says which
 *
 * Cost: one pass over the headers of the values; text and bin are stepped over. */
enum status pack_check(struct bytes bytes, const struct pack_limits *limits, size_t *out_size, struct pack_fault *fault);

/* ---- reading ---- */

struct pack_reader {
    struct pack_fault fault; /* of the last read that failed */
    /* private */
    const uint8_t *base;
    const uint8_t *at;
    const uint8_t *end;
};

/* `checked`  one or more values that pack_check accepted; outlives the reader's views */
struct pack_reader pack_reader(struct bytes checked);

/* The kind of the value at the cursor; PACK_END at the end. */
enum pack_kind pack_peek(const struct pack_reader *reader);

/* Each reads one value of its type and answers STATUS_MALFORMED, moving nothing, for another type or a value out of range. */
enum status pack_read_nil(struct pack_reader *reader);
enum status pack_read_bool(struct pack_reader *reader, bool *out);
enum status pack_read_uint(struct pack_reader *reader, uint64_t max, uint64_t *out);
enum status pack_read_int(struct pack_reader *reader, int64_t *out);
enum status pack_read_double(struct pack_reader *reader, double *out); /* whole numbers too */
enum status pack_read_text(struct pack_reader *reader, size_t size_max, struct bytes *out);
enum status pack_read_bin(struct pack_reader *reader, size_t size_max, struct bytes *out);
enum status pack_read_uuid(struct pack_reader *reader, struct uuid *out);     /* 36 characters of text */
enum status pack_read_array(struct pack_reader *reader, uint32_t *out_count); /* then read `count` values */
enum status pack_read_map(struct pack_reader *reader, uint32_t *out_count);   /* then `count` times key and value */
enum status pack_read_value(struct pack_reader *reader, struct bytes *out);   /* any one value, as its bytes */
enum status pack_skip(struct pack_reader *reader);                            /* any one value */

/* The value of the first text key `key` in one checked map. STATUS_NOT_FOUND: no such key, or `map` is not a map. */
enum status pack_find(struct bytes map, const char *key, struct bytes *out);

/* ---- reading a map field by field ----
 *
 *     struct pack_fields fields = pack_fields(params);
 *     out->limit = 50;
 *     pack_field_text(&fields, "path", PACK_REQUIRED, FILE_PATH_BYTES_MAX, &out->path);
 *     pack_field_uint(&fields, "limit", PACK_OPTIONAL, 200, &out->limit);
 *     return fields.status;
 *
 * An optional field that is missing or nil leaves `out` as the caller set it. Members that nobody asks for are ignored. */

enum pack_need { PACK_REQUIRED, PACK_OPTIONAL };

struct pack_fields {
    enum status status; /* STATUS_OK, or STATUS_MALFORMED from the first failure on */
    const char *field;  /* the field that failed, NULL when the value is no map */
    const char *what;   /* a static sentence: "is missing", "must be text", "is longer than allowed" */
    /* private */
    struct bytes map;
};

/* `map`  one checked value; anything but a map sets the failure */
struct pack_fields pack_fields(struct bytes map);

void pack_field_bool(struct pack_fields *fields, const char *key, enum pack_need need, bool *out);
void pack_field_uint(struct pack_fields *fields, const char *key, enum pack_need need, uint64_t max, uint64_t *out);
void pack_field_int(struct pack_fields *fields, const char *key, enum pack_need need, int64_t *out);
void pack_field_double(struct pack_fields *fields, const char *key, enum pack_need need, double *out);
void pack_field_text(struct pack_fields *fields, const char *key, enum pack_need need, size_t size_max, struct bytes *out);
void pack_field_bin(struct pack_fields *fields, const char *key, enum pack_need need, size_t size_max, struct bytes *out);
void pack_field_uuid(struct pack_fields *fields, const char *key, enum pack_need need, struct uuid *out);
/* A list or a map, as its bytes, for a reader of its own. */
void pack_field_array(struct pack_fields *fields, const char *key, enum pack_need need, struct bytes *out);
void pack_field_map(struct pack_fields *fields, const char *key, enum pack_need need, struct bytes *out);

/* Sets the failure, if none stands yet: for checks that only the message knows. `what` is a static sentence. */
void pack_field_fail(struct pack_fields *fields, const char *key, const char *what);

/* ---- writing ---- */

void pack_write_nil(struct bytes_writer *writer);
void pack_write_bool(struct bytes_writer *writer, bool value);
void pack_write_uint(struct bytes_writer *writer, uint64_t value);
void pack_write_int(struct bytes_writer *writer, int64_t value);
void pack_write_double(struct bytes_writer *writer, double value);
void pack_write_text(struct bytes_writer *writer, struct bytes value); /* must be UTF-8; data NULL writes nil */
void pack_write_bin(struct bytes_writer *writer, struct bytes value);
void pack_write_uuid(struct bytes_writer *writer, const struct uuid *value);
void pack_write_array(struct bytes_writer *writer, uint32_t count);     /* then write `count` values */
void pack_write_map(struct bytes_writer *writer, uint32_t count);       /* then `count` times key and value */
void pack_write_raw(struct bytes_writer *writer, struct bytes encoded); /* bytes that are msgpack already */

/* A key and its value. `key` is a C string. */
void pack_put_key(struct bytes_writer *writer, const char *key);
void pack_put_nil(struct bytes_writer *writer, const char *key);
void pack_put_bool(struct bytes_writer *writer, const char *key, bool value);
void pack_put_uint(struct bytes_writer *writer, const char *key, uint64_t value);
void pack_put_int(struct bytes_writer *writer, const char *key, int64_t value);
void pack_put_double(struct bytes_writer *writer, const char *key, double value);
void pack_put_text(struct bytes_writer *writer, const char *key, struct bytes value);
void pack_put_string(struct bytes_writer *writer, const char *key, const char *value); /* a C string; NULL writes nil */
void pack_put_bin(struct bytes_writer *writer, const char *key, struct bytes value);
void pack_put_uuid(struct bytes_writer *writer, const char *key, const struct uuid *value);

/* Sizes of headers, for writers that must know the length of a value before they write it. */
size_t pack_uint_size(uint64_t value);
size_t pack_bin_header_size(size_t size);

#endif
