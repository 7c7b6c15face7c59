/* position.h — relative positions: places that stay with the text around them while others edit.
 *
 *   00 05 07  00      at unit 7 of client 5, sticking to the right of what is before it (assoc 0)
 *   01 01 74  00      the end of the root "t"; with a negative association its beginning
 *   02 05 03  40…     the same of the nested type that unit 3 of client 5 holds
 *
 * The association is which neighbour a place belongs to: >= 0 the unit behind it, < 0 the unit before it. */
#ifndef CRDT_POSITION_H
#define CRDT_POSITION_H

#include "crdt/doc.h"

/* Appends the position before unit `index` of a type's list; an index behind the end means the end. STATUS_NO_MEMORY and
 * STATUS_TOO_BIG: the writer holds what it held before. Cost: the items before it. */
enum status crdt_position_encode(const struct crdt_doc *doc, const struct crdt_type *type, uint64_t index, int64_t assoc,
                                 struct bytes_writer *out);

struct crdt_position {
    struct crdt_type *type;
    uint64_t index;
    int64_t assoc;
};

/* Where a position is now. A root that it names is made if there is none.
 * STATUS_MALFORMED  not a position
 * STATUS_NOT_FOUND  it names a unit or type that is not here (yet), or was collected
 * STATUS_NO_MEMORY */
enum status crdt_position_resolve(struct crdt_doc *doc, struct bytes position, struct crdt_position *out);

/* The same place in another unit of measure, for editors that count otherwise. Embeds and nested types count one in each.
 * STATUS_RANGE: behind the end, or inside a character. Cost: the text before it. */
enum crdt_measure { CRDT_UTF16, CRDT_UTF8, CRDT_CODE_POINTS };
enum status crdt_text_measure(const struct crdt_doc *doc, const struct crdt_type *text, enum crdt_measure from, uint64_t index,
                              enum crdt_measure to, uint64_t *out);

#endif
