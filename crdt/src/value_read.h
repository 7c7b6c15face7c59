/* value_read.h — from the bytes of contents to values in an arena. The bytes were checked when they came in. */
#ifndef CRDT_SRC_VALUE_READ_H
#define CRDT_SRC_VALUE_READ_H

#include "crdt/value.h"
#include "ground/arena.h"
#include "store.h"

/* One `any`; the reader stands behind it afterwards. */
enum status value_read_any(struct bytes_reader *reader, struct arena *arena, struct crdt_value *out);

/* JSON text; "undefined" is undefined. */
enum status value_read_json(struct bytes text, struct arena *arena, struct crdt_value *out);

/* The values of a countable item, `count` of them from unit `from` on. */
enum status value_read_item(const struct crdt_doc *doc, const struct item *item, uint64_t from, uint64_t count, struct arena *arena,
                            struct crdt_value *out);

/* A Format item: its key, and its value as JSON text. Both point into the document. */
void format_of(const struct crdt_doc *doc, const struct item *item, struct bytes *out_key, struct bytes *out_json);

/* Units [from, to) of a String item; halves of a cut surrogate pair are written as U+FFFD. */
void text_write_units(struct bytes text, uint64_t units, uint64_t from, uint64_t to, struct bytes_writer *out);
void item_write_units(const struct crdt_doc *doc, const struct item *item, uint64_t from, uint64_t to, struct bytes_writer *out);

#endif
