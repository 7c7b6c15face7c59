/* text.h — plain text in a document, edited by index.
 *
 * Indices and lengths count UTF-16 code units, as Yjs does; text goes in and out as UTF-8. An edit that cuts through a surrogate
 * pair replaces both halves by U+FFFD, as Yjs does. Other kinds of content that a peer puts into the same root (embeds, marks,
 * nested types) are kept; embeds and nested types count one unit each, and all are left out of the text. */
#ifndef CRDT_TEXT_H
#define CRDT_TEXT_H

#include "crdt/doc.h"

/* The root of that name, made if there is none: roots have no beginning and no end, and a name that was never written to is never
 * sent. The pointer is valid as long as the document.
 * `name`  strict UTF-8, may be empty; copied
 * STATUS_MALFORMED (not UTF-8), STATUS_NO_MEMORY */
enum status crdt_doc_root(struct crdt_doc *doc, struct bytes name, struct crdt_type **out);

/* Which roots a document has; one that was only asked for by crdt_doc_root and never held anything does not count. */
struct crdt_roots {
    bool named;  /* the root of the asked name exists and holds or held something */
    bool others; /* so does any other root */
};
struct crdt_roots crdt_doc_roots(const struct crdt_doc *doc, struct bytes name);

/* Inserts `text` before the unit `index`.
 * `text`   UTF-8; copied; empty changes nothing
 * STATUS_RANGE      index > length, or the client's clock would pass 2^53 - 1
 * STATUS_MALFORMED  not strict UTF-8
 * STATUS_NO_MEMORY  unchanged, as after each error
 * Cost: near the last edit constant, else the runs between. */
enum status crdt_text_insert(struct crdt_txn *txn, struct crdt_type *text, uint64_t index, struct bytes utf8);

/* Deletes `length` units from `index` on. STATUS_RANGE: index + length > text length. STATUS_NO_MEMORY. Both: unchanged. */
enum status crdt_text_delete(struct crdt_txn *txn, struct crdt_type *text, uint64_t index, uint64_t length);

/* In UTF-16 units; embeds and nested types count one each. */
uint64_t crdt_text_length(const struct crdt_type *text);

/* Appends the text as UTF-8. STATUS_NO_MEMORY, STATUS_TOO_BIG (the writer's maximum): the writer holds what it held before. */
enum status crdt_text_write(const struct crdt_doc *doc, const struct crdt_type *text, struct bytes_writer *out);

#endif
