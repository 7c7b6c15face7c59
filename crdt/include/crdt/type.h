/* type.h — reading what a shared type holds.
 *
 * A type is a list (array, text, XML children) and, beside it, values by key (map, attributes). What a root is, its reader says:
 * the same root may be read as text here and as array there. A nested type carries its kind.
 *
 * Answers stand in the caller's arena, complete: nothing points into the document but CRDT_TYPE values, which are valid until the
 * type is deleted. All functions here answer STATUS_NO_MEMORY when memory or the arena's maximum is used up. */
#ifndef CRDT_TYPE_H
#define CRDT_TYPE_H

#include "crdt/doc.h"
#include "crdt/value.h"
#include "ground/arena.h"

enum { CRDT_TYPE_DEPTH_MAX = 500 }; /* of nested types in crdt_type_json and crdt_xml_write: deeper is STATUS_TOO_BIG */

/* Of a nested type; `out_name` (may be NULL) gets the name of an XML element or hook, else nothing; it points into the document.
 * False for a root. */
bool crdt_type_kind(const struct crdt_doc *doc, const struct crdt_type *type, enum crdt_type_kind *out, struct bytes *out_name);

/* Units in the list: values of an array, UTF-16 units of a text; embeds and nested types count one each. */
uint64_t crdt_type_length(const struct crdt_type *type);

/* One value of the list. STATUS_RANGE: index >= length. A unit of a text is a string of one character. Cost: the items before it.
 */
enum status crdt_array_get(const struct crdt_doc *doc, const struct crdt_type *array, uint64_t index, struct arena *arena,
                           struct crdt_value *out);

/* All of them. */
enum status crdt_array_values(const struct crdt_doc *doc, const struct crdt_type *array, struct arena *arena,
                              struct crdt_array_value *out);

/* The value of a key, or an attribute of a text or XML element. STATUS_NOT_FOUND. Cost: the type's keys. */
enum status crdt_map_get(const struct crdt_doc *doc, const struct crdt_type *map, struct bytes key, struct arena *arena,
                         struct crdt_value *out);

/* All keys that have a value, in the order in which they came here first. */
enum status crdt_map_entries(const struct crdt_doc *doc, const struct crdt_type *map, struct arena *arena,
                             struct crdt_object_value *out);

/* A piece of formatted text. */
struct crdt_delta_op {
    struct crdt_value insert; /* a string, an embed, or CRDT_TYPE */
    struct crdt_object_value attributes;
};

struct crdt_delta {
    const struct crdt_delta_op *ops;
    size_t count;
};

/* A text with its formatting; as in Yjs, neighbours may have equal attributes. */
enum status crdt_text_delta(const struct crdt_doc *doc, const struct crdt_type *text, struct arena *arena, struct crdt_delta *out);

/* The type and all types in it as one plain value: text becomes a string, XML its markup, arrays and maps what they hold.
 * Subdocuments stay CRDT_SUBDOC. `kind` is what a root is taken for; of a nested type it is ignored. STATUS_TOO_BIG: nested too
 * deep. */
enum status crdt_type_json(const struct crdt_doc *doc, const struct crdt_type *type, enum crdt_type_kind kind, struct arena *arena,
                           struct crdt_value *out);

/* Appends the markup of an XML fragment, element or text, as Yjs's toString has it: names in lower case (ASCII), attributes sorted,
 * nothing escaped. Errors also those of the writer. */
enum status crdt_xml_write(const struct crdt_doc *doc, const struct crdt_type *type, enum crdt_type_kind kind,
                           struct bytes_writer *out);

#endif
