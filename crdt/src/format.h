/* format.h — edits of texts that have marks. */
#ifndef CRDT_SRC_FORMAT_H
#define CRDT_SRC_FORMAT_H

#include "store.h"

/* crdt_text_delete, where there are marks. */
enum status format_delete(struct crdt_txn *txn, struct crdt_type *text, uint64_t index, uint64_t length);

/* crdt_text_insert at CRDT_TEXT_END, where there are marks. */
enum status format_append(struct crdt_txn *txn, struct crdt_type *text, struct bytes utf8);

/* Whether two values of attributes are the same to Yjs; JSON texts. */
bool json_equal(const struct mem *mem, struct bytes a, struct bytes b);

#endif
