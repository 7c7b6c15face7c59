/* doc_check.h — walks a document and checks the invariants that INTERNALS.md numbers. For tests and debug builds. */
#ifndef CRDT_SRC_DOC_CHECK_H
#define CRDT_SRC_DOC_CHECK_H

#include "crdt/doc.h"

/* 0 if all hold, else the number of the first that does not; `out_what` (may be NULL) then says what was found. No transaction may
 * be open. Cost: everything; takes no memory. */
int doc_check(const struct crdt_doc *doc, const char **out_what);

#endif
