/* format.h — edits of texts that have marks. */
#ifndef CRDT_SRC_FORMAT_H
#define CRDT_SRC_FORMAT_H

#include "store.h"

/* crdt_text_delete, where there are marks. */
enum status format_delete(struct crdt_txn *txn, struct crdt_type *text, uint64_t index, uint64_t length);

/* Whether two values of attributes are the same to Yjs; JSON texts. */
bool json_equal(const struct mem *mem, struct bytes a, struct bytes b);

#endif
