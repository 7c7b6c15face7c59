/* value.h — what a document can hold besides text: the values of JavaScript that Yjs writes ("any" of lib0), subdocuments, types.
 *
 * A value that is given to the engine points to whatever the caller owns and is copied. A value that the engine answers stands in
 * the arena that the caller passed, strings and bytes too, so it outlives the document's next change. */
#ifndef CRDT_VALUE_H
#define CRDT_VALUE_H

#include "ground/bytes.h"

struct crdt_type;

enum crdt_value_kind {
    CRDT_UNDEFINED,
    CRDT_NULL,
    CRDT_BOOL,
    CRDT_NUMBER, /* a double, as in JavaScript */
    CRDT_BIGINT, /* 64 bits, signed */
    CRDT_STRING, /* strict UTF-8, U+0000 included */
    CRDT_BYTES,
    CRDT_ARRAY,
    CRDT_OBJECT, /* members in their order; a key may come once */
    CRDT_SUBDOC, /* a document of its own, by name: content only, never inside an array or object */
    CRDT_TYPE    /* a nested shared type; is answered, never given: see crdt_array_insert_type and its like */
};

/* What a shared type is, by the numbers of the wire. A root is what its user takes it for: any of the first five and XML_TEXT. */
enum crdt_type_kind {
    CRDT_TYPE_ARRAY = 0,
    CRDT_TYPE_MAP = 1,
    CRDT_TYPE_TEXT = 2,
    CRDT_TYPE_XML_ELEMENT = 3,
    CRDT_TYPE_XML_FRAGMENT = 4,
    CRDT_TYPE_XML_HOOK = 5,
    CRDT_TYPE_XML_TEXT = 6
};

struct crdt_value;
struct crdt_member;

struct crdt_array_value {
    const struct crdt_value *items;
    size_t count;
};

struct crdt_object_value {
    const struct crdt_member *members;
    size_t count;
};

struct crdt_value {
    enum crdt_value_kind kind;
    union {
        bool boolean;
        double number;
        int64_t bigint;
        struct bytes bytes; /* CRDT_STRING, CRDT_BYTES */
        struct crdt_array_value array;
        struct crdt_object_value object;
        struct {
            struct bytes guid;
            const struct crdt_value *options; /* NULL, or usually an object */
        } subdoc;
        struct crdt_type *type;
    };
};

struct crdt_member {
    struct bytes key;
    struct crdt_value value;
};

static inline struct crdt_value crdt_null(void) {
    return (struct crdt_value){ .kind = CRDT_NULL };
}

static inline struct crdt_value crdt_bool(bool boolean) {
    return (struct crdt_value){ .kind = CRDT_BOOL, .boolean = boolean };
}

static inline struct crdt_value crdt_number(double number) {
    return (struct crdt_value){ .kind = CRDT_NUMBER, .number = number };
}

static inline struct crdt_value crdt_string(struct bytes utf8) {
    return (struct crdt_value){ .kind = CRDT_STRING, .bytes = utf8 };
}

#endif
