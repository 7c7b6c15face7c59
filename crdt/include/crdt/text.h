/* text.h — text in a document, plain and formatted, edited by index.
 *
 * Indices and lengths count UTF-16 code units, as Yjs does; text goes in and out as UTF-8. An edit that cuts through a surrogate
 * pair replaces both halves by U+FFFD, as Yjs does. Embeds and nested types count one unit each and are left out of the plain text.
 *
 * Formatting is a set of attributes, each a key and a value. They stand in the list as marks between the text: from a mark on, the
 * attribute is in force, until one with the value null. Edits write and delete marks exactly as Yjs does. */
#ifndef CRDT_TEXT_H
#define CRDT_TEXT_H

#include "crdt/doc.h"
#include "crdt/value.h"

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

/* The only root that can be nothing but a text with something in it: a list of strings, embeds and marks, no keys, no nested types.
 * False: none is, or several are. The name is the document's, and may be empty. Cost: types, and items of the roots. */
bool crdt_doc_text_root(const struct crdt_doc *doc, struct bytes *out_name);

/* An index for what is inserted or formatted: behind everything, marks too, as Yjs takes an index behind the end. The length is a
 * place before the marks that stand behind the last unit: what is inserted there may be inside a formatted range. */
#define CRDT_TEXT_END UINT64_MAX

/* Inserts `text` before the unit `index`, with the formatting of the text before it.
 * `text`   UTF-8; copied; empty changes nothing
 * STATUS_RANGE      index > length, or the client's clock would pass 2^53 - 1
 * STATUS_MALFORMED  not strict UTF-8
 * STATUS_NO_MEMORY  unchanged, as after each error
 * Cost: near the last edit constant, else the runs between. */
enum status crdt_text_insert(struct crdt_txn *txn, struct crdt_type *text, uint64_t index, struct bytes utf8);

/* Deletes `length` units from `index` on, and the marks that become redundant. STATUS_RANGE: index + length > text length.
 * STATUS_NO_MEMORY. Both: unchanged. */
enum status crdt_text_delete(struct crdt_txn *txn, struct crdt_type *text, uint64_t index, uint64_t length);

/* ---- formatted ---- */

/* Inserts text with exactly these attributes; NULL: those in force there. Errors as crdt_text_insert; STATUS_MALFORMED also for a
 * key or value that cannot be written. Cost: the items before it. */
enum status crdt_text_insert_formatted(struct crdt_txn *txn, struct crdt_type *text, uint64_t index, struct bytes utf8,
                                       const struct crdt_object_value *attributes);

/* The same for a value that stands in the text as one unit, and for an empty nested type, which is answered. Without attributes if
 * NULL. */
enum status crdt_text_insert_embed(struct crdt_txn *txn, struct crdt_type *text, uint64_t index, const struct crdt_value *embed,
                                   const struct crdt_object_value *attributes);
enum status crdt_text_insert_type(struct crdt_txn *txn, struct crdt_type *text, uint64_t index, enum crdt_type_kind kind,
                                  struct bytes name, const struct crdt_object_value *attributes, struct crdt_type **out);

/* Sets attributes of `length` units from `index` on; the value null removes one. Behind the end, line feeds are appended, as in
 * Yjs. */
enum status crdt_text_format(struct crdt_txn *txn, struct crdt_type *text, uint64_t index, uint64_t length,
                             const struct crdt_object_value *attributes);

/* A step of a delta: from the beginning of the text, keep, insert, delete. */
struct crdt_delta_step {
    enum crdt_delta_kind { CRDT_RETAIN, CRDT_INSERT, CRDT_DELETE } kind;
    uint64_t length;          /* of what is kept or deleted; beyond the end: see crdt_text_format; deletes what is there */
    struct crdt_value insert; /* a string, or an embed */
    struct crdt_object_value attributes; /* exactly those of what is inserted; changes to what is kept */
};

/* All steps or none. */
enum status crdt_text_apply_delta(struct crdt_txn *txn, struct crdt_type *text, const struct crdt_delta_step *steps, size_t count);

/* In UTF-16 units; embeds and nested types count one each. */
uint64_t crdt_text_length(const struct crdt_type *text);

/* Appends the text as UTF-8. STATUS_NO_MEMORY, STATUS_TOO_BIG (the writer's maximum): the writer holds what it held before. */
enum status crdt_text_write(const struct crdt_doc *doc, const struct crdt_type *text, struct bytes_writer *out);

#endif
